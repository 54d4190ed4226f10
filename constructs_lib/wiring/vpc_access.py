"""Puts a function into a VPC after it was made: its subnets, a security group of its own, the right to its interfaces.

Lambda makes the interfaces with the function's role, which so may make and remove interfaces of the whole account: EC2
knows no narrower resource before they are there. Code of the function must not, which the last statement says.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.waiver import acknowledge

if TYPE_CHECKING:
    from constructs_lib.wiring.identity import Identity
    from constructs_lib.wiring.refusals import Refusals

# What the managed policy AWSLambdaVPCAccessExecutionRole has beside logs.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html
INTERFACE_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
REASON = (
    "Lambda makes the function's network interfaces with its role, before they have an ARN, and describing them has no "
    "resource-level permissions; the function's own code is denied all of it, "
    "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions"
)
FINDING = "AwsSolutions-IAM5[Resource::*]"
TLS = ec2.Port.tcp(443)
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
UNTOLD = re.compile(r"[^A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]")  # what the description of a group cannot have
LONGEST_DESCRIPTION = 255

_VPCS: WeakKeyDictionary[IConstruct, tuple[ec2.IVpc, ec2.SecurityGroup]] = WeakKeyDictionary()


def private_subnets(vpc: ec2.IVpc) -> ec2.SubnetSelection:
    """The subnets without a way to the internet, or else those without a way back from it."""
    kind = ec2.SubnetType.PRIVATE_ISOLATED if vpc.isolated_subnets else ec2.SubnetType.PRIVATE_WITH_EGRESS
    return ec2.SubnetSelection(subnet_type=kind)


def check_vpc(function: lambda_.Function, vpc: ec2.IVpc, refusals: Refusals) -> None:
    """Note that a function is in another VPC already."""
    if function in _VPCS:
        if _VPCS[function][0].node.path != vpc.node.path:
            refusals.refuse(
                f"{function.node.path} is in the VPC {_VPCS[function][0].node.path} already, and a function has one",
                fix="pass the same vpc=... to both, or use a function for each",
            )
    elif resource_of(function, lambda_.CfnFunction).vpc_config is not None and not function.is_bound_to_vpc:
        refusals.refuse(
            f"{function.node.path} has a VpcConfig of its own", fix="leave it out: the database puts the function in"
        )


def enter_vpc(function: lambda_.Function, identity: Identity, vpc: ec2.IVpc) -> ec2.Connections:
    """Put a function into the private subnets of a VPC, once; nobody reaches it, and it reaches TLS ports.

    Those are where AWS answers: at the endpoints of the VPC, or beyond its NAT gateway. Where there is neither, nobody
    does. A group that was closed to them would let each call to a table or a queue hang until the timeout.

    Returns:
        What to let in, and out.
    """
    if function.is_bound_to_vpc:
        return function.connections
    if function in _VPCS:
        return _VPCS[function][1].connections
    group = closed_group(function, "SecurityGroup", vpc, f"Function {function.node.path}")
    group.connections.allow_to_any_ipv4(TLS, "AWS and other services, over TLS")
    _VPCS[function] = vpc, group
    subnets = vpc.select_subnets(subnet_type=private_subnets(vpc).subnet_type)
    resource_of(function, lambda_.CfnFunction).vpc_config = lambda_.CfnFunction.VpcConfigProperty(
        security_group_ids=[group.security_group_id], subnet_ids=subnets.subnet_ids
    )
    # In the base policy, which is there before the function and as long as it.
    identity.base_policy.add_statements(
        iam.PolicyStatement(sid="OwnNetworkInterfaces", actions=list(INTERFACE_ACTIONS), resources=["*"])
    )
    acknowledge(identity.base_policy, REASON, FINDING)
    identity.add_to_principal_policy(
        iam.PolicyStatement(
            sid="LeaveInterfacesToLambda",
            effect=iam.Effect.DENY,
            actions=list(INTERFACE_ACTIONS),
            resources=["*"],
            conditions={"ArnEquals": {"lambda:SourceFunctionArn": function.function_arn}},
        )
    )
    function.node.add_dependency(subnets.internet_connectivity_established)
    return group.connections


def connections_of(function: lambda_.Function, bearer: Construct) -> ec2.Connections:
    """What lets a function reach something in its VPC.

    Raises:
        PropError: It is in no VPC.
    """
    if function in _VPCS:
        return _VPCS[function][1].connections
    if function.is_bound_to_vpc:
        return function.connections
    told = f"{bearer.node.path} ({type(bearer).__name__})"
    raise PropError(Problem("the function is in no VPC, and is let in nowhere there", told, "pass the vpc=... of both"))


def closed_group(scope: Construct, id: str, vpc: ec2.IVpc, description: str) -> ec2.SecurityGroup:  # noqa: A002 - CDK's name
    """A security group through which nothing goes in or out until it is let."""
    told = UNTOLD.sub("-", description)[:LONGEST_DESCRIPTION]
    return ec2.SecurityGroup(scope, id, vpc=vpc, description=told, allow_all_outbound=False)
