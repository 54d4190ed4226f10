"""Workflows: what their tasks do, what starts them, and what is told of them.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from typing import Any

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
    objects,
    queue,
    ref,
    resource,
    role,
    rule,
    stream,
    subscribed,
    table,
    task,
    topic,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

START = "states:StartExecution"
SERVICE = "arn:aws:states:::"
NAMED: Json = {"StateMachineName": "shop"}
BY_NAME = "arn:aws:states:eu-west-1:111111111111:stateMachine:shop"
BOTH = ("Machine", "Writer")
ALONE = ("Machine",)


def starter(*statements: Json, on: Any = None, **properties: Any) -> Resources:
    """A function that starts the workflow."""
    return function("Writer", *(statements or (allow(START, ref("Machine") if on is None else on),)), **properties)


def does(resource_arn: str, *statements: Json, **fields: Any) -> Resources:
    """A workflow of one task."""
    return machine(task(resource_arn, **fields), *statements)


def invoking(resource_arn: str, starts: bool = True, **fields: Any) -> Resources:
    """A workflow that invokes the function that starts it, or another."""
    statements = () if starts else (allow("dynamodb:GetItem", "*"),)
    return (
        does(resource_arn, **fields)
        | starter(*statements)
        | {"Alias": resource("AWS::Lambda::Alias", FunctionName=ref("Writer"), FunctionVersion="1", Name="live")}
    )


def started_by_rule(pattern: Json, on: Any = None) -> Resources:
    return rule(ref("Machine"), pattern, on=on)


def puts_object(
    key: Any, prefix: str | None = None, may: str = "*", action: str = "aws-sdk:s3:putObject", **told: Any
) -> Resources:
    """A workflow that writes an object, in a bucket whose events start it."""
    detail: Json = {"bucket": {"name": [ref("Bucket")]}} | ({"object": {"key": [{"prefix": prefix}]}} if prefix else {})
    pattern = {"source": ["aws.s3"], "detail": detail} | told
    parameters = {"Bucket": "${Bucket}", "Body": "-"} | ({"Key": key} if isinstance(key, str) else key)
    return (
        does(SERVICE + action, allow("s3:PutObject", objects(may)), Parameters=parameters)
        | bucket(NotificationConfiguration={"EventBridgeConfiguration": {}})
        | started_by_rule(pattern)
    )


def puts_event(source: str, pattern: Json, **entry: Any) -> Resources:
    told = {"Source": source, "DetailType": "Placed", "Detail": {}, "EventBusName": "${Bus}"} | entry
    entries = [{key: value for key, value in told.items() if value and f"{key}.$" not in told}]
    return (
        does(f"{SERVICE}events:putEvents", allow("events:PutEvents", att("Bus")), Parameters={"Entries": entries})
        | bus()
        | started_by_rule(pattern, on=ref("Bus"))
    )


def puts_events(source: str, **entry: str) -> Resources:
    """Only the execution knows which events it puts; its role lets it put those of one source."""
    told: Json = {"Entries": [entry]} if entry else {"Entries.$": "$.events"}
    may = allow("events:PutEvents", att("Bus"), StringEquals={"events:source": source})
    return (
        does(f"{SERVICE}events:putEvents", may, Parameters=told)
        | bus()
        | started_by_rule({"source": ["orders"]}, on=ref("Bus"))
    )


def told_of_itself(detail: Json, kind: str = "STANDARD", of: Any = None) -> Resources:
    arns = {"stateMachineArn": [ref("Machine") if of is None else of]}
    pattern = {"source": ["aws.states"], "detail": arns | detail}
    passes = {"StartAt": "Do", "States": {"Do": {"Type": "Pass", "End": True}}}
    return machine(passes, StateMachineType=kind) | machine(passes, name="Other") | started_by_rule(pattern)


def by_queue(
    url: Any, read: str = "Queue", action: str = "sqs:sendMessage", query: str = "Parameters", **fields: Any
) -> Resources:
    """A workflow sends to a queue, whose reader starts it."""
    arguments = {query: {"QueueUrl": url, "MessageBody": "-"}}
    return (
        does(SERVICE + action, allow("sqs:SendMessage", att("Queue")), **arguments, **fields)
        | queue()
        | queue("Other")
        | starter()
        | mapping(att(read))
    )


def by_topic(topic_arn: str) -> Resources:
    return (
        does(f"{SERVICE}sns:publish", Parameters={"TopicArn": topic_arn, "Message": "-"})
        | topic()
        | topic("Other")
        | starter()
        | subscribed("lambda", att("Writer"))
    )


def by_table(action: str, *patterns: Json, of: str = "${Table}") -> Resources:
    return (
        does(SERVICE + action, Parameters={"TableName": of})
        | table()
        | starter()
        | mapping(att("Table", "StreamArn"), "Writer", *patterns)
    )


def by_kinesis(name: str) -> Resources:
    return (
        does(f"{SERVICE}aws-sdk:kinesis:putRecord", Parameters={"StreamName": name, "Data": "-"})
        | stream()
        | stream("Other")
        | starter()
        | mapping(att("Stream"))
    )


def by_results(prefix: str | None, notified: str) -> Resources:
    """A distributed map writes its results where the function is told of them."""
    inner = {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}
    narrowed = {} if prefix is None else {"Prefix": prefix}
    writes = {"Resource": f"{SERVICE}s3:putObject", "Parameters": {"Bucket": "${Bucket}"} | narrowed}
    every = {"Type": "Map", "ItemProcessor": inner, "ResultWriter": writes, "End": True}
    return (
        machine({"StartAt": "All", "States": {"All": every}}, allow("s3:PutObject", objects()))
        | bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), prefix=notified))
        | starter()
    )


def nested(inside: Json) -> Json:
    """A task inside of a map inside of a branch."""
    each = {"Type": "Map", "Iterator": inside, "End": True}
    branch = {"StartAt": "Each", "States": {"Each": each}}
    return {"StartAt": "All", "States": {"All": {"Type": "Parallel", "Branches": [branch], "End": True}}}


def two(second_starts: str) -> Resources:
    first, last = (
        task(f"{SERVICE}states:startExecution.sync:2", Parameters={"StateMachineArn": arn})
        for arn in ("${Last}", second_starts)
    )
    return machine(first, name="First") | machine(last, name="Last") | machine(first, name="Third")


def undefined(may: Any) -> Resources:
    """The definition is in a bucket, so that only the role tells what it does."""
    told = resource(
        "AWS::StepFunctions::StateMachine", DefinitionS3Location={"Bucket": "b", "Key": "k"}, RoleArn=att("MachineRole")
    )
    return {"Machine": told, "MachineRole": role(*may, service="states")} | function(
        "Writer", allow(START, ref("Machine"))
    )


CREATED: Json = {"detail-type": ["Object Created"]}
DELETED: Json = {"detail-type": ["Object Deleted"]}
ORDERS: Json = {"source": ["orders"]}


def results_somewhere(may: str) -> Resources:
    """A distributed map writes its results into a bucket that it is told while it runs."""
    inner = {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}
    writes = {"Resource": f"{SERVICE}s3:putObject", "Parameters": {"Bucket.$": "$.bucket", "Prefix.$": "$.prefix"}}
    every = {"Type": "Map", "ItemProcessor": inner, "ResultWriter": writes, "End": True}
    return (
        machine({"StartAt": "All", "States": {"All": every}}, allow("s3:PutObject", objects(f"{may}*")))
        | bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), prefix="in/"))
        | starter()
    )


def logged(read: str) -> Resources:
    """A function reads the log of a workflow, and starts it."""
    logs = {"Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": att("Logs")}}], "Level": "ALL"}
    passes = {"StartAt": "Do", "States": {"Do": {"Type": "Pass", "End": True}}}
    groups = {name: resource("AWS::Logs::LogGroup", LogGroupName=name.lower()) for name in ("Logs", "Other")}
    told = {"LogGroupName": ref(read), "FilterPattern": "", "DestinationArn": att("Writer")}
    subscription = {"Filter": resource("AWS::Logs::SubscriptionFilter", **told)}
    return machine(passes, LoggingConfiguration=logs) | groups | starter() | subscription


def jsonata_bus(source: str) -> Resources:
    """Only the execution knows the bus; the role lets it put events of one source."""
    may = allow("events:PutEvents", att("Bus"), StringEquals={"events:source": source})
    entries = [{"Source": "orders", "DetailType": "Placed", "EventBusName": "{% $bus %}"}]
    does_it = task(f"{SERVICE}events:putEvents", Arguments={"Entries": entries}, QueryLanguage="JSONata")
    return machine(does_it, may) | bus() | started_by_rule({"source": ["orders"]}, on=ref("Bus"))


LATER = {"Key.$": "$.key"}
COPY = "aws-sdk:s3:copyObject"
COPIED, PUT = {"reason": ["CopyObject"]}, {"reason": ["PutObject"]}

TOPOLOGIES = (
    loop(
        "a task invokes who starts it",
        invoking(f"{SERVICE}lambda:invoke", Parameters={"FunctionName": "${Writer}"}),
        BOTH,
    ),
    loop("a task invokes who starts it, by its ARN as the resource", invoking("${Writer.Arn}"), BOTH),
    loop("a task invokes who starts it, by an alias", invoking("${Alias}"), BOTH),
    loop(
        "a task invokes who starts it, and waits for a token",
        invoking(f"{SERVICE}lambda:invoke.waitForTaskToken", Parameters={"FunctionName": "${Writer.Arn}:live"}),
        BOTH,
    ),
    loop(
        "a task invokes who starts it, by the SDK",
        invoking(f"{SERVICE}aws-sdk:lambda:invoke", Parameters={"FunctionName": "${Writer}"}),
        BOTH,
    ),
    loop("a task deep inside invokes who starts it", machine(nested(task("${Writer.Arn}"))) | starter(), BOTH),
    silent("a task invokes who starts nothing", invoking("${Writer.Arn}", starts=False)),
    silent("a task invokes another function", invoking("${Other.Arn}") | function("Other")),
    loop(
        "it starts itself by its name",
        machine(task(f"{SERVICE}states:startExecution", Parameters={"StateMachineArn": BY_NAME}), **NAMED),
        ALONE,
    ),
    silent(
        "it starts another by its name",
        machine(task(f"{SERVICE}states:startExecution", Parameters={"StateMachineArn": f"{BY_NAME}-2"}), **NAMED),
    ),
    loop(
        "it starts itself by what it knows while it runs",
        machine(
            task(f"{SERVICE}aws-sdk:sfn:startExecution", Parameters={"StateMachineArn.$": "$$.StateMachine.Id"}),
            allow(START, BY_NAME),
            **NAMED,
        ),
        ALONE,
    ),
    silent(
        "it starts what it is told, and may not start itself",
        machine(
            task(f"{SERVICE}states:startExecution", Parameters={"StateMachineArn.$": "$.next"}),
            allow(START, f"{BY_NAME}-2"),
            **NAMED,
        ),
    ),
    risk(
        "it starts what it is told, and may start everything",
        machine(
            task(f"{SERVICE}states:startExecution", Parameters={"StateMachineArn.$": "$.next"}),
            allow(START, "*"),
            **NAMED,
        ),
        ALONE,
    ),
    loop("two workflows start each other", two("${First}"), ("First", "Last")),
    silent("two workflows, one the other", two(BY_NAME)),
    loop("it is told when it begins", told_of_itself({"status": ["RUNNING"]}), ALONE),
    loop("it is told when it ends", told_of_itself({"status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]}), ALONE),
    risk("it is told when it fails", told_of_itself({"status": ["FAILED"]}), ALONE),
    loop("it is told of everything of its own", told_of_itself({}), ALONE),
    guarded("it is told of another workflow", told_of_itself({}, of=ref("Other")), ALONE),
    silent("an express workflow, of which nobody is told", told_of_itself({}, "EXPRESS", ref("Machine"))),
    loop("it writes an object that starts it", puts_object("in/a.json", "in/"), ALONE),
    guarded("it writes an object elsewhere", puts_object("out/a.json", "in/"), ALONE),
    guarded(
        "it writes an object elsewhere, though its role may write it here",
        puts_object("out/a.json", "in/", may="in/*"),
        ALONE,
    ),
    loop(
        "it writes an object of a name known later, where its role lets it",
        puts_object({"Key.$": "$.key"}, "in/", may="in/*"),
        ALONE,
    ),
    guarded(
        "it writes an object of a name known later, where its role does not",
        puts_object({"Key.$": "$.key"}, "in/", may="out/*"),
        ALONE,
    ),
    risk(
        "it writes an object of a name known later, anywhere",
        puts_object({"Key.$": "States.Format('out/{}', $.id)"}, "in/"),
        ALONE,
    ),
    loop(
        "it copies an object that starts it",
        puts_object("in/a.json", "in/", action="aws-sdk:s3:copyObject", **CREATED),
        ALONE,
    ),
    guarded(
        "it copies, and is told of what is put",
        puts_object("a", action="aws-sdk:s3:copyObject", detail={"reason": ["PutObject"]}),
        ALONE,
    ),
    loop(
        "it copies, and is told of copies",
        puts_object("a", action="aws-sdk:s3:copyObject", detail={"reason": ["CopyObject"]}),
        ALONE,
    ),
    guarded("it puts, and is told of copies", puts_object("a", detail={"reason": ["CopyObject"]}), ALONE),
    guarded("it writes an object, and is told of removals", puts_object("a", **DELETED), ALONE),
    loop("it puts the event that starts it", puts_event("orders", ORDERS), ALONE),
    guarded("it puts another event", puts_event("billing", ORDERS), ALONE),
    guarded("it puts an event of another type", puts_event("orders", ORDERS | {"detail-type": ["Paid"]}), ALONE),
    loop("it puts events known later, of the source its role lets it", puts_events("orders"), ALONE),
    guarded("it puts events known later, of another source", puts_events("billing"), ALONE),
    loop("it puts events on a bus known later", puts_events("orders", **{"EventBusName.$": "$.bus"}), ALONE),
    risk("it puts an event of a source known later", puts_event("", ORDERS, **{"Source.$": "$.source"}), ALONE),
    silent("it puts an event on another bus", puts_event("orders", ORDERS, EventBusName="default")),
    loop("it sends to a queue whose reader starts it", by_queue("${Queue}"), BOTH),
    silent("it sends to a queue whose reader is another", by_queue("${Queue}", "Other")),
    loop("it sends by the SDK", by_queue("${Queue}", action="aws-sdk:sqs:sendMessage"), BOTH),
    loop("it sends in JSONata", by_queue("${Queue}", query="Arguments", QueryLanguage="JSONata"), BOTH),
    loop(
        "it sends in JSONata, where its role lets it",
        by_queue("{% $states.input.url %}", query="Arguments", QueryLanguage="JSONata"),
        BOTH,
    ),
    silent(
        "it sends in JSONata, where its role lets it, and nobody reads",
        by_queue("{% $states.input.url %}", "Other", query="Arguments", QueryLanguage="JSONata"),
    ),
    loop("it publishes to a topic that runs who starts it", by_topic("${Topic}"), BOTH),
    silent("it publishes to another topic", by_topic("${Other}")),
    loop("it puts an item that runs who starts it", by_table("dynamodb:putItem"), BOTH),
    guarded("it puts an item, and removals start it", by_table("dynamodb:putItem", {"eventName": ["REMOVE"]}), BOTH),
    loop(
        "it deletes an item, and removals start it",
        by_table("aws-sdk:dynamodb:deleteItem", {"eventName": ["REMOVE"]}),
        BOTH,
    ),
    silent("it only gets an item", by_table("dynamodb:getItem")),
    silent("it puts an item into another table", by_table("dynamodb:putItem", of="elsewhere")),
    loop("it puts a record that runs who starts it", by_kinesis("${Stream}"), BOTH),
    silent("it puts a record into another stream", by_kinesis("${Other}")),
    loop("its results run who starts it", by_results("in/", "in/"), BOTH),
    guarded("its results are elsewhere", by_results("out/", "in/"), BOTH),
    loop(
        "its definition is elsewhere, and its role invokes who starts it",
        undefined([allow("lambda:InvokeFunction", att("Writer"))]),
        BOTH,
    ),
    silent("its definition is elsewhere, and its role invokes nobody", undefined([allow("dynamodb:GetItem", "*")])),
    loop("its results are written where only it knows, as its role lets it", results_somewhere("in/"), BOTH),
    guarded("its results are written where only it knows, and its role does not", results_somewhere("out/"), BOTH),
    loop("its log runs who starts it", logged("Logs"), BOTH),
    silent("another log runs who starts it", logged("Other")),
    loop("its results are written anywhere in a bucket, all of which runs who starts it", by_results(None, ""), BOTH),
    risk(
        "its results are written anywhere in a bucket, of which some run who starts it", by_results(None, "in/"), BOTH
    ),
    loop("it puts events on a bus known later, in JSONata", jsonata_bus("orders"), ALONE),
    guarded("it puts events on a bus known later, in JSONata, of another source", jsonata_bus("billing"), ALONE),
    loop(
        "it copies to a name known later, and is told of copies", puts_object(LATER, action=COPY, detail=COPIED), ALONE
    ),
    guarded("it copies to a name known later, and is told of puts", puts_object(LATER, action=COPY, detail=PUT), ALONE),
)
