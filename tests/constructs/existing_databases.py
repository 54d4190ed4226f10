"""A database that was made elsewhere, as tests stand for it."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds

from constructs_lib import RelationalDatabase
from constructs_lib.wiring.known_database import ExistingDatabase

PROXY = "arn:aws:rds:eu-central-1:111122223333:db-proxy:prx-0123456789abcdef0"


def proxy_of(stack: cdk.Stack, proxy_arn: str) -> rds.IDatabaseProxy:
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0a1b2c3d")
    return rds.DatabaseProxy.from_database_proxy_attributes(
        stack,
        "L2",
        db_proxy_arn=proxy_arn,
        db_proxy_name="ledger",
        endpoint="ledger.proxy-abc.eu-central-1.rds.amazonaws.com",
        security_groups=[group],
    )


def network_of(stack: cdk.Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0a1b2c3d",
        availability_zones=["eu-central-1a", "eu-central-1b"],
        isolated_subnet_ids=["subnet-a", "subnet-b"],
    )


def existing_database(stack: cdk.Stack, **more: Any) -> ExistingDatabase:
    proxy = proxy_of(stack, more.pop("proxy_arn", PROXY))
    return RelationalDatabase.from_existing(
        stack,
        "Mine",
        proxy,
        **{
            "security_group": ec2.SecurityGroup.from_security_group_id(stack, "Theirs", "sg-0a1b2c3d"),
            "vpc": network_of(stack),
            "database_name": "ledger",
            **more,
        },
    )
