"""What a service delivers into a queue or topic is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.actions import mentions
from constructs_lib.assembly.policies.documents import policies_of
from constructs_lib.guards.deliveries import TOPIC, deliveries_of, errands_of
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.invoke_permissions import may_be, own_sources
from constructs_lib.guards.role_permissions import permissions_of_role
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.statement import Statement
    from constructs_lib.guards.deliveries import Delivery
    from constructs_lib.guards.finding import Finding, Unknown

ALARMS = "cloudwatch.amazonaws.com"
SOURCE = "aws:sourcearn"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """What a topic, rule, bucket, alarm, schedule or pipe delivers is let in where it is to arrive.

    Why it matters: a service that is not let in drops the event, or keeps trying for a day, and tells nobody but its
    own metrics; an alarm that may not publish raises no alarm.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html

    Refuses: a subscription, a target of a rule, a notification of a bucket, or a dead-letter queue of one of them,
    whose queue or topic has no policy that allows it, or allows it from elsewhere; an alarm on a topic whose policy
    leaves it out; a schedule, rule or pipe whose role may not invoke, start or send to its target.

    Accepts: an Allow for the service, with or without a source; a target with a role of its own; an alarm on a topic
    without a policy, since AWS's own lets in the account. What cannot be resolved is said to be unknown.
    """
    policies = policies_of(assembly)
    for delivery in deliveries_of(assembly):
        statements = policies.of_resource(delivery.to)
        if delivery.principal == ALARMS and not statements:
            continue
        allowing = [each for each in statements if each.allows and mentions(each, delivery.action.lower())]
        for_service = [each for each in allowing if _is_for(each, delivery.principal)]
        if any(_is_from(each, delivery) for each in for_service):
            continue
        unclear = [told for each in statements for told in each.unknowns]
        if unclear:
            what = f"whether {delivery.to} lets in {delivery.principal}"
            yield unknown(delivery.by, what=what, reason=unclear[0].reason)
        else:
            yield _turned_away(delivery, for_service)
    for errand in errands_of(assembly):
        role = permissions_of_role(assembly, errand.role)
        if role is None or any(role.may(each.lower(), (errand.arn,)) for each in errand.actions):
            continue
        if role.unknowns:
            what = f"whether {role.node} allows {errand.actions[0]} on {errand.to}"
            yield unknown(errand.by, what=what, reason=role.unknowns[0])
        else:
            yield finding(
                errand.by,
                at=errand.at,
                detail=str(errand.to),
                problem=f"role {role.node} does not allow {errand.actions[0]} on {errand.to}: nothing is delivered",
                fix=f"allow {errand.actions[0]} on {errand.to} in a policy of the role",
                through=(errand.to, role.node),
            )


def _turned_away(delivery: Delivery, for_service: list[Statement]) -> Finding:
    resource = "topic" if delivery.to.type == TOPIC else "queue"
    elsewhere = " from elsewhere" if for_service else ""
    lets = (
        f"lets {delivery.principal} in{elsewhere}, not from" if elsewhere else f"does not let {delivery.principal} in"
    )
    source = f" {delivery.source}" if elsewhere else ""
    return finding(
        delivery.by,
        at=delivery.at,
        detail=str(delivery.to),
        problem=f"{resource} {delivery.to} {lets}{source}: nothing is delivered",
        fix=f"allow {delivery.action} to {delivery.principal} with aws:SourceArn {delivery.source} in a policy of the "
        f"{resource}",
        through=(delivery.to, *(each.source for each in for_service)),
    )


def _is_for(statement: Statement, principal: str) -> bool:
    return any(each.kind == "*" or each.name.literal in {principal, None} for each in statement.principals)


def _is_from(statement: Statement, delivery: Delivery) -> bool:
    for operator, wanted in statement.conditions.items():
        told = wanted.get(SOURCE, ())
        if told and not operator.startswith(("ArnNot", "StringNot")):
            sources = own_sources(delivery.by) if delivery.source == delivery.by.arn else (delivery.source,)
            return any(may_be(each, source) for each in told for source in sources)
    return True
