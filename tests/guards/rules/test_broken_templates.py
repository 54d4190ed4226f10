"""No rule fails on a template, whatever stands in it."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import run
from constructs_lib.guards.rules import rule_ids, rule_of
from tests.guards.rules.judged import arn, function, mapping, queue, ref, resource

TEMPLATES = 100
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1.5, "", "x", [], {}, [1], ["a", None], {"a": 1}, [[[]]], {"*": 1}, 1e308, 10**400, "NaN",
    {"Ref": "Nowhere"}, {"Ref": 5}, {"Ref": "AWS::NoValue"}, {"Fn::GetAtt": ["A"]}, {"Fn::Sub": "${X.Y}"},
    {"Fn::If": ["Either", {"a": 1}, [1]]}, {"Fn::Join": ["", [1, {"Ref": "AWS::Region"}]]}, {"Fn::Split": [",", "a,b"]},
    "arn:aws:sqs:::", "arn:aws:lambda:a:b:function:x:y", "${a}", "*",
]  # fmt: skip
STATES = {
    "Pay": {"Type": "Task", "Resource": "${Send}", "Retry": [{"MaxAttempts": 0}], "TimeoutSeconds": 1, "Next": "Tell"},
    "Tell": {"Type": "Task", "Resource": "${Send}", "Next": "Each"},
    "Each": {"Type": "Map", "ItemProcessor": {"StartAt": "In", "States": {"In": {"Type": "Pass"}}}, "End": True},
}
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Action": ["sqs:*", "iam:PassRole", "secretsmanager:GetSecretValue"], "Resource": "*"},
        {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": arn("Jobs")},
    ]
}
TRUST = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
OPEN = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn("Fifo")}]}
NETWORK = {
    "Endpoint": resource(
        "AWS::EC2::VPCEndpoint", VpcId=ref("Vpc"), ServiceName="com.amazonaws.a.s3", RouteTableIds=[ref("Routes")]
    ),
    "Internet": resource("AWS::EC2::InternetGateway"),
    "Out": resource("AWS::EC2::Route", GatewayId=ref("Internet"), RouteTableId=ref("Routes")),
    "Routed": resource("AWS::EC2::SubnetRouteTableAssociation", RouteTableId=ref("Routes"), SubnetId=ref("Subnet")),
    "Routes": resource("AWS::EC2::RouteTable", VpcId=ref("Vpc")),
    "Vpc": resource("AWS::EC2::VPC"),
}
WHOLE = {
    **NETWORK,
    "Alarm": resource("AWS::CloudWatch::Alarm", MetricName="ApproximateAgeOfOldestMessage", Dimensions=[{}]),
    "Api": resource("AWS::ApiGatewayV2::Api", ProtocolType="HTTP", Body={"paths": {"/{a+}": {"get": {}}}}),
    "Bucket": resource(
        "AWS::S3::Bucket",
        NotificationConfiguration={"LambdaConfigurations": [{"Event": "s3:*", "Function": arn("Send")}]},
    ),
    "Call": resource("AWS::ApiGatewayV2::Integration", ApiId=ref("Api"), IntegrationUri=arn("Send")),
    "Config": resource(
        "AWS::Lambda::EventInvokeConfig",
        FunctionName=ref("Send"),
        Qualifier="live",
        DestinationConfig={"OnFailure": {"Destination": arn("Dead")}},
    ),
    "Database": resource("AWS::RDS::DBInstance", DBInstanceClass="db.t3.micro", Engine="mysql"),
    "Dead": queue(
        FifoQueue=True,
        MessageRetentionPeriod=60,
        RedriveAllowPolicy={"redrivePermission": "byQueue", "sourceQueueArns": [arn("Jobs")]},
    ),
    "Fifo": queue(FifoQueue=True),
    "FifoMapping": mapping("Fifo", called="Twice", BatchSize=11),
    "FifoPolicy": resource("AWS::SQS::QueuePolicy", Queues=[ref("Fifo")], PolicyDocument=OPEN),
    "Global": resource("AWS::DynamoDB::GlobalTable", Replicas=[{"Region": "eu-west-1"}]),
    "Jobs": queue(VisibilityTimeout=30, RedrivePolicy={"deadLetterTargetArn": arn("Dead"), "maxReceiveCount": 1}),
    "Live": resource(
        "AWS::Lambda::Alias",
        Name="live",
        FunctionName=ref("Send"),
        ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 1},
    ),
    "Machine": resource(
        "AWS::StepFunctions::StateMachine",
        DefinitionString=json.dumps({"StartAt": "Pay", "States": STATES}),
        Definition={"StartAt": "Pay", "States": STATES},
        DefinitionSubstitutions={"Send": arn("Send")},
    ),
    "Mapping": mapping("Jobs", BatchSize=5, FunctionResponseTypes=[], ScalingConfig={"MaximumConcurrency": 5}),
    "Method": resource(
        "AWS::ApiGateway::Method",
        RestApiId=ref("Rest"),
        ResourceId=ref("Path"),
        HttpMethod="ANY",
        Integration={"Type": "AWS_PROXY", "Uri": arn("Send"), "TimeoutInMillis": 100},
    ),
    "Path": resource("AWS::ApiGateway::Resource", PathPart="{proxy+}", ParentId="x"),
    "Permission": resource("AWS::Lambda::Permission", FunctionName=ref("Send"), Principal="s3.amazonaws.com"),
    "Plan": resource("AWS::ApiGateway::UsagePlan", ApiStages=[{"ApiId": ref("Rest")}], Throttle={"RateLimit": 1}),
    "Rest": resource("AWS::ApiGateway::RestApi", EndpointConfiguration={"Types": ["REGIONAL"]}),
    "Role": resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument=TRUST,
        Policies=[{"PolicyName": "send", "PolicyDocument": POLICY}],
        ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
    ),
    "Route": resource(
        "AWS::ApiGatewayV2::Route", ApiId=ref("Api"), RouteKey="GET /", Target={"Fn::Sub": "integrations/${Call}"}
    ),
    "Rule": resource("AWS::Events::Rule", EventPattern={"source": ["shop"]}, Targets=[{"Id": "T", "Arn": arn("Send")}]),
    "Schedule": resource("AWS::Scheduler::Schedule", Target={"Arn": arn("Send")}),
    "Secret": resource("AWS::SecretsManager::Secret", SecretString="hunter2"),
    "Send": function(
        Timeout=30,
        Role=arn("Role"),
        Runtime="nodejs18.x",
        Architectures=["x86_64"],
        Environment={"Variables": {"DB": {"Fn::GetAtt": ["Database", "Endpoint.Address"]}, "PASSWORD": "hunter2"}},
        VpcConfig={"SubnetIds": [ref("Subnet")], "SecurityGroupIds": ["sg-1"]},
        ReservedConcurrentExecutions=100,
    ),
    "HttpStage": resource("AWS::ApiGatewayV2::Stage", ApiId=ref("Api")),
    "Stage": resource("AWS::ApiGateway::Stage", RestApiId=ref("Rest"), MethodSettings=[{"ResourcePath": "/*"}]),
    "Stream": mapping(arn("Table"), MaximumRetryAttempts=1, StartingPosition="LATEST"),
    "StreamAgain": mapping(arn("Table"), StartingPosition="LATEST"),
    "Subnet": resource("AWS::EC2::Subnet", VpcId=ref("Vpc")),
    "Subscription": resource("AWS::SNS::Subscription", TopicArn=ref("Topic"), Protocol="lambda", Endpoint=arn("Send")),
    "Table": resource("AWS::DynamoDB::Table", StreamSpecification={"StreamViewType": "NEW_IMAGE"}),
    "Twice": function(Role=arn("Role"), Timeout=901, RecursiveLoop="Allow", ReservedConcurrentExecutions=1),
    "Topic": resource("AWS::SNS::Topic", Subscription=[{"Protocol": "sqs", "Endpoint": arn("Jobs")}]),
}  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a value, by the keys that lead there."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in inside for place in [(*path, key), *places(each, (*path, key))]]


def broken(seed: str) -> dict[str, Any]:
    """The whole template, with something strange in up to six places."""
    chance = random.Random(seed)
    template = {
        "Parameters": {"Text": {"Type": "String"}},
        "Conditions": {"Either": {"Fn::Equals": [{"Ref": "Text"}, "a"]}},
        "Resources": copy.deepcopy(WHOLE),
    }
    for *way, last in chance.sample(places(template["Resources"]), chance.randint(1, 6)):
        holder: Any = template["Resources"]
        for key in way:
            holder = holder[key] if isinstance(holder, dict | list) and key in _keys(holder) else None
        if isinstance(holder, dict | list) and last in _keys(holder):
            holder[last] = copy.deepcopy(chance.choice(STRANGE))
    return template


def _keys(holder: dict[Any, Any] | list[Any]) -> list[Any]:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


@pytest.mark.parametrize("number", range(TEMPLATES))
def test_no_rule_fails(number: int) -> None:
    report = run([rule_of(rule_id) for rule_id in rule_ids()], Assembly.of({"Shop": broken(str(number))}))
    assert report.failures == ()


def test_most_rules_have_something_to_look_at() -> None:
    """Otherwise the test above would break what no rule reads."""
    report = run([rule_of(rule_id) for rule_id in rule_ids()], Assembly.of({"Shop": {"Resources": WHOLE}}))
    spoken = {found.rule for found in report.findings} | {found.rule for found in report.unknowns}
    assert len(spoken) > len(rule_ids()) * 2 / 3
