"""Buckets that notify a function, a queue or a topic by themselves.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
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
    objects,
    queue,
    ref,
    resource,
    subscribed,
    topic,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent


def told(*statements: Json, event: str = "s3:ObjectCreated:*", **keys: str) -> Resources:
    """A function that its own bucket tells."""
    return writer(*statements) | bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), event, **keys))


def put(keys: str, **notified: str) -> Resources:
    return told(allow("s3:PutObject", objects(keys)), **notified)


def told_of(*asked: tuple[str, dict[str, str]], may: str = "s3:PutObject", keys: str = "*") -> Resources:
    """A bucket with several notifications."""
    each: list[Any] = [
        one for event, narrowed in asked for one in notifying("Lambda", att("Writer"), event, **narrowed).values()
    ]
    configurations = {"LambdaConfigurations": [one for several in each for one in several]}
    return writer(allow(may, objects(keys))) | bucket(NotificationConfiguration=configurations)


def by_queue(keys: str, *patterns: Json, **notified: str) -> Resources:
    return (
        writer(allow("s3:PutObject", objects(keys)))
        | bucket(NotificationConfiguration=notifying("Queue", att("Queue"), **notified))
        | queue()
        | mapping(att("Queue"), "Writer", *patterns)
    )


def by_topic(keys: str, policy: Json | None = None, **notified: str) -> Resources:
    narrowed = {} if policy is None else {"FilterPolicy": policy, "FilterPolicyScope": "MessageBody"}
    return (
        writer(allow("s3:PutObject", objects(keys)))
        | bucket(NotificationConfiguration=notifying("Topic", ref("Topic"), **notified))
        | topic()
        | subscribed("lambda", att("Writer"), **narrowed)
    )


def by_topic_and_queue(keys: str, *patterns: Json, is_raw: bool) -> Resources:
    return (
        writer(allow("s3:PutObject", objects(keys)))
        | bucket(NotificationConfiguration=notifying("Topic", ref("Topic")))
        | topic()
        | subscribed("sqs", att("Queue"), RawMessageDelivery=is_raw)
        | queue()
        | mapping(att("Queue"), "Writer", *patterns)
    )


def of_key(key: Any) -> Json:
    return {"Records": {"s3": {"object": {"key": [key]}}}}


def by_custom_resource(keys: str, **rules: str) -> Resources:
    """What CDK's `add_event_notification` makes."""
    asked: Json = {"Events": ["s3:ObjectCreated:*"], "LambdaFunctionArn": att("Writer")}
    if rules:
        asked["Filter"] = {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules.items()]}}
    custom = resource(
        "Custom::S3BucketNotifications",
        BucketName=ref("Bucket"),
        NotificationConfiguration={"LambdaFunctionConfigurations": [asked]},
    )
    return writer(allow("s3:PutObject", objects(keys))) | bucket() | {"Notifications": custom}


def begins_alike(resource_name: str, prefix: str = "", **named: str) -> Resources:
    """A permission for buckets by their names."""
    notification = notifying("Lambda", att("Writer"), prefix=prefix)
    may = allow("s3:PutObject", f"arn:aws:s3:::{resource_name}")
    return writer(may) | bucket(NotificationConfiguration=notification, **named)


TOPOLOGIES = (
    loop("every object tells the function that writes any", put("*")),
    loop("it writes below the prefix it is told of", put("uploads/*", prefix="uploads/")),
    guarded("it writes below another prefix", put("thumbs/*", prefix="uploads/")),
    guarded("it writes below the prefix in other letters", put("Uploads/*", prefix="uploads/")),
    guarded("it writes another suffix", put("*.png", suffix=".jpg")),
    risk("it may write the suffix among others", put("thumbs/*", suffix=".jpg")),
    risk("it may write the prefix among others", put("*", prefix="uploads/")),
    loop("it writes prefix and suffix", put("in/*.jpg", prefix="in/", suffix=".jpg")),
    guarded("it writes the prefix with another suffix", put("in/*.png", prefix="in/", suffix=".jpg")),
    risk("prefix and suffix share a character", put("a?a", prefix="aba", suffix="aba")),
    guarded("what it writes is too short for the prefix", put("in?", prefix="in/x")),
    loop("one of two prefixes is its own", told(allow("s3:PutObject", [objects("a/*"), objects("b/*")]), prefix="b/")),
    loop(
        "one of two statements is enough",
        told(allow("s3:PutObject", objects("a/*")), allow("s3:PutObject", objects("b/*")), prefix="b/"),
    ),
    loop(
        "one of two notifications is enough",
        told_of(("s3:ObjectCreated:*", {"suffix": ".png"}), ("s3:ObjectCreated:*", {"suffix": ".jpg"}), keys="*.jpg"),
    ),
    loop(
        "two notifications cover together what it writes",
        told_of(("s3:ObjectCreated:*", {"prefix": "a"}), ("s3:ObjectCreated:*", {"prefix": "b"}), keys="a/*"),
    ),
    loop("it is told of what the plain call does", put("*", event="s3:ObjectCreated:Put")),
    risk("it is told of copies, which the same permission allows", put("*", event="s3:ObjectCreated:Copy")),
    guarded("it is told of removals, and writes", put("*", event="s3:ObjectRemoved:*")),
    loop("it is told of removals, and removes", told(allow("s3:DeleteObject", objects()), event="s3:ObjectRemoved:*")),
    risk(
        "it is told of markers, and removes",
        told(allow("s3:DeleteObject", objects()), event="s3:ObjectRemoved:DeleteMarkerCreated"),
    ),
    guarded("it is told of what is created, and removes", told(allow("s3:DeleteObject", objects()))),
    loop("it is told of tags, and tags", told(allow("s3:PutObjectTagging", objects()), event="s3:ObjectTagging:*")),
    guarded(
        "it is told of new tags, and removes tags",
        told(allow("s3:DeleteObjectTagging", objects()), event="s3:ObjectTagging:Put"),
    ),
    loop(
        "it is told of access lists, and sets them", told(allow("s3:PutObjectAcl", objects()), event="s3:ObjectAcl:Put")
    ),
    silent("it only reads", told(allow("s3:GetObject", objects()))),
    silent("it may do everything to the bucket, and nothing to objects", told(allow("s3:*", att("Bucket")))),
    silent("it writes to another bucket", told(allow("s3:PutObject", objects(bucket="Other"))) | bucket("Other")),
    loop("an action with a star", told(allow("s3:Put*", objects()))),
    loop("an action in other letters", told(allow("S3:pUTObject", objects()))),
    loop("every action", told(allow("s3:*", objects()))),
    risk("every resource", told(allow("s3:PutObject", "*"))),
    risk("every bucket", told(allow("s3:PutObject", "arn:aws:s3:::*/*"))),
    risk("every bucket, below a prefix", told(allow("s3:PutObject", "arn:aws:s3:::*/in/*"), prefix="in/")),
    loop("by a queue", by_queue("*")),
    guarded("by a queue, told of another prefix", by_queue("out/*", prefix="in/")),
    loop("by a queue whose reader wants the prefix", by_queue("in/*", {"body": of_key({"prefix": "in/"})})),
    guarded("by a queue whose reader wants another prefix", by_queue("out/*", {"body": of_key({"prefix": "in/"})})),
    risk("by a queue whose reader wants some of it", by_queue("*", {"body": of_key({"prefix": "in/"})})),
    loop("by a topic", by_topic("*")),
    guarded("by a topic, told of another suffix", by_topic("*.png", suffix=".jpg")),
    guarded("by a topic whose subscriber wants another prefix", by_topic("out/*", of_key({"prefix": "in/"}))),
    loop("by a topic whose subscriber wants the prefix", by_topic("in/*", of_key({"prefix": "in/"}))),
    loop("by a topic and a queue", by_topic_and_queue("*", is_raw=False)),
    guarded(
        "by a topic and a queue whose reader wants another prefix",
        by_topic_and_queue("out/*", {"body": of_key({"prefix": "in/"})}, is_raw=True),
    ),
    guarded(
        "by a topic and a queue, with the message wrapped where the reader looks for its inside",
        by_topic_and_queue("in/*", {"body": of_key({"prefix": "in/"})}, is_raw=False),
    ),
    loop("by CDK's custom resource", by_custom_resource("*")),
    loop("by CDK's custom resource, below a prefix", by_custom_resource("in/*", prefix="in/")),
    guarded("by CDK's custom resource, below another prefix", by_custom_resource("out/*", prefix="in/")),
    guarded("a denial of everything", told(allow("s3:PutObject", objects()), deny("s3:PutObject", "*"))),
    guarded("a denial of every bucket", told(allow("s3:PutObject", objects()), deny("s3:PutObject", "arn:aws:s3:::*"))),
    loop(
        "a denial of another service",
        told(allow("s3:PutObject", objects()), deny("s3:PutObject", "arn:aws:sqs:*:*:*/*")),
    ),
    risk("buckets that begin alike, and nobody knows how it is named", begins_alike("shop-*/*")),
    risk("buckets that begin alike, as it does", begins_alike("shop-*/*", BucketName="shop-in")),
    silent("buckets that begin otherwise", begins_alike("bank-*/*", BucketName="shop-in")),
    risk(
        "buckets that begin alike, where the star reads some of the key",
        begins_alike("shop-*/out/*", "in/", BucketName="shop-in"),
    ),
    loop("its bucket by name", begins_alike("shop-in/*", BucketName="shop-in")),
    silent("a bucket whose name goes on", begins_alike("shop-in-2/*", BucketName="shop-in")),
    risk(
        "puts elsewhere and copies anywhere",
        told_of(("s3:ObjectCreated:Put", {"prefix": "x/"}), ("s3:ObjectCreated:Copy", {}), keys="a/*"),
    ),
    guarded(
        "by a queue, told of copies, whose reader wants puts",
        by_queue("*", {"body": {"Records": {"eventName": ["ObjectCreated:Put"]}}}, event="s3:ObjectCreated:Copy"),
    ),
    risk(
        "by a queue, told of everything, whose reader wants copies",
        by_queue("*", {"body": {"Records": {"eventName": ["ObjectCreated:Copy"]}}}),
    ),
)
