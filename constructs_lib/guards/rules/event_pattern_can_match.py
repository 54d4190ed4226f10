"""A rule asks for what events have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Value
    from constructs_lib.guards.finding import Finding, Unknown

AT = "EventPattern"
FIELDS = (
    "account", "detail", "detail-type", "id", "ingestion-time", "region", "replay-name", "resources", "source", "time",
    "version",
)  # fmt: skip
EITHER = "$or"
ABSENT = "exists"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The pattern of an EventBridge rule asks only for fields that an event has.

    Why it matters: the fields of an event are always the same, and written in small letters; what its sender adds
    stands below `detail`. A pattern that asks for another field matches no event, and nobody is told.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html

    Refuses: a key beside `source`, `detail-type`, `detail` and their like, such as `Source` or `orderId`.

    Accepts: the fields of an event; `$or` of such patterns; a field that is asked not to be there.
    """
    for each in assembly.of_type("AWS::Events::Rule"):
        told = each.value(AT)
        unheard = sorted(_unheard(told))
        if unheard:
            shown = ", ".join(unheard)
            yield finding(
                each,
                problem=f"the pattern asks for {shown}, which no event has: the rule never matches",
                fix=f"write one of {', '.join(FIELDS)}; fields of your own stand below detail",
                at=(AT, unheard[0]),
            )


def _unheard(pattern: Value) -> set[str]:
    if not isinstance(pattern, dict):
        return set()
    found = {key for key, asked in pattern.items() if key not in FIELDS and key != EITHER and not _is_absence(asked)}
    either = pattern.get(EITHER)
    for each in either if isinstance(either, list) else ():
        found |= _unheard(each)
    return found


def _is_absence(asked: Value) -> bool:
    return isinstance(asked, list) and any(isinstance(each, dict) and each.get(ABSENT) is False for each in asked)
