"""What is made of versions is called by its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION, callers_of, own_functions
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

ALIAS = "AWS::Lambda::Alias"
WARM = ("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
SNAPS = ("SnapStart", "ApplyOn")
SHOWN = 3  # callers in a message


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """Whatever triggers a function calls the alias that a deployment moves, or a version that has a snapshot.

    Why it matters: gradual deployments and SnapStart are of versions. A trigger that names the function alone calls
    `$LATEST`: it gets new code at once, whatever the alarms say, and starts without a snapshot.
    https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html

    Refuses: a trigger that calls the function, where CodeDeploy moves an alias of it or it starts from snapshots.

    Accepts: any version or alias of the function. What is kept warm is for `provisioned-concurrency-is-called`.
    """
    for function in own_functions(assembly):
        astray = [caller for caller in callers_of(assembly).get(function.id, ()) if caller.qualifier is None]
        aliases = [each for each in assembly.of_type(ALIAS) if _is_of(each, function)]
        if not astray or any(not each.lacks(*WARM) for each in aliases):
            continue
        more = f" and {len(astray) - SHOWN} more" if len(astray) > SHOWN else ""
        told = f"{', '.join(str(each) for each in astray[:SHOWN])}{more}: what is called there is {function} ($LATEST)"
        moved = next((each for each in aliases if _is_moved(each)), None)
        if moved is not None:
            yield finding(
                moved,
                problem=f"deployments move it a part at a time, and new code runs at once for {told}",
                fix=f"let every trigger call {moved}, not the function",
                through=[each.by for each in astray],
            )
        elif function.text(*SNAPS) == "PublishedVersions":
            yield finding(
                function,
                problem=f"its versions start from snapshots, and there is none for {told}",
                fix="let every trigger call a version, or an alias on one",
                at=SNAPS,
                through=[each.by for each in astray],
            )


def _is_of(alias: Resource, function: Resource) -> bool:
    return alias.stack.assembly.target(alias.value("FunctionName"), FUNCTION) is function


def _is_moved(alias: Resource) -> bool:
    """Whether CodeDeploy moves an alias from version to version."""
    resources = alias.stack.template.get("Resources")
    told = resources.get(alias.logical_id) if isinstance(resources, dict) else None
    policy = told.get("UpdatePolicy") if isinstance(told, dict) else None
    return isinstance(policy, dict) and "CodeDeployLambdaAliasUpdate" in policy
