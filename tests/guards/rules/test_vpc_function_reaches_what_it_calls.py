"""What a function in a VPC calls, and whether anything leads there."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.rules import rule_of
from tests.guards.rules.judged import arn, function, judged, mapping, ref, resource

RULE = "vpc-function-reaches-what-it-calls"
SECRET: dict[str, Any] = {"Action": "secretsmanager:GetSecretValue", "Resource": "arn:aws:secretsmanager:*:*:secret:x"}
TABLE: dict[str, Any] = {"Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": "*"}
SEND: dict[str, Any] = {"Action": "sqs:SendMessage", "Resource": arn("Jobs")}
JOBS = resource("AWS::SQS::Queue")
TO_ALL: dict[str, Any] = {"DestinationCidrBlock": "0.0.0.0/0", "RouteTableId": ref("Routes")}


def role(*statements: dict[str, Any], **properties: Any) -> dict[str, Any]:
    document = {"Statement": [{"Effect": "Allow", **each} for each in statements]}
    return resource("AWS::IAM::Role", Policies=[{"PolicyName": "p", "PolicyDocument": document}], **properties)


def endpoint(service: str, kind: str = "Interface", **properties: Any) -> dict[str, Any]:
    name = {"Fn::Join": ["", ["com.amazonaws.", ref("AWS::Region"), f".{service}"]]}
    return resource("AWS::EC2::VPCEndpoint", ServiceName=name, VpcEndpointType=kind, VpcId=ref("Vpc"), **properties)


def said(
    *statements: dict[str, Any],
    properties: Any = None,
    vpc_config: Any = None,
    template: dict[str, Any] | None = None,
    **more: Any,
) -> list[str]:
    """What is said of a function in a subnet with a route table of its own that leads nowhere."""
    inside = {"SubnetIds": [ref("Subnet")], **(vpc_config or {})}
    resources = {
        "Send": function(Role=arn("Role"), VpcConfig=inside, **(properties or {})),
        "Role": role(*statements),
        "Vpc": resource("AWS::EC2::VPC"),
        "Subnet": resource("AWS::EC2::Subnet", VpcId=ref("Vpc")),
        "Routes": resource("AWS::EC2::RouteTable", VpcId=ref("Vpc")),
        "Routed": resource("AWS::EC2::SubnetRouteTableAssociation", RouteTableId=ref("Routes"), SubnetId=ref("Subnet")),
        **more,
    }
    return judged(RULE, {name: each for name, each in resources.items() if each is not None}, **(template or {}))


def test_the_whole_message() -> None:
    assert said(SECRET, TABLE, SEND, Jobs=JOBS) == [
        (
            "warning: it may call dynamodb, secretsmanager and sqs, and nothing leads there from its VPC: such a call "
            "hangs\n"
            "  at:  Shop/Send (AWS::Lambda::Function) VpcConfig\n"
            "  fix: add a gateway endpoint for dynamodb and interface endpoints for secretsmanager and sqs to Vpc, "
            "or give the function subnets with a route to a NAT gateway"
        )
    ]


def test_an_endpoint_leads_to_its_own_service_alone() -> None:
    assert said(SECRET, Secrets=endpoint("secretsmanager")) == []
    assert said(SECRET, Secrets=endpoint("secretsmanager-fips", SubnetIds=["subnet-1"])) == []
    assert len(said(SECRET, Secrets=endpoint("ssm"))) == 1
    other = endpoint("secretsmanager")
    other["Properties"]["VpcId"] = ref("Other")
    assert len(said(SECRET, Secrets=other, Other=resource("AWS::EC2::VPC"))) == 1
    unread = resource(
        "AWS::EC2::VPCEndpoint", ServiceName=ref("Service"), VpcEndpointType="Interface", VpcId=ref("Vpc")
    )
    assert said(SECRET, Secrets=unread) == []


def test_a_gateway_endpoint_leads_there_by_its_route_tables() -> None:
    assert said(TABLE, Table=endpoint("dynamodb", "Gateway", RouteTableIds=[ref("Routes")])) == []
    assert said(TABLE, Table=endpoint("dynamodb", "Gateway", RouteTableIds=ref("Tables"))) == []
    other = resource("AWS::EC2::RouteTable", VpcId=ref("Vpc"))
    assert len(said(TABLE, Table=endpoint("dynamodb", "Gateway", RouteTableIds=[ref("Other")]), Other=other)) == 1


@pytest.mark.parametrize(
    "way",
    [
        resource("AWS::EC2::Route", NatGatewayId=ref("Nat"), **TO_ALL),
        resource("AWS::EC2::Route", TransitGatewayId="tgw-1", **TO_ALL),
        resource("AWS::EC2::Route", InstanceId="i-1", DestinationPrefixListId="pl-1", RouteTableId=ref("Routes")),
        resource("AWS::EC2::Route", NatGatewayId="nat-1", DestinationCidrBlock="0.0.0.0/0", RouteTableId="rtb-1"),
        resource("AWS::EC2::Route", GatewayId="vgw-1", **TO_ALL),
        resource("AWS::EC2::VPCPeeringConnection", VpcId=ref("Vpc")),
        {**resource("AWS::EC2::Route", NatGatewayId=ref("Nat"), **TO_ALL), "Condition": "WithNat"},
    ],
    ids=["NAT", "transit gateway", "instance", "a table of others", "a gateway of others", "peering", "condition"],
)
def test_what_may_lead_out_is_let_be(way: dict[str, Any]) -> None:
    assert said(SECRET, Way=way) == []


def test_an_internet_gateway_leads_out_for_ipv6_alone() -> None:
    out = {
        "Internet": resource("AWS::EC2::InternetGateway"),
        "Out": resource("AWS::EC2::Route", GatewayId=ref("Internet"), **TO_ALL),
    }
    assert len(said(SECRET, **out)) == 1
    assert said(SECRET, vpc_config={"Ipv6AllowedForDualStack": True}, **out) == []


def test_a_subnet_without_a_table_of_its_own_leads_nowhere() -> None:
    assert len(said(SECRET, Routed=None)) == 1
    unknown = resource("AWS::EC2::SubnetRouteTableAssociation", RouteTableId="rtb-1", SubnetId=ref("Subnet"))
    assert said(SECRET, Routed=unknown) == []


def test_what_lambda_does_in_its_name_needs_no_way() -> None:
    kept = {"OnFailure": {"Destination": arn("Jobs")}}
    config = resource("AWS::Lambda::EventInvokeConfig", FunctionName=ref("Send"), DestinationConfig=kept)
    assert said(SEND, Jobs=JOBS, Config=config) == []
    assert len(said({**SECRET, "Resource": "*"}, Jobs=JOBS, Config=config)) == 1
    assert said(SEND, Jobs=JOBS, properties={"DeadLetterConfig": {"TargetArn": arn("Jobs")}}) == []
    poll = {"Action": "sqs:*", "Resource": arn("Jobs")}
    assert said(poll, Jobs=JOBS, Reads=mapping("Jobs")) == []
    assert len(said(poll, Jobs=JOBS)) == 1
    login = mapping({"Ref": "Broker"}, SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": "x"}])
    assert said(SECRET, Reads=login) == []


def test_a_right_that_is_not_there_by_default_is_let_be() -> None:
    read = {**SECRET, "Resource": [{"Fn::If": ["IsProd", SECRET["Resource"], ref("AWS::NoValue")]}]}
    for default, number in (("dev", 0), ("prod", 1)):
        template = {
            "Parameters": {"Stage": {"Type": "String", "Default": default}},
            "Conditions": {"IsProd": {"Fn::Equals": [ref("Stage"), "prod"]}},
        }
        assert len(said(read, template=template)) == number


def test_lambda_keeps_batches_in_a_bucket_by_itself() -> None:
    keep = {"Action": "s3:PutObject", "Resource": {"Fn::Join": ["", [arn("Failed"), "/*"]]}}
    kept = {"OnFailure": {"Destination": arn("Failed")}}
    failed = {"Failed": resource("AWS::S3::Bucket"), "Jobs": JOBS}
    assert said(keep, Reads=mapping("Jobs", DestinationConfig=kept), **failed) == []
    assert len(said(keep, Reads=mapping("Jobs"), **failed)) == 1


def test_a_function_that_lambda_calls_next_is_granted_with_its_versions() -> None:
    versions = {"Fn::Join": ["", [arn("Next"), ":*"]]}
    call = {"Action": "lambda:InvokeFunction", "Resource": [arn("Next"), versions]}
    config = resource(
        "AWS::Lambda::EventInvokeConfig",
        FunctionName=ref("Send"),
        DestinationConfig={"OnSuccess": {"Destination": arn("Next")}},
    )
    assert said(call, Next=function(), Config=config) == []
    assert len(said(call, Next=function(), Other=function(), Config=resource("AWS::SQS::Queue"))) == 1
    other = {**call, "Resource": [arn("Next"), versions, arn("Other")]}
    assert len(said(other, Next=function(), Other=function(), Config=config)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": ["xray:PutTraceSegments", "logs:PutLogEvents", "rds-db:connect"], "Resource": "*"},
        {"Action": "*", "Resource": "*"},
        {**SECRET, "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}},
        {"Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "kms:Decrypt"], "Resource": "*"},
        {"Effect": "Deny", **SECRET},
        {**SECRET, "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}},
    ],
    ids=["telemetry", "everything", "by an endpoint of others", "polling", "denied", "by a service"],
)
def test_what_does_not_say_that_code_calls_is_let_be(statement: dict[str, Any]) -> None:
    assert said(statement) == []


def test_what_another_service_does_in_its_name_needs_no_way() -> None:
    data_api = {"Action": "rds-data:ExecuteStatement", "Resource": "*"}
    assert said(SECRET, data_api, Data=endpoint("rds-data")) == []
    [found] = said(SECRET, data_api)
    assert found.startswith("warning: it may call rds-data, and ")
    aloud = {"Action": ["polly:StartSpeechSynthesisTask", "sns:Publish"], "Resource": "*"}
    assert said(aloud) == []


@pytest.mark.parametrize(
    "name", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy", "GLOBAL_AGENT_HTTP_PROXY", "AWS_ENDPOINT_URL_SQS"]
)
def test_another_way_may_stand_in_the_environment(name: str) -> None:
    assert said(SECRET, properties={"Environment": {"Variables": {name: "x"}}}) == []
    assert len(said(SECRET, properties={"Environment": {"Variables": {"STAGE": "prod"}}})) == 1
    assert said(SECRET, properties={"Environment": {"Variables": ref("Variables")}}) == []


def test_says_nothing_of_a_network_that_is_elsewhere() -> None:
    away, data = {"SubnetIds": ["subnet-12345678"]}, resource("AWS::RDS::DBCluster")
    assert said(SECRET, vpc_config=away) == []
    assert said(SECRET, vpc_config=away, Data=data) == []
    assert said(SECRET, Subnet=resource("AWS::EC2::Subnet", VpcId="vpc-1"), Data=data) == []
    partly = {"SubnetIds": [ref("Subnet"), "subnet-12345678"]}
    assert said(SECRET, vpc_config=partly) == []


def test_the_routes_of_other_subnets_lead_it_nowhere() -> None:
    public = {
        "Public": resource("AWS::EC2::Subnet", VpcId=ref("Vpc")),
        "Open": resource("AWS::EC2::RouteTable", VpcId=ref("Vpc")),
        "Opened": resource("AWS::EC2::SubnetRouteTableAssociation", RouteTableId=ref("Open"), SubnetId=ref("Public")),
        "Out": resource(
            "AWS::EC2::Route", NatGatewayId=ref("Nat"), DestinationCidrBlock="0.0.0.0/0", RouteTableId=ref("Open")
        ),
    }
    assert len(said(SECRET, **public)) == 1
    assert said(SECRET, vpc_config={"SubnetIds": [ref("Subnet"), ref("Public")]}, **public) == []


def test_a_role_of_several_functions_does_not_tell_which_of_them_calls() -> None:
    [found] = said(SECRET, Other=function(Role=arn("Role")))
    assert found.startswith("unknown: whether it calls secretsmanager, which nothing leads to from its VPC\n")


def test_a_network_of_the_cdk_is_read_across_stacks() -> None:
    app = cdk.App(analytics_reporting=False)
    network, shop = cdk.Stack(app, "Network"), cdk.Stack(app, "Shop")
    isolated = ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    vpc = ec2.Vpc(network, "Vpc", nat_gateways=0, subnet_configuration=[isolated])
    queue = sqs.Queue(shop, "Jobs")
    send = lambda_.Function(
        shop,
        "Send",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
    )
    queue.grant_send_messages(send)

    def found() -> list[str]:
        assembly = Assembly.read(app.synth(force=True).directory)
        return [each.resource.path for each in rule_of(RULE)(assembly)]

    assert found() == ["Shop/Send"]
    endpoints = cdk.Stack(app, "Endpoints")
    ec2.InterfaceVpcEndpoint(endpoints, "Queues", vpc=vpc, service=ec2.InterfaceVpcEndpointAwsService.SQS)
    assert found() == []
