"""What the rule says of templates: the worst verdict for each set of functions and workflows that a circle runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Finding, Verdict
from constructs_lib.guards.rules import rule_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly

RUN = {"AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"}
WORST_FIRST = (Verdict.LOOP, Verdict.RISK, Verdict.GUARDED)


def found_in(assembly: Assembly) -> Iterator[tuple[Verdict, frozenset[str]]]:
    """Yield every verdict, with the logical ids of what runs; of all that takes part where nothing does."""
    for found in rule_of("recursion")(assembly):
        if isinstance(found, Finding):
            assert found.verdict is not None
            members = [each for each in (found.resource, *found.through) if isinstance(each, Resource)]
            running = [each for each in members if each.type in RUN]
            yield found.verdict, frozenset(each.logical_id for each in running or members)


def worst_in(assembly: Assembly) -> frozenset[tuple[Verdict, frozenset[str]]]:
    """Return the worst verdict for each set of what runs."""
    worst: dict[frozenset[str], Verdict] = {}
    for verdict, runs in sorted(found_in(assembly), key=lambda each: WORST_FIRST.index(each[0])):
        worst.setdefault(runs, verdict)
    return frozenset((verdict, runs) for runs, verdict in worst.items())
