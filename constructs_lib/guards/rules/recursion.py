"""Nothing runs itself without end, at once or by way of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.graph import Flow
from constructs_lib.assembly.flow.loops import loops_of
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.text_set import Extent
from constructs_lib.guards.finding import Severity, Verdict, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.flow.graph import Step
    from constructs_lib.assembly.flow.loops import Loop
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.guards.finding import Finding, Unknown

VERDICTS = {
    Extent.ALL: (Verdict.LOOP, Severity.ERROR),
    Extent.SOME: (Verdict.RISK, Severity.WARNING),
    Extent.NONE: (Verdict.GUARDED, Severity.INFO),
}
ENDS = "let it write somewhere else, or narrow what runs it until the two have nothing in common"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """Nothing runs itself without end, at once or by way of others.

    Why it matters: a function that is run by what it writes runs until somebody notices the invoice. AWS stops some of
    these circles after about sixteen rounds, those of Lambda with SQS, SNS and S3, and no others; what was done by then
    is done. https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html

    Refuses: a circle of permissions and triggers in which everything that may be written runs the writer again (LOOP);
    warns of one in which some of it may, because a permission has a wildcard, or a filter lets through part of what is
    written, or is not known (RISK). It goes through notifications of buckets, queues, topics, buses and their rules,
    streams, workflows, destinations and dead letters, pipes, schedules, APIs, delivery streams, log subscriptions,
    replication and access logs, rules of AWS IoT, events that services and CloudTrail send, and roles that are assumed,
    over all stacks.

    Accepts: what is proven to have nothing in common: another prefix or suffix, a pattern that what is written cannot
    match, a denial. Such a circle is told as GUARDED, with the proof. A loop that is meant, and ends for a reason no
    template can tell, is acknowledged one by one: `allow_recursion(construct, "what ends it")`.
    """
    flow = Flow(assembly)
    loops = loops_of(flow)
    for loop in loops:
        found = _finding(loop)
        if found is not None:
            yield found
    for runner, reasons in flow.unknowns().items():
        if flow.is_run_by_others(runner):
            for reason in reasons:
                yield unknown(runner, what="what it may write, and whether that runs it again", reason=reason)


def _finding(loop: Loop) -> Finding | None:
    verdict, severity = VERDICTS[loop.extent]
    members = tuple(dict.fromkeys(loop.nodes))
    resources = [node for node in members if isinstance(node, Resource)]
    if not resources:
        return None
    return finding(
        resources[0],
        problem=_problem(loop, verdict),
        fix=_fix(loop, verdict),
        evidence=[_told(step) for step in loop.steps],
        verdict=verdict,
        severity=severity,
        detail=">".join(_called(node) for node in members),
        through=resources[1:],
    )


def _problem(loop: Loop, verdict: Verdict) -> str:
    first = loop.nodes[0]
    way = " -> ".join([*(node.path for node in loop.nodes), first.path])
    match verdict:
        case Verdict.LOOP:
            return f"{first.path} runs itself, without end: {way}"
        case Verdict.RISK:
            return f"{first.path} may run itself: {way}"
    return f"{first.path} would run itself, if a filter did not prevent it: {way}"


def _fix(loop: Loop, verdict: Verdict) -> str:
    if verdict is Verdict.GUARDED:
        return "keep it so"
    weak = next((step for step in loop.steps if step.extent is Extent.SOME), None)
    narrow = f"{weak.source.path} {weak.says}: narrow that" if weak is not None else ENDS
    first = loop.nodes[0].path
    return f'{narrow}; if something else ends it, say what: allow_recursion({first}, "...")'


def _told(step: Step) -> str:
    because = f": {step.why}" if step.why else ""
    example = ""
    if step.extent is Extent.SOME and step.relation is not None and step.relation.witness is not None:
        example = f", for example {step.relation.witness!r}"
    return f"{step.source.path} {step.says}{because}{example}"


def _called(node: Node) -> str:
    return node.id if isinstance(node, Resource) else str(node.name)
