"""Faults of what a function in a VPC calls: nothing leads there."""

from __future__ import annotations

from typing import Any

from tests.guards.faults.fault import Fault, add, grant, together
from tests.guards.faults.parts import Template, allowed, att, made, ref, sub

RULE = "vpc-function-reaches-what-it-calls"
BUCKET = "arn:${AWS::Partition}:s3:::shop-photos"


def calls(name: str, statement: Template, **network: Template) -> Fault:
    """The function in the VPC of the database may call something more, and there is more in the VPC."""
    return together(add(name, RULE, "Report", (), **network), grant("", "", "Report", statement))


def endpoint(service: str, kind: str, **more: Any) -> Template:
    name = sub(f"com.amazonaws.${{AWS::Region}}.{service}")
    return made("AWS::EC2::VPCEndpoint", ServiceName=name, VpcEndpointType=kind, VpcId=ref("Vpc"), **more)


def routed(table: str, subnet: str) -> Template:
    return made("AWS::EC2::SubnetRouteTableAssociation", RouteTableId=ref(table), SubnetId=ref(subnet))


TABLE = made("AWS::EC2::RouteTable", VpcId=ref("Vpc"))
OUT = made(
    "AWS::EC2::Route", DestinationCidrBlock="0.0.0.0/0", GatewayId=ref("Internet"), RouteTableId=ref("PublicTable")
)

FAULTS = [
    calls("a secret behind no endpoint", allowed("secretsmanager:GetSecretValue", ref("Login"))),
    calls("a table behind no gateway endpoint", allowed("dynamodb:GetItem", att("Orders"))),
    calls(
        "an endpoint of another service",
        allowed("sqs:SendMessage", att("Jobs")),
        Topics=endpoint("sns", "Interface", SubnetIds=[ref("Subnet")]),
    ),
    calls(
        "a gateway endpoint for other subnets",
        allowed("s3:GetObject", sub(f"{BUCKET}/incoming/*")),
        OtherTable=TABLE,
        Objects=endpoint("s3", "Gateway", RouteTableIds=[ref("OtherTable")]),
    ),
    calls(
        "a function in a public subnet",
        allowed("events:PutEvents", att("Bus")),
        Internet=made("AWS::EC2::InternetGateway"),
        Attached=made("AWS::EC2::VPCGatewayAttachment", InternetGatewayId=ref("Internet"), VpcId=ref("Vpc")),
        PublicTable=TABLE,
        Out=OUT,
        OfSubnet=routed("PublicTable", "Subnet"),
        OfSubnetB=routed("PublicTable", "SubnetB"),
    ),
]
