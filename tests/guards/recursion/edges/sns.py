"""Topics, their subscribers and their filter policies.

https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bucket,
    function,
    mapping,
    notifying,
    objects,
    queue,
    ref,
    resource,
    subscribed,
    topic,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

PUBLISH = "sns:Publish"


def publishes(to: Any = None, *, may: str = PUBLISH, **subscription: Any) -> Resources:
    """A function that a topic runs, and that may publish to it."""
    target = ref("Topic") if to is None else to
    return writer(allow(may, target)) | topic() | subscribed("lambda", att("Writer"), **subscription)


def by_queue(*patterns: Json, **subscription: Any) -> Resources:
    return (
        writer(allow(PUBLISH, ref("Topic")))
        | topic()
        | subscribed("sqs", att("Queue"), **subscription)
        | queue()
        | mapping(att("Queue"), "Writer", *patterns)
    )


def undelivered(to: str) -> Resources:
    """What the subscriber does not take is left in a queue."""
    return (
        writer(allow(PUBLISH, ref("Topic")))
        | topic()
        | function("Taker")
        | subscribed("lambda", att("Taker"), RedrivePolicy={"deadLetterTargetArn": att("Dead")})
        | queue("Dead")
        | queue("Other")
        | mapping(att(to))
    )


def by_bucket(policy: Json, **subscription: Any) -> Resources:
    """A bucket publishes; nothing of what S3 publishes has attributes."""
    return (
        writer(allow("s3:PutObject", objects()))
        | bucket(NotificationConfiguration=notifying("Topic", ref("Topic")))
        | topic()
        | subscribed("lambda", att("Writer"), FilterPolicy=policy, **subscription)
    )


def of_event(name: str) -> Json:
    return {"Records": {"eventName": [{"prefix": name}]}}


def inline_topic() -> Resources:
    subscription = [{"Protocol": "lambda", "Endpoint": att("Writer")}]
    return writer(allow(PUBLISH, ref("Topic"))) | topic(Subscription=subscription)


def protected(effect: str, principal: Json, only: str = "") -> Resources:
    """A topic with a policy; or that policy only."""
    statement = {"Effect": effect, "Principal": principal, "Action": PUBLISH, "Resource": ref("Topic")}
    told = resource("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument={"Statement": [statement]})
    system = writer() | topic() | subscribed("lambda", att("Writer")) | {"Policy": told}
    return {name: each for name, each in system.items() if only in name}


TOPOLOGIES = (
    loop("it publishes to the topic that runs it", publishes()),
    loop("the topic has its subscription itself", inline_topic()),
    silent("it publishes to another topic", publishes(ref("Other")) | topic("Other")),
    silent("it may only subscribe", publishes(may="sns:Subscribe")),
    silent("only people are told", publishes(Protocol="email", Endpoint="a@example.com")),
    risk("it publishes to every topic", publishes("*")),
    risk("it publishes to every topic of the account", publishes({"Fn::Sub": "arn:aws:sns:*:${AWS::AccountId}:*"})),
    risk("only some messages run it, by attribute", publishes(FilterPolicy={"kind": ["again"]})),
    risk(
        "only some messages run it, by what they say",
        publishes(FilterPolicy={"kind": ["again"]}, FilterPolicyScope="MessageBody"),
    ),
    risk("only messages without an attribute run it", publishes(FilterPolicy={"kind": [{"exists": False}]})),
    loop("by a queue", by_queue()),
    risk("by a queue, of which it reads some", by_queue({"body": {"kind": ["again"]}}, RawMessageDelivery=True)),
    guarded(
        "by a queue, of which it reads what the wrapping never has",
        by_queue({"body": {"kind": ["again"]}}, RawMessageDelivery=False),
    ),
    loop("by a queue, of which it reads what the wrapping has", by_queue({"body": {"Type": ["Notification"]}})),
    risk("what cannot be delivered runs it", undelivered("Dead")),
    silent("what cannot be delivered runs nobody", undelivered("Other")),
    loop("what a bucket says", by_bucket(of_event("ObjectCreated:"), FilterPolicyScope="MessageBody")),
    guarded("what a bucket says, of removals", by_bucket(of_event("ObjectRemoved:"), FilterPolicyScope="MessageBody")),
    guarded("what a bucket says has no attributes", by_bucket({"kind": ["again"]})),
    # AWS says that a message lacking the attribute fits, and that one without any attribute does not.
    guarded("what a bucket says lacks the attribute, as all others", by_bucket({"kind": [{"exists": False}]})),
    loop("an empty filter", by_bucket({})),
    loop("the topic lets its reader in", protected("Allow", {"AWS": att("WriterRole")})),
    silent("the topic lets a service in", protected("Allow", {"Service": "s3.amazonaws.com"})),
    guarded(
        "the topic denies what the role allows", publishes() | protected("Deny", {"AWS": att("WriterRole")}, "Policy")
    ),
)
