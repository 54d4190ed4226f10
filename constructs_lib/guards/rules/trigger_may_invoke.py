"""What triggers a function is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.invoke_permissions import entries_of, permissions_of
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown
    from constructs_lib.guards.invoke_permissions import Entry, Permission


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A trigger may invoke its function: a permission lets in that service, from there, to that version or alias.

    Why it matters: without a permission Lambda turns the trigger away; a bucket refuses to be deployed, and a rule,
    topic or API loses every event or answers 500, with nothing in the logs of the function.
    https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html

    Refuses: a notification of a bucket, subscription of a topic, rule, route or authorizer of an API, log
    subscription, trigger of a user pool, target group, IoT or mail rule, alarm or rotation that calls a function no
    `AWS::Lambda::Permission` lets it in to; one whose source is another; one for the function when an alias is
    called, or the other way round.

    Accepts: a permission for the service, with or without a source; an integration or a target with a role of its own.
    """
    permissions = permissions_of(assembly)
    nameless = [each for key, told in permissions.items() if key == "" or " " in key for each in told]
    for entry in entries_of(assembly):
        caller = entry.caller
        for_service = [each for each in permissions.get(caller.function.id, ()) if each.is_for(entry.principal)]
        from_here = [each for each in for_service if each.is_from(entry.sources)]
        if any(each.qualifier == caller.qualifier for each in from_here):
            continue
        unclear = next((each for each in nameless if each.is_for(entry.principal)), None)
        if unclear is not None:
            what = f"whether {entry.principal} may invoke {caller.function}"
            yield unknown(caller.by, what=what, reason=f"which function {unclear.resource} is for is not known")
        else:
            yield _turned_away(entry, for_service, from_here)


def _turned_away(entry: Entry, for_service: list[Permission], from_here: list[Permission]) -> Finding:
    caller = entry.caller
    wanted = _called(caller.qualifier)
    if from_here:
        got = _called(from_here[0].qualifier)
        problem = (
            f"{from_here[0].resource} lets {entry.principal} invoke {got} of {caller.function}, called is {wanted}"
        )
        fix = f"set FunctionName of the permission to {wanted}, as the trigger has it"
    elif for_service:
        by, told, source = for_service[0].resource, for_service[0].sources[0], entry.pattern
        problem = f"{by} lets {entry.principal} invoke {caller.function} from {told}, not {source}"
        fix = f"set SourceArn of the permission to {source}"
    else:
        problem = f"no permission lets {entry.principal} invoke {wanted} of {caller.function}"
        where = f" and SourceArn {entry.pattern}" if entry.pattern else ""
        fix = f"add an AWS::Lambda::Permission with Principal {entry.principal}{where}"
    through = [caller.function, *(each.resource for each in for_service)]
    detail = " ".join((*caller.at[2:], str(caller.function))) if caller.at[:1] == ("Body",) else str(caller.function)
    return finding(caller.by, at=caller.at, detail=detail, problem=problem, fix=fix, through=through)


def _called(qualifier: Text | None) -> str:
    return "the latest version" if qualifier is None else f"version or alias {qualifier}"
