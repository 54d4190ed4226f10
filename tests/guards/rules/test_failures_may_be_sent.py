"""Where a function's failures go, and whether its role may send there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, mapping, queue, ref, resource

RULE = "failures-may-be-sent"
TRUST = {
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]
}
PLACES = {
    "queue": ("AWS::SQS::Queue", "sqs:SendMessage", arn("Place")),
    "topic": ("AWS::SNS::Topic", "sns:Publish", ref("Place")),
    "bus": ("AWS::Events::EventBus", "events:PutEvents", arn("Place")),
    "function": ("AWS::Lambda::Function", "lambda:InvokeFunction", arn("Place")),
    "bucket": ("AWS::S3::Bucket", "s3:PutObject", arn("Place")),
}


def role(*statements: dict[str, Any], **properties: Any) -> dict[str, Any]:
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    return resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, Policies=policies, **properties)


def allow(action: str, on: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": on}


def config(way: str, place: Any) -> dict[str, Any]:
    told = {way: {"Destination": place}}
    return resource("AWS::Lambda::EventInvokeConfig", FunctionName=ref("Send"), DestinationConfig=told)


def app(**resources: Any) -> dict[str, Any]:
    return {"Send": function(Role=arn("Role")), "Role": role(), **resources}


def test_the_whole_message() -> None:
    resources = app(Place=queue(), Config=config("OnFailure", arn("Place")))
    assert judged(RULE, resources) == [
        (
            "error: Role may not send to Place for Send: it lacks sqs:SendMessage\n"
            "  at:  Shop/Config (AWS::Lambda::EventInvokeConfig) DestinationConfig.OnFailure.Destination\n"
            "  fix: allow sqs:SendMessage on Place in a policy of the role"
        )
    ]


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("way", ["OnFailure", "OnSuccess"])
def test_each_kind_of_place_takes_its_own_action(kind: str, way: str) -> None:
    made, action, place = PLACES[kind]
    resources = app(Place=resource(made), Config=config(way, place))
    [found] = judged(RULE, resources)
    assert f"it lacks {action}\n" in found
    on = {"Fn::Join": ["", [arn("Place"), "/*"]]} if kind == "bucket" else place
    assert judged(RULE, {**resources, "Role": role(allow(action, on))}) == []


def test_an_alias_is_invoked_by_its_own_arn() -> None:
    alias = resource("AWS::Lambda::Alias", FunctionName=ref("Place"), FunctionVersion="1", Name="live")
    resources = app(Place=function(), Live=alias, Config=config("OnSuccess", ref("Live")))
    assert judged(RULE, {**resources, "Role": role(allow("lambda:InvokeFunction", ref("Live")))}) == []
    assert len(judged(RULE, {**resources, "Role": role(allow("lambda:InvokeFunction", arn("Place")))})) == 1


def test_a_permission_for_another_queue_is_none() -> None:
    resources = app(Place=queue(), Other=queue(), Config=config("OnFailure", arn("Place")))
    resources["Role"] = role(allow("sqs:SendMessage", arn("Other")))
    assert len(judged(RULE, resources)) == 1


def test_dead_letters_of_the_function_itself_and_of_a_stream_count_too() -> None:
    of_function = app(Place=queue())
    of_function["Send"]["Properties"]["DeadLetterConfig"] = {"TargetArn": arn("Place")}
    [found] = judged(RULE, of_function)
    assert "Shop/Send (AWS::Lambda::Function) DeadLetterConfig.TargetArn" in found
    table = resource("AWS::DynamoDB::Table", StreamSpecification={"StreamViewType": "NEW_IMAGE"})
    failing = {"OnFailure": {"Destination": arn("Place")}}
    stream = mapping({"Fn::GetAtt": ["Table", "StreamArn"]}, DestinationConfig=failing)
    [found] = judged(RULE, app(Place=queue(), Table=table, Stream=stream))
    assert "Shop/Stream (AWS::Lambda::EventSourceMapping)" in found


def test_a_wildcard_is_enough() -> None:
    resources = app(Place=queue(), Config=config("OnFailure", arn("Place")))
    assert judged(RULE, {**resources, "Role": role(allow("sqs:*", "*"))}) == []


def test_what_a_policy_from_elsewhere_allows_is_unknown() -> None:
    resources = app(Place=queue(), Config=config("OnFailure", arn("Place")))
    resources["Role"] = role(ManagedPolicyArns=["arn:aws:iam::111122223333:policy/sends"])
    [said] = judged(RULE, resources)
    assert said.startswith("unknown: whether Role may send to Place")


@pytest.mark.parametrize("place", ["arn:aws:sqs:eu-west-1:111122223333:elsewhere", ref("Parameter")])
def test_a_place_that_is_not_in_the_templates_is_left_to_its_own(place: Any) -> None:
    parameters = {"Parameter": {"Type": "String"}}
    assert judged(RULE, app(Config=config("OnFailure", place)), Parameters=parameters) == []


def test_a_role_that_is_not_in_the_templates_is_left_to_its_own() -> None:
    resources = app(Place=queue(), Config=config("OnFailure", arn("Place")))
    resources["Send"] = function(Role="arn:aws:iam::111122223333:role/sends")
    assert judged(RULE, resources) == []
