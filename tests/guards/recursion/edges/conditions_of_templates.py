"""Circles that are only there when a parameter says so: what is chosen by default counts, and what could be, may be.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
"""

from typing import Any

from tests.guards.recursion.parts import Json, Resources, allow, att, deny, mapping, queue, sub, writer
from tests.guards.recursion.topology import guarded, loop, risk, silent

SEND = "sqs:SendMessage"


def template(resources: Resources, default: str | None, condition: Json | None = None) -> Json:
    """A template with a parameter `Stage`, and a condition that it is `prod`."""
    parameter = {"Type": "String"} | ({} if default is None else {"Default": default})
    is_prod = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]} if condition is None else condition
    return {"Shop": {"Parameters": {"Stage": parameter}, "Conditions": {"IsProd": is_prod}, "Resources": resources}}


def only_if(resources: Resources) -> Resources:
    return {name: told | {"Condition": "IsProd"} for name, told in resources.items()}


def whole(default: str | None, condition: Json | None = None) -> Json:
    """The mapping is there under the condition."""
    return template(writer(allow(SEND, att("Queue"))) | queue() | only_if(mapping(att("Queue"))), default, condition)


def chosen(default: str | None, *, if_prod: str = "Queue", otherwise: str = "Other") -> Json:
    """What it sends to depends on the condition."""
    sent: Any = {"Fn::If": ["IsProd", att(if_prod), att(otherwise)]}
    return template(writer(allow(SEND, sent)) | queue() | queue("Other") | mapping(att("Queue")), default)


def statement_if(default: str | None) -> Json:
    """A statement that is there under the condition."""
    told: Json = {"Fn::If": ["IsProd", allow(SEND, att("Queue")), {"Ref": "AWS::NoValue"}]}
    return template(writer(allow("s3:GetObject", "*"), told) | queue() | mapping(att("Queue")), default)


def stage_in_name(sent: str) -> Json:
    """Both sides have the stage in the name."""
    arn = "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:"
    resources = queue(QueueName=sub("jobs-${Stage}")) | writer(allow(SEND, sub(arn + sent))) | mapping(att("Queue"))
    return template(resources, None)


NEVER: Json = {"Fn::Equals": ["a", "b"]}
ALWAYS: Json = {"Fn::Equals": ["a", "a"]}


def denied_if(default: str | None) -> Json:
    """A denial that is there under the condition."""
    told: Json = {"Fn::If": ["IsProd", deny(SEND, att("Queue")), {"Ref": "AWS::NoValue"}]}
    return template(writer(allow(SEND, att("Queue")), told) | queue() | mapping(att("Queue")), default)


def denied_there(default: str | None) -> Json:
    """A denial of one thing or another."""
    told = deny(SEND, {"Fn::If": ["IsProd", att("Queue"), att("Other")]})
    return template(writer(allow(SEND, att("Queue")), told) | queue() | queue("Other") | mapping(att("Queue")), default)


TOPOLOGIES = (
    loop("the trigger is there by default", whole("prod")),
    risk("the trigger is there when somebody asks for it", whole("dev")),
    risk("the trigger is there or not, which nobody has decided", whole(None)),
    loop("the trigger is always there", whole("dev", ALWAYS)),
    silent("the trigger is never there", whole("prod", NEVER)),
    loop("it sends there by default", chosen("prod")),
    risk("it sends there when somebody asks for it", chosen("dev")),
    risk("it sends there or elsewhere, which nobody has decided", chosen(None)),
    loop("it sends there in both cases", chosen(None, otherwise="Queue")),
    silent("it sends elsewhere in both cases", chosen("prod", if_prod="Other")),
    loop("it may by default", statement_if("prod")),
    risk("it may when somebody asks for it", statement_if("dev")),
    risk("it may or not, which nobody has decided", statement_if(None)),
    loop("a name with the stage in it", stage_in_name("jobs-${Stage}")),
    silent("another name with the stage in it", stage_in_name("others-${Stage}")),
    guarded("it is denied by default", denied_if("prod")),
    loop("it is denied when somebody asks for it", denied_if("dev")),
    loop("what it is denied is chosen, and by default another", denied_there("dev")),
    guarded("what it is denied is chosen, and by default this", denied_there("prod")),
)
