"""What is asked of a database that it cannot give: refused before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from constructs_lib.wiring.kinds import satisfies
from constructs_lib.wiring.refusals import Refusals, did_you_mean
from constructs_lib.wiring.waiver import Waived

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

DataApiAction: TypeAlias = Literal[
    "BatchExecuteStatement", "BeginTransaction", "CommitTransaction", "ExecuteStatement", "RollbackTransaction"
]
DATA_API_ACTIONS: frozenset[str] = frozenset(get_args(DataApiAction))
FEWEST_SUBNETS = 2


def check_data_api_actions(actions: tuple[str, ...], refusals: Refusals) -> None:
    """Note that no action is named, or one that the Data API does not have."""
    if not actions:
        refusals.refuse("no action is granted", fix='name what the function calls: "ExecuteStatement"')
    for action in actions:
        if action not in DATA_API_ACTIONS:
            shown = action if isinstance(action, str) else type(action).__name__
            bare = shown.removeprefix("rds-data:")
            refusals.refuse(
                f"{shown!r} is not an action of the Data API{did_you_mean(bare, DATA_API_ACTIONS)}",
                fix=f"grant one of {', '.join(sorted(DATA_API_ACTIONS))}",
            )


def check_subnets(vpc: ec2.IVpc, refusals: Refusals) -> None:
    """Note that a VPC has too few subnets for a cluster to stand in."""
    subnets = vpc.isolated_subnets or vpc.private_subnets
    if len(subnets) < FEWEST_SUBNETS:
        refusals.refuse(
            f"{vpc.node.path} has {len(subnets)} subnets without a way back from the internet, wanted 2 at least",
            fix="add a subnet_configuration of PRIVATE_ISOLATED, in two zones or more; name imported ones one by one",
        )
        return
    zones = sorted({subnet.availability_zone for subnet in subnets})
    if len(zones) < FEWEST_SUBNETS and not cdk.Token.is_unresolved(zones):  # a list may hold any number of zones
        refusals.refuse(
            f"the subnets of {vpc.node.path} are in one zone, {zones[0]}, wanted 2 at least",
            fix="give it max_azs=2 or more, or isolated subnets of another zone",
        )


def check_key(key: object, refusals: Refusals) -> None:
    """Note what is neither a key nor a reason for having none."""
    if key is not None and not isinstance(key, Waived) and not satisfies(key, kms.IKey):
        refusals.refuse(
            f"encryption_key is a {type(key).__name__}, wanted a kms.IKey",
            fix='pass the key, or encryption_key=Waived("it was made with the key of the account")',
        )
