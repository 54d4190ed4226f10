"""Buckets that tell the default bus, and rules that pick from it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bucket,
    mapping,
    objects,
    queue,
    ref,
    resource,
    rule,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

TELLS: Json = {"EventBridgeConfiguration": {}}


def created(key: Any = None, of: Any = None, detail_type: str = "Object Created", **detail: Any) -> Json:
    """The pattern of a rule, as CDK's documentation writes it."""
    asked: Json = {"bucket": {"name": [ref("Bucket") if of is None else of]}} | detail
    if key is not None:
        asked["object"] = {"key": [key]}
    return {"source": ["aws.s3"], "detail-type": [detail_type], "detail": asked}


def told(keys: str, pattern: Json, *, may: str = "s3:PutObject", tells: Json = TELLS, **target: Any) -> Resources:
    return (
        writer(allow(may, objects(keys)))
        | bucket(NotificationConfiguration=tells)
        | rule(att("Writer"), pattern)
        | ({"Rule": _shaped(pattern, target)} if target else {})
    )


def _shaped(pattern: Json, target: Json) -> Json:
    targets = [{"Id": "T", "Arn": att("Writer"), **target}]
    return resource("AWS::Events::Rule", EventPattern=pattern, Targets=targets)


def of_two_buckets(of: Any) -> Resources:
    """The writer writes to one bucket, and is told of another."""
    return (
        writer(allow("s3:PutObject", objects()))
        | bucket(NotificationConfiguration=TELLS)
        | bucket("Other", NotificationConfiguration=TELLS)
        | rule(att("Writer"), created(of=of))
    )


def by_queue(keys: str, pattern: Json, *wanted: Json, **target: Any) -> Resources:
    targets = [{"Id": "T", "Arn": att("Queue"), **target}]
    return (
        writer(allow("s3:PutObject", objects(keys)))
        | bucket(NotificationConfiguration=TELLS)
        | queue()
        | {"Rule": resource("AWS::Events::Rule", EventPattern=pattern, Targets=targets)}
        | mapping(att("Queue"), "Writer", *wanted)
    )


def two_rules(keys: str) -> Resources:
    system = told(keys, created({"prefix": "a"}))
    return system | rule(att("Writer"), created({"anything-but": {"prefix": "a"}}), "SecondRule")


OUT_OF_KEY: Json = {"body": {"detail": {"object": {"key": [{"prefix": "in/"}]}}}}

TOPOLOGIES = (
    loop("every object of the bucket", told("*", created())),
    loop("only what is from S3", told("*", {"source": ["aws.s3"]})),
    loop("only what is of the kind", told("*", {"detail-type": ["Object Created"]})),
    loop("below the prefix", told("in/*", created({"prefix": "in/"}))),
    guarded("below another prefix", told("out/*", created({"prefix": "in/"}))),
    risk("below the prefix, among others", told("*", created({"prefix": "in/"}))),
    guarded("another suffix", told("*.png", created({"suffix": ".jpg"}))),
    loop("a wildcard that includes it", told("in/*.jpg", created({"wildcard": "*/*.jpg"}))),
    guarded("a wildcard that excludes it", told("in/*.jpg", created({"wildcard": "*/*.png"}))),
    guarded("anything but its prefix", told("out/*", created({"anything-but": {"prefix": "out/"}}))),
    loop("anything but another prefix", told("out/*", created({"anything-but": {"prefix": "in/"}}))),
    loop("two rules cover together what it writes", two_rules("*")),
    guarded("what is removed", told("*", created(detail_type="Object Deleted"))),
    loop(
        "what is removed, by who removes",
        told("*", created(detail_type="Object Deleted"), may="s3:DeleteObject"),
    ),
    guarded("what is created, by who removes", told("*", created(), may="s3:DeleteObject")),
    risk("what is copied", told("*", created(reason=["CopyObject"]))),
    loop("what is put", told("*", created(reason=["PutObject"]))),
    guarded("the events of another bucket by its name", of_two_buckets(ref("Other"))),
    risk("the events of a bucket by a name that it could have been given", of_two_buckets("elsewhere")),
    risk("the events of a bucket whose name is a parameter", of_two_buckets({"Ref": "NoSuchThing"})),
    silent("the bucket tells nobody", told("*", created(), tells={})),
    silent(
        "it says that it tells nobody",
        told("*", created(), tells={"EventBridgeConfiguration": {"EventBridgeEnabled": False}}),
    ),
    guarded("events of another service", told("*", {"source": ["aws.ec2"]})),
    loop("only the detail goes on", told("*", created(), InputPath="$.detail")),
    loop("something else goes on", told("*", created(), InputTransformer={"InputTemplate": '"seen"'})),
    loop("by a queue", by_queue("*", created())),
    loop("by a queue, of which the reader wants the prefix", by_queue("in/*", created(), OUT_OF_KEY)),
    guarded("by a queue, of which the reader wants another prefix", by_queue("out/*", created(), OUT_OF_KEY)),
    risk(
        "by a queue, of which the reader wants something of a text nobody reads",
        by_queue("out/*", created(), OUT_OF_KEY, InputTransformer={"InputTemplate": '{"detail": <d>}'}),
    ),
    guarded(
        "by a queue, of which the reader wants another prefix of the part that is left",
        by_queue("out/*", created(), {"body": {"object": {"key": [{"prefix": "in/"}]}}}, InputPath="$.detail"),
    ),
    loop(
        "by a queue, of which the reader wants the prefix of the part that is left",
        by_queue("in/*", created(), {"body": {"object": {"key": [{"prefix": "in/"}]}}}, InputPath="$.detail"),
    ),
    silent(
        "it says in words that it tells nobody",
        told("*", created(), tells={"EventBridgeConfiguration": {"EventBridgeEnabled": "false"}}),
    ),
    loop(
        "it says that it tells the bus",
        told("*", created(), tells={"EventBridgeConfiguration": {"EventBridgeEnabled": True}}),
    ),
)
