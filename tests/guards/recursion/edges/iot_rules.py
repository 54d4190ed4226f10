"""Rules of AWS IoT: what a function publishes to a topic, they pass on.

https://docs.aws.amazon.com/iot/latest/developerguide/iot-rule-actions.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bucket,
    deny,
    mapping,
    notifying,
    queue,
    ref,
    resource,
    sub,
    table,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

TO_WRITER: Json = {"Lambda": {"FunctionArn": att("Writer")}}


def topics(name: str) -> Json:
    return sub(f"arn:aws:iot:${{AWS::Region}}:${{AWS::AccountId}}:topic/{name}")


def reads(name: str, *actions: Json, rest: str = "", rule: str = "Rule", **payload: Any) -> Resources:
    """A rule that reads a topic."""
    told = {"Sql": f"SELECT * FROM '{name}'{rest}", "Actions": list(actions or [TO_WRITER])} | payload
    return {rule: resource("AWS::IoT::TopicRule", TopicRulePayload=told)}


def publishes(name: str, *less: Json) -> Resources:
    return writer(allow("iot:Publish", topics(name)), *less)


def republishes(to: str, *, read: str = "shop/a") -> Resources:
    again = {"Republish": {"Topic": to, "RoleArn": "arn:aws:iam::111111111111:role/r"}}
    return reads("shop/a", again) | reads(read, rule="Second") | publishes("shop/b")


def to_bucket(key: str, prefix: str) -> Resources:
    told = notifying("Lambda", att("Writer"), prefix=prefix)
    put = {"S3": {"BucketName": ref("Bucket"), "Key": key}}
    return publishes("shop") | reads("shop", put) | bucket(NotificationConfiguration=told)


def to_table(event: str) -> Resources:
    put = {"DynamoDBv2": {"PutItem": {"TableName": ref("Table")}}}
    read = mapping(att("Table", "StreamArn"), "Writer", {"eventName": [event]})
    return publishes("shop") | reads("shop", put) | table() | read


TOPOLOGIES = (
    loop("it publishes what it is told of", publishes("shop/a") | reads("shop/a")),
    silent("it publishes to another topic", publishes("shop/b") | reads("shop/a")),
    loop("it is told of all levels below", publishes("shop/a/b") | reads("shop/#")),
    loop("it is told of all levels below, and of that above them", publishes("shop") | reads("shop/#")),
    silent("it is told of all levels below another", publishes("shop2/a") | reads("shop/#")),
    risk("it is told of one level", publishes("shop/a/x") | reads("shop/+/x")),
    silent("it is told of one level elsewhere", publishes("shop/a/y") | reads("shop/+/x")),
    risk("it may publish to all topics below", publishes("shop/*") | reads("shop/a")),
    risk("it may publish everything", writer(allow("iot:*", "*")) | reads("shop/a")),
    risk("it is told of some messages", publishes("shop") | reads("shop", rest=" WHERE kind = 'again'")),
    risk("the query is put together", publishes("shop") | reads("shop", Sql=sub("SELECT * FROM '${Topic}'"))),
    silent("the rule is off", publishes("shop") | reads("shop", RuleDisabled=True)),
    silent("it only receives", writer(allow("iot:Receive", topics("shop"))) | reads("shop")),
    guarded("it is denied to publish", publishes("shop", deny("iot:Publish", "*")) | reads("shop")),
    loop(
        "by a queue",
        publishes("shop") | reads("shop", {"Sqs": {"QueueUrl": ref("Queue")}}) | queue() | mapping(att("Queue")),
    ),
    loop("by a bucket", to_bucket("in/${topic()}", "in/")),
    guarded("by a bucket, elsewhere", to_bucket("out/${topic()}", "in/")),
    risk("by a table", to_table("INSERT")),
    guarded("by a table, of which it is told removals", to_table("REMOVE")),
    loop("a rule publishes what it reads", republishes("shop/a"), ("Rule",)),
    silent("a rule publishes elsewhere", republishes("shop/b")),
    loop("what it publishes is published where it is told", republishes("shop/c", read="shop/c") | publishes("shop/a")),
)
