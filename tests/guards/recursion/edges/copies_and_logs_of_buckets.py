"""What S3 writes by itself: replicas, and logs of who looked at a bucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
"""

from typing import Any

from tests.guards.recursion.parts import Json, Resources, allow, att, bucket, notifying, objects, ref, writer
from tests.guards.recursion.topology import guarded, loop, risk, silent


def replicating(to: str, status: str = "Enabled", prefix: str | None = None) -> Json:
    narrowed = {} if prefix is None else {"Filter": {"Prefix": prefix}}
    rules = [{"Status": status, "Destination": {"Bucket": att(to)}} | narrowed]
    return {"ReplicationConfiguration": {"Role": "arn:aws:iam::111111111111:role/r", "Rules": rules}}


def copied(keys: str = "*", may: str = "s3:PutObject", notified: str | None = None, **replication: Any) -> Resources:
    """It writes into a bucket whose copy tells it."""
    narrowed = {} if notified is None else {"prefix": notified}
    return (
        writer(allow(may, objects(keys)))
        | bucket(**replicating("Copy", **replication))
        | bucket("Copy", NotificationConfiguration=notifying("Lambda", att("Writer"), **narrowed))
    )


def to_and_fro() -> Resources:
    return bucket(**replicating("Copy")) | bucket("Copy", **replicating("Bucket"))


def logging(to: str | None, prefix: str | None = None) -> Json:
    told = ({} if to is None else {"DestinationBucketName": ref(to)}) | (
        {} if prefix is None else {"LogFilePrefix": prefix}
    )
    return {"LoggingConfiguration": told}


def logged(notified: str, prefix: str | None = None) -> Resources:
    """It writes into a bucket, and is told of the logs of that."""
    return (
        writer(allow("s3:PutObject", objects()))
        | bucket(**logging("Logs", prefix))
        | bucket("Logs", NotificationConfiguration=notifying("Lambda", att("Writer"), prefix=notified))
    )


TOPOLOGIES = (
    loop("the copy tells it", copied()),
    guarded("the copy tells it of another prefix", copied("out/*", notified="in/")),
    guarded("only another prefix is copied", copied("out/*", prefix="in/")),
    loop("only its prefix is copied", copied("in/*", prefix="in/")),
    risk("some of it is copied", copied("*", prefix="in/")),
    silent("copying is off", copied(status="Disabled")),
    guarded("it removes, which is not copied", copied(may="s3:DeleteObject")),
    guarded("two buckets copy each other", to_and_fro(), ("Bucket", "Copy")),
    loop("a bucket logs in itself", bucket(**logging("Bucket", "logs/")), ("Bucket",)),
    loop("a bucket logs in itself, as nothing else is said", bucket(**logging(None, "logs/")), ("Bucket",)),
    silent("a bucket logs in another", bucket(**logging("Logs")) | bucket("Logs")),
    loop(
        "two buckets log in each other",
        bucket(**logging("Logs")) | bucket("Logs", **logging("Bucket")),
        ("Bucket", "Logs"),
    ),
    loop("its logs tell it", logged("logs/", "logs/")),
    guarded("its logs are elsewhere", logged("in/", "logs/")),
)
