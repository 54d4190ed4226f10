"""Streams, their readers and consumers, and delivery streams that read them.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
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
    queue,
    resource,
    stream,
    sub,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

PUT = ["kinesis:PutRecord", "kinesis:PutRecords"]


def puts(*patterns: Json, may: Any = PUT, on: Any = None, **mapped: Any) -> Resources:
    target = att("Stream") if on is None else on
    return writer(allow(may, target)) | stream() | mapping(att("Stream"), "Writer", *patterns, **mapped)


def by_consumer(of: str) -> Resources:
    """A consumer has an ARN of its own, by which a mapping names it."""
    consumer = resource("AWS::Kinesis::StreamConsumer", ConsumerName="fast", StreamARN=att(of))
    return (
        writer(allow(PUT, att("Stream")))
        | stream()
        | stream("Other")
        | {"Consumer": consumer}
        | mapping(att("Consumer", "ConsumerARN"))
    )


def failed_batches(to: str) -> Resources:
    """What cannot be processed goes to a queue."""
    destination = {"OnFailure": {"Destination": att(to)}}
    return (
        function("Reader")
        | stream()
        | queue()
        | queue("Other")
        | mapping(att("Stream"), "Reader", DestinationConfig=destination)
        | writer(allow(PUT, att("Stream")))
        | mapping(att("Queue"), "Writer")
    )


def policy(effect: str, *, of_role: bool) -> Resources:
    told = {"Effect": effect, "Principal": {"AWS": att("WriterRole")}, "Action": PUT, "Resource": att("Stream")}
    own = resource("AWS::Kinesis::ResourcePolicy", ResourceArn=att("Stream"), ResourcePolicy={"Statement": [told]})
    allowed = (allow(PUT, att("Stream")),) if of_role else ()
    return writer(*allowed) | stream() | mapping(att("Stream")) | {"StreamPolicy": own}


def failures_in_bucket(prefix: str) -> Resources:
    """What cannot be processed is kept in a bucket, which tells a function that puts into the stream again."""
    destination = {"OnFailure": {"Destination": att("Bucket")}}
    return (
        stream()
        | bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), prefix=prefix))
        | writer(allow(PUT, att("Stream")))
        | function("Reader")
        | mapping(att("Stream"), "Reader", DestinationConfig=destination)
    )


TOPOLOGIES = (
    loop("it puts into the stream it reads", puts()),
    silent("it only reads", puts(may=["kinesis:GetRecords", "kinesis:GetShardIterator"])),
    silent("it puts into another stream", puts(on=att("Other")) | stream("Other")),
    silent("the mapping is off", puts(Enabled="false")),
    risk("it reads some records", puts({"data": {"kind": ["again"]}})),
    risk("it reads the records of some partition", puts({"partitionKey": ["again"]})),
    risk("it puts into every stream", puts(on="*")),
    loop(
        "the stream by an ARN that is put together",
        puts(on=sub("arn:${AWS::Partition}:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${Stream}")),
    ),
    silent(
        "a stream whose name goes on after its own",
        puts(on=sub("arn:aws:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${Stream}-more")),
    ),
    loop("by a consumer of the stream", by_consumer("Stream")),
    silent("by a consumer of another stream", by_consumer("Other")),
    loop("what could not be processed goes back", failed_batches("Queue"), ("Reader", "Writer")),
    silent("what could not be processed is kept", failed_batches("Other")),
    loop("the stream lets its reader in", policy("Allow", of_role=False)),
    guarded("the stream denies what the role allows", policy("Deny", of_role=True)),
    loop(
        "what could not be processed is kept in a bucket that tells it",
        failures_in_bucket("aws/lambda/"),
        ("Reader", "Writer"),
    ),
    guarded(
        "what could not be processed is kept in a bucket that tells it of others",
        failures_in_bucket("in/"),
        ("Reader", "Writer"),
    ),
)
