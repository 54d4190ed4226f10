"""Delivery streams: what they write, and who changes their records on the way.

https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bucket,
    function,
    notifying,
    ref,
    resource,
    stream,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

PUT = ["firehose:PutRecord", "firehose:PutRecordBatch"]


def delivery(source: Json | None = None, **destination: Any) -> Resources:
    told = {"BucketARN": att("Bucket"), "RoleARN": "arn:aws:iam::111111111111:role/r"} | destination
    read = {} if source is None else {"KinesisStreamSourceConfiguration": {"KinesisStreamARN": source}}
    made = resource("AWS::KinesisFirehose::DeliveryStream", ExtendedS3DestinationConfiguration=told, **read)
    return {"Delivery": made}


def changed_by(function_name: str) -> Json:
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": att(function_name)}]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]}


def delivered(may: Any = PUT, prefix: str | None = None, **destination: Any) -> Resources:
    """A function that puts records, and is told of the objects that are made of them."""
    keys = {} if prefix is None else {"prefix": prefix}
    return (
        writer(allow(may, att("Delivery")))
        | bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), **keys))
        | delivery(**destination)
    )


def by_stream(to: str) -> Resources:
    return (
        writer(allow("kinesis:PutRecord", att(to)))
        | stream()
        | stream("Other")
        | bucket(NotificationConfiguration=notifying("Lambda", att("Writer")))
        | delivery(att("Stream"))
    )


def transformed(function_name: str) -> Resources:
    """A function changes records, and another, or the same, puts some."""
    return (
        writer(allow(PUT, att("Delivery")))
        | function("Other")
        | bucket()
        | delivery(ProcessingConfiguration=changed_by(function_name))
    )


def backed_up(prefix: str) -> Resources:
    backup = {"BucketARN": att("Backup"), "Prefix": "raw/", "RoleARN": "arn:aws:iam::111111111111:role/r"}
    return (
        writer(allow(PUT, att("Delivery")))
        | bucket()
        | bucket("Backup", NotificationConfiguration=notifying("Lambda", att("Writer"), prefix=prefix))
        | delivery(S3BackupMode="Enabled", S3BackupConfiguration=backup)
    )


def elsewhere() -> Resources:
    return (
        writer(allow(PUT, att("Other")))
        | delivery()
        | bucket(NotificationConfiguration=notifying("Lambda", att("Writer")))
        | {"Other": resource("AWS::KinesisFirehose::DeliveryStream", DeliveryStreamName="other")}
    )


def subscribed_topic(attributes: Json) -> Resources:
    told = {"TopicArn": ref("Topic"), "Protocol": "firehose", "Endpoint": att("Delivery")} | attributes
    return (
        writer(allow("sns:Publish", ref("Topic")))
        | {"Topic": resource("AWS::SNS::Topic"), "Subscription": resource("AWS::SNS::Subscription", **told)}
        | delivery()
        | bucket(NotificationConfiguration=notifying("Lambda", att("Writer")))
    )


TOPOLOGIES = (
    loop("its records become objects that run it", delivered()),
    silent("it only looks at the delivery stream", delivered(may="firehose:DescribeDeliveryStream")),
    silent("it puts into another delivery stream", elsewhere()),
    loop("below the prefix it is told of", delivered(prefix="raw/", Prefix="raw/")),
    guarded("below another prefix", delivered(prefix="done/", Prefix="raw/")),
    loop(
        "below a prefix with dates in it",
        delivered(prefix="raw/", Prefix="raw/!{timestamp:yyyy}/", ErrorOutputPrefix="raw/errors/"),
    ),
    risk(
        "below the prefix only when something fails",
        delivered(prefix="errors/", Prefix="raw/", ErrorOutputPrefix="errors/"),
    ),
    loop("by a Kinesis stream", by_stream("Stream")),
    silent("by another Kinesis stream", by_stream("Other")),
    loop("it changes the records that it puts", transformed("Writer")),
    silent("another changes the records that it puts", transformed("Other")),
    loop("its backup runs it", backed_up("raw/")),
    guarded("its backup is elsewhere", backed_up("done/")),
    loop("by a topic", subscribed_topic({})),
    risk("by a topic, some of it", subscribed_topic({"FilterPolicy": {"kind": ["again"]}})),
    risk("below the beginning of a date", delivered(prefix="raw/2", Prefix="raw/!{timestamp:yyyy}/")),
    guarded(
        "below another prefix than one with dates in it", delivered(prefix="done/", Prefix="raw/!{timestamp:yyyy}/")
    ),
)
