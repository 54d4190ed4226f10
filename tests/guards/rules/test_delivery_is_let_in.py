"""What a service delivers into a queue or topic, and the policy that lets it in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, judged, queue, ref, resource

RULE = "delivery-is-let-in"


def policy(principal: Any, source: Any = None, action: str = "sqs:SendMessage", kind: str = "SQS") -> dict[str, Any]:
    told: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    if source is not None:
        told["Condition"] = {"ArnLike": {"aws:SourceArn": source}}
    on: dict[str, Any] = {"Queues": [ref("Queue")]} if kind == "SQS" else {"Topics": [ref("Topic")]}
    named = "AWS::SQS::QueuePolicy" if kind == "SQS" else "AWS::SNS::TopicPolicy"
    return {"Policy": resource(named, PolicyDocument={"Statement": [told]}, **on)}


TOPIC = resource("AWS::SNS::Topic")
DELIVERIES: dict[str, tuple[dict[str, Any], str, Any]] = {  # resources, who delivers, from where
    "subscription": (
        {
            "Topic": TOPIC,
            "From": resource("AWS::SNS::Subscription", TopicArn=ref("Topic"), Endpoint=arn("Queue"), Protocol="sqs"),
        },
        "sns.amazonaws.com",
        ref("Topic"),
    ),
    "rule": (
        {"From": resource("AWS::Events::Rule", Targets=[{"Arn": arn("Queue"), "Id": "a"}])},
        "events.amazonaws.com",
        arn("From"),
    ),
    "dead letters of a rule": (
        {
            "From": resource(
                "AWS::Events::Rule",
                Targets=[{"Arn": "arn:aws:x", "Id": "a", "DeadLetterConfig": {"Arn": arn("Queue")}}],
            )
        },
        "events.amazonaws.com",
        arn("From"),
    ),
    "bucket": (
        {
            "From": resource(
                "AWS::S3::Bucket",
                BucketName="pictures",
                NotificationConfiguration={"QueueConfigurations": [{"Event": "s3:*", "Queue": arn("Queue")}]},
            )
        },
        "s3.amazonaws.com",
        "arn:aws:s3:::pictures",
    ),
}
EVERY = pytest.mark.parametrize("kind", DELIVERIES)


@EVERY
def test_refuses_what_no_policy_lets_in(kind: str) -> None:
    resources, principal, _ = DELIVERIES[kind]
    [found] = judged(RULE, {"Queue": queue(), **resources})
    assert found.startswith(f"error: queue Queue does not let {principal} in: nothing is delivered\n")


@EVERY
def test_passes_what_is_let_in_from_there(kind: str) -> None:
    resources, principal, source = DELIVERIES[kind]
    assert judged(RULE, {"Queue": queue(), **resources, **policy({"Service": principal}, source)}) == []
    assert judged(RULE, {"Queue": queue(), **resources, **policy("*", source)}) == []


@EVERY
def test_passes_what_is_let_in_from_everywhere(kind: str) -> None:
    resources, principal, _ = DELIVERIES[kind]
    assert judged(RULE, {"Queue": queue(), **resources, **policy({"Service": principal})}) == []


@EVERY
def test_refuses_what_is_let_in_from_elsewhere(kind: str) -> None:
    resources, principal, _ = DELIVERIES[kind]
    elsewhere = policy({"Service": principal}, "arn:aws:elsewhere:eu-west-1:111122223333:nothing")
    [found] = judged(RULE, {"Queue": queue(), **resources, **elsewhere})
    assert found.startswith(f"error: queue Queue lets {principal} in from elsewhere, not from arn:aws:")


@EVERY
def test_refuses_what_another_service_or_action_is_let_in_for(kind: str) -> None:
    resources, principal, _ = DELIVERIES[kind]
    assert len(judged(RULE, {"Queue": queue(), **resources, **policy({"Service": "ses.amazonaws.com"})})) == 1
    receives = policy({"Service": principal}, action="sqs:ReceiveMessage")
    assert len(judged(RULE, {"Queue": queue(), **resources, **receives})) == 1


def test_says_what_to_allow() -> None:
    resources, _, _ = DELIVERIES["rule"]
    assert judged(RULE, {"Queue": queue(), **resources}) == [
        (
            "error: queue Queue does not let events.amazonaws.com in: nothing is delivered\n"
            "  at:  Shop/From (AWS::Events::Rule) Targets.*.Arn\n"
            "  fix: allow sqs:SendMessage to events.amazonaws.com with aws:SourceArn "
            "arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/${From} in a policy of the queue"
        )
    ]


def test_passes_a_target_with_a_role_and_a_rule_of_another_bus() -> None:
    role = resource("AWS::Events::Rule", Targets=[{"Arn": arn("Queue"), "Id": "a", "RoleArn": "arn:aws:iam::1:role/x"}])
    assert judged(RULE, {"Queue": queue(), "From": role}) == []
    rule = resource(
        "AWS::Events::Rule", Name="placed", EventBusName="orders", Targets=[{"Arn": arn("Queue"), "Id": "a"}]
    )
    source = {"Fn::Sub": "arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/orders/placed"}
    let_in = policy({"Service": "events.amazonaws.com"}, source)
    assert judged(RULE, {"Queue": queue(), "From": rule, **let_in}) == []


def test_an_alarm_may_publish_unless_the_policy_of_the_topic_leaves_it_out() -> None:
    alarm = resource("AWS::CloudWatch::Alarm", AlarmActions=[ref("Topic")])
    resources = {"Topic": TOPIC, "Alarm": alarm}
    assert judged(RULE, resources) == []
    others = policy({"Service": "events.amazonaws.com"}, action="sns:Publish", kind="SNS")
    [found] = judged(RULE, {**resources, **others})
    assert found.startswith("error: topic Topic does not let cloudwatch.amazonaws.com in: nothing is delivered\n")
    let_in = policy({"Service": "cloudwatch.amazonaws.com"}, action="sns:Publish", kind="SNS")
    assert judged(RULE, {**resources, **let_in}) == []


def test_asks_nothing_of_what_is_not_in_the_templates() -> None:
    rule = resource("AWS::Events::Rule", Targets=[{"Arn": "arn:aws:sqs:eu-west-1:111122223333:theirs", "Id": "a"}])
    assert judged(RULE, {"From": rule}) == []


def test_says_what_it_cannot_tell() -> None:
    resources, _, _ = DELIVERIES["rule"]
    hidden = resource("AWS::SQS::QueuePolicy", Queues=[ref("Queue")], PolicyDocument={"Fn::Transform": {"Name": "M"}})
    assert judged(RULE, {"Queue": queue(), **resources, "Policy": hidden}) == [
        (
            "unknown: whether Queue lets in events.amazonaws.com\n"
            "  at:  Shop/From (AWS::Events::Rule)\n"
            "  why: Fn::Transform is decided while deploying"
        )
    ]


def may(action: str, on: Any) -> dict[str, Any]:
    told = {"Effect": "Allow", "Action": action, "Resource": on}
    return resource("AWS::IAM::Role", Policies=[{"PolicyName": "p", "PolicyDocument": {"Statement": [told]}}])


ERRANDS = {
    "schedule": resource("AWS::Scheduler::Schedule", Target={"Arn": arn("Queue"), "RoleArn": arn("Role")}),
    "rule": resource("AWS::Events::Rule", Targets=[{"Arn": arn("Queue"), "Id": "a", "RoleArn": arn("Role")}]),
    "pipe": resource("AWS::Pipes::Pipe", Source="arn:aws:x", Target=arn("Queue"), RoleArn=arn("Role")),
}


@pytest.mark.parametrize("kind", ERRANDS)
def test_a_role_has_to_allow_what_is_done_as_it(kind: str) -> None:
    resources = {"Queue": queue(), "From": ERRANDS[kind]}
    assert judged(RULE, {**resources, "Role": may("sqs:SendMessage", arn("Queue"))}) == []
    for role in (may("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:other"), may("sqs:Receive*", arn("Queue"))):
        [found] = judged(RULE, {**resources, "Role": role})
        assert found.startswith("error: role Role does not allow sqs:SendMessage on Queue: nothing is delivered\n")


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("AWS::Lambda::Function", "lambda:InvokeFunction"),
        ("AWS::StepFunctions::StateMachine", "states:StartExecution"),
        ("AWS::Events::EventBus", "events:PutEvents"),
        ("AWS::Kinesis::Stream", "kinesis:PutRecord"),
        ("AWS::Kinesis::Stream", "kinesis:PutRecords"),
    ],
)
def test_asks_for_the_action_of_each_target(kind: str, action: str) -> None:
    schedule = resource("AWS::Scheduler::Schedule", Target={"Arn": arn("To"), "RoleArn": arn("Role")})
    resources = {"To": resource(kind), "From": schedule}
    assert judged(RULE, {**resources, "Role": may(action, arn("To"))}) == []
    assert len(judged(RULE, {**resources, "Role": may("s3:GetObject", arn("To"))})) == 1


def test_an_alias_is_asked_for_by_its_own_arn() -> None:
    alias = resource("AWS::Lambda::Alias", FunctionName=ref("To"), Name="live")
    schedule = resource("AWS::Scheduler::Schedule", Target={"Arn": ref("Live"), "RoleArn": arn("Role")})
    resources = {"To": resource("AWS::Lambda::Function"), "Live": alias, "From": schedule}
    assert judged(RULE, {**resources, "Role": may("lambda:InvokeFunction", ref("Live"))}) == []
    assert judged(RULE, {**resources, "Role": may("lambda:InvokeFunction", {"Fn::Sub": "${To.Arn}:*"})}) == []
    assert len(judged(RULE, {**resources, "Role": may("lambda:InvokeFunction", arn("To"))})) == 1


def test_says_what_it_cannot_tell_of_a_role() -> None:
    role = resource("AWS::IAM::Role", ManagedPolicyArns=["arn:aws:iam::111122223333:policy/theirs"])
    [found] = judged(RULE, {"Queue": queue(), "From": ERRANDS["schedule"], "Role": role})
    assert found.startswith("unknown: whether Role allows sqs:SendMessage on Queue\n")
