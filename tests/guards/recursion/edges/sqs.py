"""Queues, who reads them, and where what cannot be read goes.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

import json
from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    document,
    function,
    mapping,
    queue,
    ref,
    resource,
    sub,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

SEND = "sqs:SendMessage"


def sends(*patterns: Json, may: Any = SEND, to: Any = None, **mapped: Any) -> Resources:
    """A function that reads the queue, and may send to it."""
    target = att("Queue") if to is None else to
    return writer(allow(may, target)) | queue() | mapping(att("Queue"), "Writer", *patterns, **mapped)


def redriven(to: str, policy: Any) -> Resources:
    """Who reads the dead letters sends them on: to where they come from, or elsewhere."""
    return (
        queue(RedrivePolicy=policy)
        | queue("Dead")
        | queue("Archive")
        | function("Reader")
        | mapping(att("Queue"), "Reader")
        | writer(allow(SEND, att(to)))
        | mapping(att("Dead"), "Writer")
    )


def two(second_sends_to: str) -> Resources:
    return (
        function("First", allow(SEND, att("Second")))
        | function("Last", allow(SEND, att(second_sends_to)))
        | queue("First1")
        | queue("Second")
        | queue("Third")
        | mapping(att("First1"), "First")
        | mapping(att("Second"), "Last")
    )


def policy(effect: str, principal: Any, **condition: Any) -> Resources:
    statement = {"Effect": effect, "Principal": principal, "Action": SEND, "Resource": att("Queue")}
    told = document(statement | ({"Condition": condition} if condition else {}))
    return {"Policy": resource("AWS::SQS::QueuePolicy", Queues=[ref("Queue")], PolicyDocument=told)}


def let_in(principal: Any, **condition: Any) -> Resources:
    return writer() | queue() | mapping(att("Queue")) | policy("Allow", principal, **condition)


DEAD: Json = {"deadLetterTargetArn": att("Dead"), "maxReceiveCount": 3}
OWN: Json = {"AWS": att("WriterRole")}

TOPOLOGIES = (
    loop("it sends to the queue it reads", sends()),
    silent("it may only receive", sends(may=["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"])),
    silent("it sends to another queue", sends(to=att("Other")) | queue("Other")),
    silent("the mapping is off", sends(Enabled=False)),
    loop("every sending action", sends(may="sqs:Send*")),
    silent("a batch is no action of its own", sends(may="sqs:SendMessageBatch")),
    risk("to every queue", sends(to="*")),
    risk("to every queue by its ARN", sends(to=sub("arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:*"))),
    loop(
        "by an ARN that is put together",
        sends(to=sub("arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Queue.QueueName}")),
    ),
    risk("it reads some kinds", sends({"body": {"kind": ["again"]}})),
    loop("it reads whatever there is", sends(FilterCriteria={"Filters": []})),
    risk("it reads by an attribute", sends({"messageAttributes": {"kind": {"stringValue": ["again"]}}})),
    loop("dead letters are sent back", redriven("Queue", DEAD)),
    silent("dead letters are sent elsewhere", redriven("Archive", DEAD)),
    loop("dead letters are sent to where they are", redriven("Dead", DEAD)),
    silent("there are no dead letters", redriven("Queue", {})),
    loop(
        "the queue of the dead letters is told by name",
        redriven(
            "Queue",
            json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:111111111111:dead", "maxReceiveCount": 3}),
        )
        | queue("Dead", QueueName="dead"),
    ),
    loop("two functions send to each other", two("First1"), ("First", "Last")),
    silent("two functions, one after the other", two("Third")),
    loop("the queue lets its reader in", let_in(OWN)),
    silent("the queue lets somebody else in", let_in({"AWS": "arn:aws:iam::111111111111:role/other"})),
    risk("the queue lets everybody in", let_in("*")),
    silent("the queue lets a topic in", let_in({"Service": "sns.amazonaws.com"})),
    silent(
        "the queue lets whatever calls for a bucket in",
        let_in("*", ArnLike={"aws:SourceArn": "arn:aws:s3:::somewhere"}),
    ),
    guarded("the queue denies what the role allows", sends() | policy("Deny", OWN)),
    guarded("the queue denies everybody", sends() | policy("Deny", "*")),
    loop("the queue denies somebody else", sends() | policy("Deny", {"AWS": "arn:aws:iam::111111111111:role/other"})),
    loop(
        "the queue denies those who do not use TLS",
        sends() | policy("Deny", "*", Bool={"aws:SecureTransport": "false"}),
    ),
)
