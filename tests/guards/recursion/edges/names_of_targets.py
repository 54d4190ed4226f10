"""One thing by each of the names that AWS takes for it: ARNs whole and in part, names, aliases and versions, URLs.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bus,
    function,
    machine,
    mapping,
    queue,
    ref,
    resource,
    rule,
    sub,
    subscribed,
    task,
    topic,
    writer,
)
from tests.guards.recursion.topology import loop, silent

NAMED: Json = {"FunctionName": "shop-writer"}
ARN = "arn:aws:lambda:eu-west-1:111111111111:function:shop-writer"
BOTH = ("Machine", "Writer")
EVERY: Json = {"source": [{"prefix": ""}]}


def read_by(name: Any) -> Resources:
    """A queue that a function reads, which the mapping calls so; it sends to the queue."""
    told = resource("AWS::Lambda::EventSourceMapping", EventSourceArn=att("Queue"), FunctionName=name)
    alias = resource("AWS::Lambda::Alias", FunctionName=ref("Writer"), FunctionVersion="1", Name="live")
    return writer(allow("sqs:SendMessage", att("Queue")), **NAMED) | queue() | {"Mapping": told, "Alias": alias}


def invoked_as(name: str) -> Resources:
    """A workflow that invokes the function that starts it, by such a name."""
    called = task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": name})
    return machine(called) | function("Writer", allow("states:StartExecution", ref("Machine")), **NAMED)


def started_as(arn: Any) -> Resources:
    """A workflow that a function may start by such an ARN; it invokes the function."""
    alias = resource("AWS::StepFunctions::StateMachineAlias", Name="live", RoutingConfiguration=[])
    version = resource("AWS::StepFunctions::StateMachineVersion", StateMachineArn=ref("Machine"))
    return (
        machine(task("${Writer.Arn}"))
        | function("Writer", allow("states:StartExecution", arn))
        | {"Alias": alias, "Version": version}
    )


def on_bus(name: Any, put: Any) -> Resources:
    return writer(allow("events:PutEvents", put)) | bus() | rule(att("Writer"), EVERY, on=name)


def subscribed_alias(of: str) -> Resources:
    alias = resource("AWS::Lambda::Alias", FunctionName=ref(of), FunctionVersion="1", Name="live")
    return (
        writer(allow("sns:Publish", ref("Topic")))
        | function("Other")
        | {"Alias": alias}
        | topic()
        | subscribed("lambda", ref("Alias"))
    )


def by_url(url: Any) -> Resources:
    """A workflow that sends to a queue by its URL, whose reader starts the workflow."""
    sends = task("arn:aws:states:::sqs:sendMessage", Parameters={"QueueUrl": url, "MessageBody": "-"})
    return (
        machine(sends)
        | queue(QueueName="jobs")
        | function("Writer", allow("states:StartExecution", ref("Machine")))
        | mapping(att("Queue"))
    )


FAR = "arn:aws:sqs:{region}:{account}:jobs"
HERE, ABROAD, OTHERS = (
    FAR.format(region=region, account=account)
    for region, account in (("eu-west-1", "1" * 12), ("eu-west-2", "1" * 12), ("eu-west-1", "2" * 12))
)


def outside(sends_to: Any, reads: Any) -> Resources:
    """Queues that no template defines."""
    return writer(allow("sqs:SendMessage", sends_to)) | mapping(reads)


TOPOLOGIES = (
    loop("a queue that no template defines", outside(HERE, HERE)),
    silent("a queue of the same name in another region", outside(ABROAD, HERE)),
    silent("a queue of the same name in another account", outside(OTHERS, HERE)),
    loop(
        "a queue of the same name in a region that is not told",
        outside(sub("arn:aws:sqs:${AWS::Region}:" + "1" * 12 + ":jobs"), HERE),
    ),
    loop(
        "a queue of which only the writer tells the account",
        outside(OTHERS, sub("arn:aws:sqs:eu-west-1:${AWS::AccountId}:jobs")),
    ),
    silent(
        "two queues of the same name, and it reads the other one",
        outside(HERE, ABROAD) | function("Other") | mapping(HERE, "Other"),
    ),
    loop(
        "two queues of the same name, and it reads its own",
        outside(HERE, HERE) | function("Other") | mapping(ABROAD, "Other"),
    ),
    loop("a mapping to a name", read_by("shop-writer")),
    loop("a mapping to a reference", read_by(ref("Writer"))),
    loop("a mapping to an ARN", read_by(ARN)),
    loop("a mapping to an ARN with an alias", read_by(f"{ARN}:live")),
    loop("a mapping to an alias", read_by(ref("Alias"))),
    loop("a mapping to a name with an alias", read_by("shop-writer:live")),
    loop("a mapping to a part of an ARN", read_by("111111111111:function:shop-writer")),
    loop("a mapping to a part of an ARN with an alias", read_by("111111111111:function:shop-writer:live")),
    silent("a mapping to another name", read_by("shop-writer-2")),
    silent("a mapping to another name in a part of an ARN", read_by("111111111111:function:shop-writer-2")),
    loop("a task that invokes a name", invoked_as("shop-writer"), BOTH),
    loop("a task that invokes a name with a version", invoked_as("shop-writer:7"), BOTH),
    loop("a task that invokes a part of an ARN", invoked_as("111111111111:function:shop-writer"), BOTH),
    silent("a task that invokes another name", invoked_as("bank-writer")),
    loop("a workflow by its ARN", started_as(ref("Machine")), BOTH),
    loop(
        "a workflow by its name",
        started_as(sub("arn:aws:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${Machine.Name}")),
        BOTH,
    ),
    loop("a workflow by every alias", started_as(sub("${Machine}:*")), BOTH),
    loop("a workflow by its version", started_as(ref("Version")), BOTH),
    silent(
        "a workflow by another name",
        started_as(sub("arn:aws:states:*:${AWS::AccountId}:stateMachine:${Machine.Name}-2")),
    ),
    loop("a bus by its name", on_bus("bus", att("Bus"))),
    loop("a bus by its ARN", on_bus(att("Bus"), att("Bus"))),
    silent("a bus by another name", on_bus("bus-2", att("Bus"))),
    loop("a subscription of an alias", subscribed_alias("Writer")),
    silent("a subscription of another function's alias", subscribed_alias("Other")),
    loop("a queue by its URL", by_url("${Queue}"), BOTH),
    loop(
        "a queue by a URL that is put together",
        by_url("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/jobs"),
        BOTH,
    ),
    silent("a queue by another URL", by_url("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/others")),
)
