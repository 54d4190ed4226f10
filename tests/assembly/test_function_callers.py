from __future__ import annotations

import json
from typing import Any

import pytest

from constructs_lib.assembly.function_callers import Caller, Way, callers_of, own_functions
from constructs_lib.assembly.model import Assembly
from constructs_lib.assembly.remembered import remembered

ASYNC = Way.ASYNCHRONOUS
SEND = {"Fn::GetAtt": ["Send", "Arn"]}
URI = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Send.Arn}/invocations"}


def called(kind: str, /, **properties: Any) -> list[Caller]:
    resources = {
        "Send": {"Type": "AWS::Lambda::Function"},
        "Live": {"Type": "AWS::Lambda::Alias", "Properties": {"Name": "live", "FunctionName": {"Ref": "Send"}}},
        "By": {"Type": kind, "Properties": properties},
    }
    found = callers_of(Assembly.of({"Shop": {"Resources": resources}}))
    return list(found.get("Shop/Send", ()))


@pytest.mark.parametrize(
    ("kind", "properties", "way"),
    [
        ("AWS::AppSync::DataSource", {"LambdaConfig": {"LambdaFunctionArn": SEND}}, Way.AWAITED),
        ("AWS::CloudWatch::Alarm", {"AlarmActions": [SEND]}, ASYNC),
        ("AWS::CodeCommit::Repository", {"Triggers": [{"DestinationArn": SEND}]}, ASYNC),
        ("AWS::Cognito::UserPool", {"LambdaConfig": {"PreSignUp": SEND}}, Way.AWAITED),
        ("AWS::Cognito::UserPool", {"LambdaConfig": {"CustomEmailSender": {"LambdaArn": SEND}}}, Way.AWAITED),
        ("AWS::Config::ConfigRule", {"Source": {"SourceIdentifier": SEND}}, ASYNC),
        ("AWS::ElasticLoadBalancingV2::TargetGroup", {"Targets": [{"Id": SEND}]}, Way.AWAITED),
        ("AWS::Events::Rule", {"Targets": [{"Arn": SEND}]}, ASYNC),
        ("AWS::IoT::TopicRule", {"TopicRulePayload": {"Actions": [{"Lambda": {"FunctionArn": SEND}}]}}, ASYNC),
        ("AWS::Lambda::EventInvokeConfig", {"DestinationConfig": {"OnSuccess": {"Destination": SEND}}}, ASYNC),
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": {"Ref": "Send"}}, Way.POLLED),
        ("AWS::Lambda::Url", {"TargetFunctionArn": SEND}, Way.AWAITED),
        ("AWS::Logs::SubscriptionFilter", {"DestinationArn": SEND}, ASYNC),
        ("AWS::Pipes::Pipe", {"Enrichment": SEND}, Way.AWAITED),
        ("AWS::S3::Bucket", {"NotificationConfiguration": {"LambdaConfigurations": [{"Function": SEND}]}}, ASYNC),
        ("AWS::SES::ReceiptRule", {"Rule": {"Actions": [{"LambdaAction": {"FunctionArn": SEND}}]}}, ASYNC),
        ("AWS::SNS::Subscription", {"Endpoint": SEND}, ASYNC),
        ("AWS::SNS::Topic", {"Subscription": [{"Endpoint": SEND}]}, ASYNC),
        ("AWS::Scheduler::Schedule", {"Target": {"Arn": SEND}}, ASYNC),
        ("AWS::SecretsManager::RotationSchedule", {"RotationLambdaARN": SEND}, Way.AWAITED),
        (
            "Custom::S3BucketNotifications",
            {"NotificationConfiguration": {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": SEND}]}},
            ASYNC,
        ),
        ("AWS::ApiGateway::Method", {"Integration": {"Type": "AWS_PROXY", "Uri": URI}}, Way.AWAITED),
        ("AWS::ApiGatewayV2::Api", {"Target": SEND}, Way.AWAITED),
    ],
)  # fmt: skip
def test_every_kind_of_caller_is_known(kind: str, properties: dict[str, Any], way: Way) -> None:
    [found] = called(kind, **properties)
    assert (str(found), found.way, found.qualifier) == (f"By ({kind})", way, None)


@pytest.mark.parametrize(
    ("resource", "arguments"), [("arn:aws:states:::lambda:invoke", {"FunctionName": "${F}"}), ("${F}", {})]
)
def test_a_task_of_a_workflow_calls_what_it_names(resource: str, arguments: dict[str, str]) -> None:
    states = {"Pay": {"Type": "Task", "Resource": resource, "Parameters": arguments}}
    text = json.dumps({"States": states})
    [found] = called("AWS::StepFunctions::StateMachine", DefinitionString=text, DefinitionSubstitutions={"F": SEND})
    assert (found.at, found.way) == (("States", "Pay"), Way.AWAITED)


def test_an_api_may_ask_for_no_answer() -> None:
    event = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    [found] = called("AWS::ApiGateway::Method", Integration={"Type": "AWS", "Uri": URI, "RequestParameters": event})
    assert found.way is ASYNC


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [
        ({"Ref": "Live"}, "live"),
        ({"Fn::Sub": "${Send.Arn}:live"}, "live"),
        ({"Fn::Sub": "${Send}:7"}, "7"),
        ({"Fn::Sub": "${Send.Arn}:$LATEST"}, None),
        ({"Ref": "Send"}, None),
    ],
)
def test_the_version_or_alias_is_told(text: dict[str, Any], qualifier: str | None) -> None:
    [found] = called("AWS::SNS::Subscription", Endpoint=text)
    assert (found.qualifier and found.qualifier.literal) == qualifier


@pytest.mark.parametrize("text", ["send:live", "arn:aws:lambda:eu-west-1:111122223333:function:send:live"])
def test_the_qualifier_of_a_named_function_is_told(text: str) -> None:
    function = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "send"}}
    topic = {"Type": "AWS::SNS::Subscription", "Properties": {"Endpoint": text}}
    assembly = Assembly.of({"Shop": {"Resources": {"Send": function, "Topic": topic}}})
    assert [str(each.qualifier) for each in callers_of(assembly)["Shop/Send"]] == ["live"]


@pytest.mark.parametrize("name", ["arn:aws:s3:::", "arn:aws:lambda:eu-west-1:111122223333:function"])
def test_a_name_that_is_the_beginning_of_an_arn_has_no_qualifier(name: str) -> None:
    resources = {
        "Send": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": name}},
        "By": {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Arn": {"Ref": "Send"}}]}},
    }
    [caller] = callers_of(Assembly.of({"Shop": {"Resources": resources}}))["Shop/Send"]
    assert caller.qualifier is None


def test_a_qualifier_may_stand_beside_the_function() -> None:
    [url] = called("AWS::Lambda::Url", TargetFunctionArn={"Ref": "Send"}, Qualifier="live")
    assert str(url.qualifier) == "live"
    arguments = {"FunctionName": "${F}", "Qualifier": "live", "InvocationType": "Event"}
    states = {"Pay": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": arguments}}
    text = json.dumps({"States": states})
    [task] = called("AWS::StepFunctions::StateMachine", DefinitionString=text, DefinitionSubstitutions={"F": SEND})
    assert (str(task.qualifier), task.way) == ("live", ASYNC)


@pytest.mark.parametrize(
    "endpoint", ["https://example.com", "ada@example.com", {"Fn::GetAtt": ["By", "Arn"]}, 5, [], {}]
)
def test_what_is_no_function_is_no_call(endpoint: object) -> None:
    assert called("AWS::SNS::Subscription", Endpoint=endpoint) == []


def test_functions_that_the_cdk_brings_along_are_nobodys_own() -> None:
    names = [
        "AWS679f53fac002430cb0da5b7982bd22872D164C4C",
        "AWSCDKTriggerCustomResourceProviderCustomResourceProviderHandler97BECD91",
        "BucketNotificationsHandler050a0587b7544547bf325f094a3db8347ECC3691",
        "CustomS3AutoDeleteObjectsCustomResourceProviderHandler9D90184F",
        "LogRetentionaae0aa3c5b4d4f87b02d85b201efdd8aFD4BFC8A",
        "MyProviderframeworkonEvent1C0A1E0A",
        "CustomerMail",
    ]
    resources = {name: {"Type": "AWS::Lambda::Function"} for name in names}
    assembly = Assembly.of({"Shop": {"Resources": resources}})
    assert [function.logical_id for function in own_functions(assembly)] == ["CustomerMail"]


def test_what_is_remembered_is_asked_once_for_each_subject() -> None:
    asked = []

    @remembered
    def stacks_of(assembly: Assembly) -> int:
        asked.append(assembly)
        return len(assembly.stacks)

    first, second = (Assembly.of({"Shop": {"Resources": {}}}) for _ in range(2))
    assert [stacks_of(first), stacks_of(first), stacks_of(second)] == [1, 1, 1]
    assert asked == [first, second]
