"""A function in the VPC that its argument or the Defaults name: it may call TLS ports, and nobody may call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2

from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.kinds import satisfies
from constructs_lib.wiring.vpc_access import enter_vpc
from constructs_lib.wiring.waiver import Waived, record_waiver

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from constructs_lib.wiring.identity import Identity
    from constructs_lib.wiring.refusals import Refusals

# What the packs of cdk-nag say of a function outside.
FINDINGS = (
    "NIST.800.53.R5-LambdaInsideVPC",
    "HIPAA.Security-LambdaInsideVPC",
    "PCI.DSS.321-LambdaInsideVPC",
)


def check_function_vpc(vpc: object, bearer: Construct, refusals: Refusals) -> None:
    """Note what is no VPC, or none that a function could be in.

    Lambda's interfaces have no public address: in a public subnet they reach nobody outside.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
    """
    if vpc is None or isinstance(vpc, Waived):
        return
    if not satisfies(vpc, ec2.IVpc):
        refusals.refuse(
            f"vpc is a {type(vpc).__name__}, wanted an ec2.IVpc", fix='pass the VPC, or vpc=Waived("why not")'
        )
        return
    check_same_region("vpc", vpc, bearer, refusals)
    if not (getattr(vpc, "isolated_subnets", None) or getattr(vpc, "private_subnets", None)):
        refusals.refuse(
            "vpc has public subnets alone, from where a function reaches nobody",
            fix="give it isolated subnets: ec2.SubnetType.PRIVATE_ISOLATED",
        )


def place_in_vpc(function: lambda_.Function, identity: Identity, vpc: ec2.IVpc | Waived | None) -> None:
    """Put a function where it belongs, or say why it is not there."""
    if isinstance(vpc, Waived):
        record_waiver(function, "vpc", vpc, *FINDINGS)
    elif vpc is not None:
        enter_vpc(function, identity, vpc)
