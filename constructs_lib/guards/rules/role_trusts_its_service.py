"""A role may be taken on by the service that has to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.statement import EVERYBODY, statements_at
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.identity_statements import ROLE
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

# Where each type names the role, and who takes that on.
SERVICES = {
    "AWS::Lambda::Function": (("Role",), "lambda.amazonaws.com"),
    "AWS::StepFunctions::StateMachine": (("RoleArn",), "states.amazonaws.com"),
    "AWS::Scheduler::Schedule": (("Target", "RoleArn"), "scheduler.amazonaws.com"),
    "AWS::Pipes::Pipe": (("RoleArn",), "pipes.amazonaws.com"),
    "AWS::Events::Rule": (("Targets", "*", "RoleArn"), "events.amazonaws.com"),
    "AWS::KinesisFirehose::DeliveryStream": (("S3DestinationConfiguration", "RoleARN"), "firehose.amazonaws.com"),
}
DOCUMENT = "AssumeRolePolicyDocument"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The role of a function, state machine, schedule or pipe may be assumed by the service that runs it.

    Why it matters: Lambda and Step Functions refuse to be deployed with a role they may not assume; a schedule or a
    rule is deployed, and does nothing when its time comes.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services

    Refuses: a role in the templates whose trust policy does not let in the service of what it is given to.

    Accepts: the service as principal, also with its region in the name; roles from elsewhere.
    """
    for kind, (at, service) in SERVICES.items():
        for resource in assembly.of_type(kind):
            for value in resource.values(*at):
                role = assembly.target(value, ROLE)
                if not isinstance(role, Resource) or role.lacks(DOCUMENT):
                    continue
                statements = list(statements_at(role, DOCUMENT))
                unclear = [told for each in statements for told in each.unknowns]
                names = [who for each in statements if each.allows for who in each.principals]
                if any(who.kind == EVERYBODY or _is(str(who.name), service) for who in names):
                    continue
                if unclear or any(who.name.literal is None for who in names):
                    reason = unclear[0].reason if unclear else "a principal of it is only known when it is deployed"
                    yield unknown(role, what=f"whether {service} may assume the role", reason=reason)
                else:
                    yield finding(
                        role,
                        at=(DOCUMENT,),
                        detail=service,
                        problem=f"{service} may not assume role {role}, which it has to for {resource}",
                        fix=f"allow sts:AssumeRole to the service {service} in {DOCUMENT}",
                        through=(resource,),
                    )


def _is(name: str, service: str) -> bool:
    """Whether this is the service, perhaps with a region in its name."""
    first, _, rest = service.partition(".")
    return name == service or (name.startswith(f"{first}.") and name.endswith((rest, f"{rest}.cn")))
