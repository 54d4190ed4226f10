"""A function is in a VPC when it needs something private there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule
from constructs_lib.guards.vpc_network import IN_VPC, SUBNET, holds_something_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function in a VPC reaches something that only the VPC has.

    Why it matters: a VPC makes a function no safer. It costs network interfaces, addresses, and a NAT gateway for
    whatever it still calls outside; without one such calls hang until the timeout.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html

    Refuses: a function with a `VpcConfig` in stacks that hold nothing private: no database, cache, file system,
    cluster, instance, interface endpoint, service network, peering or VPN.

    Accepts: one with a file system; any of these in any of the stacks. What a VPC of other stacks holds is unknown;
    that calls must come from a fixed address is a reason to acknowledge this.
    """
    private = holds_something_private(assembly)
    for function in own_functions(assembly):
        if private or function.lacks(*IN_VPC) or not function.lacks("FileSystemConfigs"):
            continue
        subnets = [assembly.target(each, SUBNET) for each in function.values(*IN_VPC, "*")]
        if not subnets or not all(isinstance(each, Resource) for each in subnets):
            yield unknown(function, what="whether it needs its VPC", reason="its subnets are in no given stack")
            continue
        yield finding(
            function,
            problem="the function is in a VPC, and nothing in its stacks is private there",
            fix="remove VpcConfig; IAM, not the network, decides what the function may call",
            at=("VpcConfig",),
        )
