"""What a task says counts, and not what else its role may: one call of one service, to one place.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bucket,
    bus,
    function,
    machine,
    mapping,
    notifying,
    queue,
    ref,
    rule,
    stream,
    subscribed,
    table,
    task,
    topic,
)
from tests.guards.recursion.topology import guarded, loop, silent

BOTH = ("Machine", "Writer")
SDK = "arn:aws:states:::aws-sdk:"


def calls(action: str, parameters: Json, places: Resources) -> Resources:
    """A workflow whose role may do everything; who is run by what it does starts it."""
    starter = function("Writer", allow("states:StartExecution", ref("Machine")))
    return machine(task(action, Parameters=parameters), allow("*", "*")) | starter | places


def read(name: str) -> Resources:
    return queue() | queue("Other") | mapping(att(name))


def uploads(action: str, event: str, **parameters: str) -> Resources:
    told = notifying("Lambda", att("Writer"), f"s3:{event}", prefix="in/")
    return calls(f"{SDK}s3:{action}", {"Bucket": "${Bucket}"} | parameters, bucket(NotificationConfiguration=told))


def events(source: str) -> Resources:
    entries = [{"EventBusName": "${Bus}", "Source": source, "DetailType": "Placed", "Detail": "{}"}]
    wanted = rule(att("Writer"), {"source": ["orders"]}, on=ref("Bus"))
    return calls(f"{SDK}eventbridge:putEvents", {"Entries": entries}, bus() | wanted)


def records(name: str) -> Resources:
    return calls(f"{SDK}kinesis:putRecord", {"StreamName": name}, stream() | stream("Other") | mapping(att("Stream")))


def published(arn: str) -> Resources:
    topics = topic() | topic("Other") | subscribed("lambda", att("Writer"))
    return calls(f"{SDK}sns:publish", {"TopicArn": arn, "Message": "-"}, topics)


def changed(action: str, name: str) -> Resources:
    wanted = mapping(att("Table", "StreamArn"), "Writer", {"eventName": ["REMOVE"]})
    return calls(f"{SDK}dynamodb:{action}", {"TableName": name}, table() | table("Other") | wanted)


def default_events(source: str) -> Resources:
    entries = [{"Source": source, "DetailType": "Placed", "Detail": "{}"}]
    wanted = rule(att("Writer"), {"source": ["orders"]})
    return calls("arn:aws:states:::events:putEvents", {"Entries": entries}, wanted)


TOPOLOGIES = (
    loop("a message", calls(f"{SDK}sqs:sendMessage", {"QueueUrl": "${Queue}"}, read("Queue")), BOTH),
    silent("a message elsewhere", calls(f"{SDK}sqs:sendMessage", {"QueueUrl": "${Queue}"}, read("Other"))),
    loop("a batch of messages", calls(f"{SDK}sqs:sendMessageBatch", {"QueueUrl": "${Queue}"}, read("Queue")), BOTH),
    loop("a publication", published("${Topic}"), BOTH),
    silent("a publication elsewhere", published("${Other}")),
    loop("a record", records("${Stream}"), BOTH),
    silent("a record elsewhere", records("${Other}")),
    loop("an event", events("orders"), BOTH),
    guarded("an event of another source", events("billing"), BOTH),
    loop("an object", uploads("putObject", "ObjectCreated:*", Key="in/a"), BOTH),
    guarded("an object elsewhere", uploads("putObject", "ObjectCreated:*", Key="out/a"), BOTH),
    guarded(
        "an object put, where uploads in parts are told",
        uploads("putObject", "ObjectCreated:CompleteMultipartUpload", Key="in/a"),
        BOTH,
    ),
    loop(
        "an upload in parts",
        uploads("completeMultipartUpload", "ObjectCreated:CompleteMultipartUpload", Key="in/a"),
        BOTH,
    ),
    guarded(
        "an upload in parts, where puts are told",
        uploads("completeMultipartUpload", "ObjectCreated:Put", Key="in/a"),
        BOTH,
    ),
    loop("a copy", uploads("copyObject", "ObjectCreated:Copy", Key="in/a"), BOTH),
    loop("a removal", uploads("deleteObject", "ObjectRemoved:*", Key="in/a"), BOTH),
    guarded("a removal, where creations are told", uploads("deleteObject", "ObjectCreated:*", Key="in/a"), BOTH),
    loop("a deleted item", changed("deleteItem", "${Table}"), BOTH),
    guarded("an item that is put", changed("putItem", "${Table}"), BOTH),
    silent("a deleted item elsewhere", changed("deleteItem", "${Other}")),
    loop("an event on the default bus", default_events("orders"), BOTH),
    guarded("an event of another source on the default bus", default_events("billing"), BOTH),
)
