"""What becomes of asynchronous invocations: destinations and dead letters.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Resources,
    att,
    bucket,
    bus,
    function,
    mapping,
    notifying,
    queue,
    ref,
    resource,
    rule,
    subscribed,
    topic,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, silent


def reports(to: Any, when: str = "OnSuccess", of: str = "Writer") -> Resources:
    destination = {when: {"Destination": to}}
    told = {"FunctionName": ref(of), "Qualifier": "$LATEST", "DestinationConfig": destination}
    return {f"{of}Invoke": resource("AWS::Lambda::EventInvokeConfig", **told)}


def on_bus(pattern: Any, when: str = "OnSuccess") -> Resources:
    return writer() | bus() | reports(att("Bus"), when) | rule(att("Writer"), pattern, on=ref("Bus"))


def in_bucket(**keys: str) -> Resources:
    """Failures are kept as objects, below `aws/lambda/async/`."""
    told = bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), **keys))
    return writer() | told | reports(att("Bucket"), "OnFailure")


def dead_letters(target: Any) -> Resources:
    return writer(DeadLetterConfig={"TargetArn": target}) | topic() | subscribed("lambda", att("Writer"))


def two(back: str) -> Resources:
    first = function("First") | function("Last") | function("Other")
    return first | reports(att("Last"), of="First") | reports(att(back), of="Last")


SUCCESS = "Lambda Function Invocation Result - Success"
FAILURE = "Lambda Function Invocation Result - Failure"

TOPOLOGIES = (
    loop("two functions report to each other", two("First"), ("First", "Last")),
    silent("two functions report on", two("Other")),
    loop(
        "a topic tells it of its successes",
        writer() | topic() | reports(ref("Topic")) | subscribed("lambda", att("Writer")),
    ),
    loop(
        "a topic tells it of its failures",
        writer() | topic() | reports(ref("Topic"), "OnFailure") | subscribed("lambda", att("Writer")),
    ),
    guarded(
        "a queue tells it of its successes, and waits for it",
        writer() | queue() | reports(att("Queue")) | mapping(att("Queue")),
    ),
    silent(
        "a queue that nobody reads", writer() | queue() | queue("Other") | reports(att("Queue")) | mapping(att("Other"))
    ),
    loop("a bus tells it of its successes", on_bus({"source": ["lambda"]})),
    loop("a bus tells it of its successes by their type", on_bus({"detail-type": [SUCCESS]})),
    guarded(
        "a bus tells it of failures, and it reports successes",
        on_bus({"detail-type": ["Lambda Function Invocation Result - Failure"]}),
    ),
    guarded("a bus tells it of something else", on_bus({"source": ["orders"]})),
    loop("a bucket tells it of its failures", in_bucket()),
    loop("a bucket tells it of its failures, below where they are", in_bucket(prefix="aws/lambda/")),
    guarded("a bucket tells it of objects elsewhere", in_bucket(prefix="uploads/")),
    loop("a topic gets its dead letters", dead_letters(ref("Topic"))),
    silent("another topic gets its dead letters", dead_letters(ref("Other")) | topic("Other")),
    guarded(
        "a queue gets its dead letters, and waits for it",
        writer(DeadLetterConfig={"TargetArn": att("Queue")}) | queue() | mapping(att("Queue")),
    ),
    loop("a bus tells it of failures, by their type", on_bus({"detail-type": [FAILURE]}, "OnFailure")),
    guarded("a bus tells it of successes, and it reports failures", on_bus({"detail-type": [SUCCESS]}, "OnFailure")),
)
