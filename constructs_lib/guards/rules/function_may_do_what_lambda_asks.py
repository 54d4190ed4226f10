"""The role of a function allows what Lambda does in its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.role_permissions import permissions_of_role
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

LOGS, TRACES = ("logs:PutLogEvents",), ("xray:PutTraceSegments",)
NETWORK = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
WRITES_LOGS = frozenset({
    "AWSLambdaBasicExecutionRole", "AWSLambdaDynamoDBExecutionRole", "AWSLambdaExecute",
    "AWSLambdaKinesisExecutionRole", "AWSLambdaMSKExecutionRole", "AWSLambdaSQSQueueExecutionRole",
    "AWSLambdaVPCAccessExecutionRole", "CloudWatchLogsFullAccess",
})  # fmt: skip
WRITES_TRACES = frozenset({"AWSXRayDaemonWriteAccess", "AWSXrayFullAccess", "AWSXrayWriteOnlyAccess"})
JOINS_NETWORKS = frozenset({"AWSLambdaENIManagementAccess", "AWSLambdaVPCAccessExecutionRole"})
# What lets a role do it: the actions, AWS's own policies that have them, and what happens without.
NEEDS: Mapping[str, tuple[tuple[str, ...], frozenset[str], str, Severity]] = {
    "network": (NETWORK, JOINS_NETWORKS, "Lambda refuses to put the function into its VPC", Severity.ERROR),
    "logs": (LOGS, WRITES_LOGS, "nothing that the function logs is kept", Severity.WARNING),
    "traces": (TRACES, WRITES_TRACES, "its traces are lost", Severity.WARNING),
}


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The role of a function allows what Lambda does in its name: to log, to trace, to join a VPC.

    Why it matters: a function that may not log runs, and when it fails nobody can tell why; one that may not make
    network interfaces cannot be deployed into a VPC.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html

    Refuses: a role without `logs:PutLogEvents`; without `xray:PutTraceSegments` when `TracingConfig.Mode` is Active; as
    an error, without `ec2:CreateNetworkInterface` and its kin when there is a `VpcConfig`.

    Accepts: the actions, on any resource, by any policy of the role; AWS's own policies for them. What a policy outside
    of the templates allows is said to be unknown.
    """
    for function in assembly.of_type(FUNCTION):
        role = permissions_of_role(assembly, function.value("Role"))
        if role is None:
            continue
        for kind in _asked(function):
            actions, policies, harm, severity = NEEDS[kind]
            lacking = [each for each in actions if not role.may(each.lower())]
            if not lacking or policies & role.aws_policies:
                continue
            names = ", ".join(lacking)
            if role.unknowns:
                yield unknown(function, what=f"whether {role.node} allows {names}", reason=role.unknowns[0])
                continue
            yield finding(
                function,
                problem=f"{role.node} does not allow {names}: {harm}",
                fix=f"allow {names} in a policy of the role",
                at=("Role",),
                detail=kind,
                through=(role.node,),
                severity=severity,
            )


def _asked(function: Resource) -> Iterator[str]:
    if function.values("VpcConfig", "SubnetIds", "*"):
        yield "network"
    yield "logs"
    if function.text("TracingConfig", "Mode") == "Active":
        yield "traces"
