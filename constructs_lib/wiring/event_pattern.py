"""Which events a rule delivers, as EventBridge documents it; and whom an event may claim to come from.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import aws_cdk as cdk

from constructs_lib.wiring.json_values import check_json
from constructs_lib.wiring.kinds import satisfies
from constructs_lib.wiring.refusals import Refusals, did_you_mean

FIELDS = frozenset(
    {"account", "detail", "detail-type", "id", "region", "replay-name", "resources", "source", "time", "version"}
)
ALTERNATIVES = "$or"
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
COMPARISONS = frozenset(
    {"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"}
)
INPUT_PATH = re.compile(r"\$(\.[^\s.\[\]]+|\[\d+\]|\['[^']+'\])*")


def check_pattern(pattern: Mapping[str, object], refusals: Refusals) -> None:
    """Note a pattern that would match every event, or none."""
    if not check_json("pattern", pattern, refusals):
        return
    if not pattern:
        refusals.refuse(
            "pattern is empty: the target would get every event of the bus",
            fix='name what it gets: {"source": ["orders"], "detail-type": ["placed"]}',
        )
    for field, wanted in pattern.items():
        if field not in FIELDS and field != ALTERNATIVES:
            refusals.refuse(
                f"pattern asks for {field!r}, which no event has{did_you_mean(field.replace('_', '-'), FIELDS)}",
                fix=f"use {', '.join(sorted(FIELDS))}; the fields of your own are below detail",
            )
        else:
            _check_wanted(field, wanted, refusals)


def check_input_path(path: str | None, refusals: Refusals) -> None:
    """Note what is no path into an event.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """
    if path is None or cdk.Token.is_unresolved(path) or INPUT_PATH.fullmatch(path):
        return
    below = path.lstrip("$.").strip()
    refusals.refuse(
        f"input_path is {path!r}, which is no path into an event",
        fix=f"begin at the event: {'$.detail' if not below or ' ' in below else f'$.{below}'}",
    )


def check_source(source: str, refusals: Refusals) -> None:
    """Note a source that only AWS may name.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
    """
    if cdk.Token.is_unresolved(source):
        return
    if not source.strip():
        refusals.refuse("a source is empty", fix='name who speaks: sources=["orders"]')
    elif source == "aws" or source.startswith("aws."):
        refusals.refuse(
            f"source {source!r} belongs to AWS, and PutEvents refuses it",
            fix='name your own: sources=["com.example.orders"]',
        )


def check_values(asks: str, wanted: object, refusals: Refusals, *, fix: str = 'write a list: ["..."]') -> None:
    """Note what is no list of values and comparisons.

    Args:
        asks: How the sentence begins: `pattern asks source for`.
        wanted: What was asked; a token is left alone.
        refusals: Where problems are noted.
        fix: How to write a list.
    """
    if isinstance(wanted, str | list) and cdk.Token.is_unresolved(wanted):
        return
    if satisfies(wanted, cdk.IResolvable):
        return
    if isinstance(wanted, str) or not isinstance(wanted, Sequence) or not wanted:
        refusals.refuse(f"{asks} {wanted!r}, wanted a list of what it may be", fix=fix)
        return
    for each in wanted:
        if isinstance(each, Mapping) and not satisfies(each, cdk.IResolvable):
            for comparison in each:
                if comparison not in COMPARISONS:
                    refusals.refuse(
                        f"{asks} {comparison!r}, which is no comparison{did_you_mean(comparison, COMPARISONS)}",
                        fix=f"use {', '.join(sorted(COMPARISONS))}",
                    )
        elif isinstance(each, Sequence) and not isinstance(each, str):
            refusals.refuse(f"{asks} a list in a list: {each!r}", fix="write one list of what it may be")


def _check_wanted(path: str, wanted: object, refusals: Refusals) -> None:
    is_alternatives = path.rpartition(".")[2] == ALTERNATIVES
    if isinstance(wanted, Mapping) and wanted and not is_alternatives:
        for field, below in wanted.items():
            _check_wanted(f"{path}.{field}", below, refusals)
    elif is_alternatives and isinstance(wanted, Sequence) and not isinstance(wanted, str) and wanted:
        for each in wanted:
            if isinstance(each, Mapping) and each:
                for field, below in each.items():
                    _check_wanted(f"{path}.{field}", below, refusals)
            else:
                refusals.refuse(f"pattern asks {path} for {each!r}, wanted patterns", fix='write {"source": ["..."]}')
    else:
        check_values(f"pattern asks {path} for", wanted, refusals)
