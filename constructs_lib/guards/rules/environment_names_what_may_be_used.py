"""A function may use what its environment names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.assembly.policies.actions import any_includes
from constructs_lib.assembly.policies.documents import policies_of
from constructs_lib.assembly.policies.permissions import extent_on
from constructs_lib.assembly.text_set import Extent
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.role_permissions import permissions_of_role
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.statement import Statement
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

# What is of no use to who may do nothing with it, the service whose actions use it, and one of them.
USED: Mapping[str, tuple[str, str]] = {
    "AWS::DynamoDB::GlobalTable": ("dynamodb", "dynamodb:GetItem"),
    "AWS::DynamoDB::Table": ("dynamodb", "dynamodb:GetItem"),
    "AWS::SNS::Topic": ("sns", "sns:Publish"),
    "AWS::SQS::Queue": ("sqs", "sqs:SendMessage"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "secretsmanager:GetSecretValue"),
    "AWS::StepFunctions::StateMachine": ("states", "states:StartExecution"),
}
VARIABLES = ("Environment", "Variables")


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function may do something with each table, queue, topic, secret and workflow that its environment names.

    Why it matters: a grant that was forgotten is found by the first request, as AccessDenied.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html

    Refuses: a variable with the name, ARN or URL of one that no policy of the function's role, and no policy of its
    own, allows any action on.

    Accepts: any action of its service on it, or on an index of it. Which of them the code calls, `constructs-lib proof`
    tells.
    """
    policies = policies_of(assembly)
    for function in own_functions(assembly):
        named = list(_named(assembly, function))
        role = permissions_of_role(assembly, function.value("Role")) if named else None
        if role is None:
            continue
        held = [each for each in policies.of_role(role.node) if each.allows]
        for variable, used in named:
            service, action = USED[used.type]
            if any(_allows(each, service, used) for each in held):
                continue
            if any(each.allows for each in policies.of_resource(used)):
                continue
            if role.unknowns:
                what = f"whether {role.node} may use {used}, which {variable} names"
                yield unknown(function, what=what, reason=role.unknowns[0])
                continue
            yield finding(
                function,
                problem=f"its variable {variable} names {used}, and {role.node} allows no action of {service} on it",
                fix=f"allow what the code calls ({action} perhaps) on {used.arn}, or leave the variable out",
                at=(*VARIABLES, variable),
                detail=variable,
                through=(role.node, used),
            )


def _named(assembly: Assembly, function: Resource) -> Iterator[tuple[str, Resource]]:
    """Each variable of a function that surely names something of the stacks."""
    variables = function.value(*VARIABLES)
    for variable, told in variables.items() if isinstance(variables, dict) else ():
        for symbol in told.symbols if isinstance(told, Text) else ():
            owner = assembly.find(symbol.of)
            if owner is not None and owner.type in USED and told in {owner.name, owner.arn, owner.reference}:
                yield variable, owner
                break


def _allows(statement: Statement, service: str, used: Resource) -> bool:
    if statement.unknowns or not statement.actions:
        return True
    if not any(each.startswith(f"{service}:") or any_includes((each,), f"{service}:x") for each in statement.actions):
        return False
    if not statement.resources:
        return True
    return any(extent_on(_whole_table(each), (used.arn,)) is not Extent.NONE for each in statement.resources)


def _whole_table(resource: Text) -> Text:
    """The table of a pattern that is about its indexes: who may query one has a use for the table's name."""
    last = resource.parts[-1] if resource.parts else ""
    if not isinstance(last, str) or "/index/" not in last:
        return resource
    return Text.of(*resource.parts[:-1], last.partition("/index/")[0])
