"""Pipes: what stock leaves in the source, and what arrives at the target."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.local.runtime.deployed import REGION, App
from tests.local.runtime.functions import zip_of
from tests.local.runtime.test_gaps_filters import Inbox

ACCOUNT = "000000000000"
FUNCTION = """
exports.handler = async (event) => {
  if (process.env.ROLE_OF === "enrichment") return event.map((each) => ({...each, extra: "rich"}));
  const failed = event.filter((each) => each.body === "fail");
  console.log("seen", JSON.stringify(event.map((each) => each.body)));
  return {batchItemFailures: failed.map((each) => ({itemIdentifier: each.messageId}))};
};
"""


class Pipes:
    """Makes pipes of one embedded AWS, each with a role that may do what it says."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.pipes, self.iam = app.aws.client("pipes"), app.aws.client("iam")

    def role(self, *statements: tuple[str | list[str], str], service: str = "pipes.amazonaws.com") -> str:
        name = f"pipe-{time.monotonic_ns()}"
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
        arn: str = self.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
        allowed = [{"Effect": "Allow", "Action": action, "Resource": arn} for action, arn in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        self.iam.put_role_policy(RoleName=name, PolicyName="pipe", PolicyDocument=document)
        return arn

    def pipe(self, source: str, target: str, role: str, **more: Any) -> str:
        name = f"pipe-{time.monotonic_ns()}"
        self.pipes.create_pipe(Name=name, Source=source, Target=target, RoleArn=role, **more)
        return name

    def between(self, source: str, target: str, **more: Any) -> str:
        """A pipe whose role may read the source and do everything with the target."""
        reading = {"sqs": "sqs:*", "dynamodb": "dynamodb:*", "kinesis": "kinesis:*"}[source.split(":")[2]]
        writing = {"sqs": "sqs:*", "lambda": "lambda:*", "states": "states:*", "events": "events:*"}
        allowed = [(reading, source), (writing[target.split(":")[2]], target)]
        if "Enrichment" in more:
            allowed.append(("lambda:*", more["Enrichment"]))
        return self.pipe(source, target, self.role(*allowed), **more)

    def send(self, inbox: Inbox, *bodies: str) -> None:
        for body in bodies:
            inbox.sqs.send_message(QueueUrl=inbox.url, MessageBody=body)

    def function(self, part: str) -> str:
        functions, name = self.app.aws.client("lambda"), f"pipe-{part}-{time.monotonic_ns()}"
        logs = self.role((["logs:*"], "*"), service="lambda.amazonaws.com")
        made = functions.create_function(
            FunctionName=name,
            Runtime="nodejs22.x",
            Handler="index.handler",
            Role=logs,
            Code={"ZipFile": zip_of({"index.js": FUNCTION})},
            Environment={"Variables": {"ROLE_OF": part}},
        )
        arn: str = made["FunctionArn"]
        return arn


@pytest.fixture(scope="module")
def pipes(mended: App) -> Pipes:
    return Pipes(mended)


class TestPipes:
    def test_take_messages_of_a_queue_to_another(self, stock: App, pipes: Pipes) -> None:
        def moved(here: Pipes) -> list[str]:
            source, target = Inbox(here.app, "from"), Inbox(here.app, "to")
            here.between(source.arn, target.arn)
            here.send(source, "one")
            return target.bodies()

        assert moved(Pipes(stock)) == []
        [record] = moved(pipes)
        told = json.loads(record)
        assert (told["body"], told["eventSource"]) == ("one", "aws:sqs")
        assert told["eventSourceARN"].startswith(f"arn:aws:sqs:{REGION}:{ACCOUNT}:from-")

    def test_drop_what_no_pattern_of_theirs_matches(self, pipes: Pipes) -> None:
        source, target = Inbox(pipes.app, "from"), Inbox(pipes.app, "to")
        filters = {"FilterCriteria": {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["order"]}})}]}}
        template = {"InputTemplate": '{"id": <$.body.id>, "by": "<aws.pipes.pipe-name>", "first": <$.body.items[0]>}'}
        name = pipes.between(source.arn, target.arn, SourceParameters=filters, TargetParameters=template)
        pipes.send(source, '{"kind": "other"}', '{"kind": "order", "id": 7, "items": ["x"]}', "no json")
        assert [json.loads(each) for each in target.bodies()] == [{"id": 7, "by": name, "first": "x"}]
        assert pipes.pipes.describe_pipe(Name=name)["SourceParameters"] == filters
        attributes = source.sqs.get_queue_attributes(QueueUrl=source.url, AttributeNames=["All"])["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "0"

    def test_hand_batches_to_a_function_and_keep_what_it_failed_on(self, pipes: Pipes) -> None:
        source, function = Inbox(pipes.app, "from"), pipes.function("target")
        pipes.between(source.arn, function)
        pipes.send(source, "good", "fail")
        group = f"/aws/lambda/{function.rpartition(':')[2]}"
        counts: list[str] = []
        until = time.monotonic() + 90
        while time.monotonic() < until:
            attributes = source.sqs.get_queue_attributes(QueueUrl=source.url, AttributeNames=["All"])["Attributes"]
            seen = [each for each in self.lines(pipes, group) if "seen" in each]
            counts = [attributes[f"ApproximateNumberOfMessages{each}"] for each in ("", "NotVisible")]
            if any("fail" in each for each in seen) and counts == ["0", "1"]:
                break  # the good one has gone meanwhile, the other one waits for its next try
            time.sleep(0.05)
        assert counts == ["0", "1"]

    def lines(self, pipes: Pipes, group: str) -> list[str]:
        logs = pipes.app.aws.client("logs")
        try:
            return [each["message"] for each in logs.filter_log_events(logGroupName=group)["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    def test_read_changes_of_a_table_and_enrich_them(self, pipes: Pipes) -> None:
        tables, name = pipes.app.aws.client("dynamodb"), f"piped-{time.monotonic_ns()}"
        stream = tables.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )["TableDescription"]["LatestStreamArn"]
        target, told = Inbox(pipes.app, "to"), {"DynamoDBStreamParameters": {"StartingPosition": "LATEST"}}
        enrichment = pipes.function("enrichment")
        template = {"InputTemplate": '{"id": <$.dynamodb.Keys.id.S>, "extra": <$.extra>}'}
        pipes.between(stream, target.arn, SourceParameters=told, Enrichment=enrichment, TargetParameters=template)
        tables.put_item(TableName=name, Item={"id": {"S": "ada"}})
        assert [json.loads(each) for each in target.bodies()] == [{"id": "ada", "extra": "rich"}]

    def test_read_a_kinesis_stream_for_a_bus(self, pipes: Pipes) -> None:
        kinesis, events, name = (
            pipes.app.aws.client("kinesis"),
            pipes.app.aws.client("events"),
            f"k-{time.monotonic_ns()}",
        )
        kinesis.create_stream(StreamName=name, ShardCount=2)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
        stream = kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]
        bus = events.create_event_bus(Name=name)["EventBusArn"]
        inbox = Inbox(pipes.app, "bus")
        events.put_rule(
            Name=name, EventBusName=name, EventPattern=json.dumps({"detail": {"n": [{"numeric": [">", 1]}]}})
        )
        events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": inbox.arn}])
        told = {
            "KinesisStreamParameters": {"StartingPosition": "TRIM_HORIZON"},
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"data": {"n": [1, 2, 3]}})}]},
        }
        target = {
            "EventBridgeEventBusParameters": {"Source": "shop", "DetailType": "$.data.kind"},
            "InputTemplate": '{"n": <$.data.n>}',
        }
        for number in (1, 2, 9):
            data = json.dumps({"n": number, "kind": "Sold"}).encode()
            kinesis.put_record(StreamName=name, Data=data, PartitionKey=str(number))
        pipes.between(stream, bus, SourceParameters=told, TargetParameters=target)
        [body] = inbox.bodies()
        event = json.loads(body)
        assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "Sold", {"n": 2})

    def test_start_workflows_with_an_array(self, pipes: Pipes) -> None:
        states, source = pipes.app.aws.client("stepfunctions"), Inbox(pipes.app, "from")
        definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
        trusted = pipes.role((["logs:*"], "*"), service="states.amazonaws.com")
        machine = states.create_state_machine(name=source.name, definition=json.dumps(definition), roleArn=trusted)[
            "stateMachineArn"
        ]
        told = {"StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"}}
        pipes.between(source.arn, machine, TargetParameters={**told, "InputTemplate": "<$.body>"})
        pipes.send(source, '{"n": 1}')
        until = time.monotonic() + 90
        found: list[Any] = []
        while not found and time.monotonic() < until:
            time.sleep(0.05)
            found = states.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"]
        assert json.loads(states.describe_execution(executionArn=found[0]["executionArn"])["input"]) == [{"n": 1}]

    def test_do_nothing_their_role_may_not(self, pipes: Pipes) -> None:
        source, target = Inbox(pipes.app, "from"), Inbox(pipes.app, "to")
        pipes.send(source, "one")
        unread = pipes.pipe(source.arn, target.arn, pipes.role(("sqs:SendMessage", target.arn)))
        until = time.monotonic() + 90
        reason = ""
        while not reason and time.monotonic() < until:
            time.sleep(0.05)
            reason = pipes.pipes.describe_pipe(Name=unread).get("StateReason", "")
        assert f"is not authorized to perform: sqs:receivemessage on resource: {source.arn}" in reason
        pipes.pipes.delete_pipe(Name=unread)
        target.sqs.set_queue_attributes(QueueUrl=target.url, Attributes={"Policy": ""})
        reading = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        pipes.pipe(source.arn, target.arn, pipes.role((reading, source.arn)))
        while time.monotonic() < until:
            attributes = source.sqs.get_queue_attributes(QueueUrl=source.url, AttributeNames=["All"])["Attributes"]
            if attributes["ApproximateNumberOfMessagesNotVisible"] == "1":
                break
            time.sleep(0.05)
        assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
        assert "Messages" not in target.sqs.receive_message(QueueUrl=target.url)

    def test_are_deployed_with_all_they_say(self, pipes: Pipes) -> None:
        source, target = Inbox(pipes.app, "from"), Inbox(pipes.app, "to")
        role = pipes.role(("sqs:*", source.arn), ("sqs:*", target.arn))
        stack = f"Piped{time.monotonic_ns()}"

        def declared(template: str) -> dict[str, Any]:
            properties = {
                "Source": source.arn,
                "Target": target.arn,
                "RoleArn": role,
                "SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"n": [1]}}'}]}},
                "TargetParameters": {"InputTemplate": template},
            }
            return {"Resources": {"Pipe": {"Type": "AWS::Pipes::Pipe", "Properties": properties}}}

        pipes.app.aws.deploy(stack, declared('"first <$.body.n>"'))
        pipes.send(source, '{"n": 2}', '{"n": 1}')
        assert target.bodies() == ['"first 1"']
        pipes.app.aws.deploy(stack, declared('"second <$.body.n>"'))
        pipes.send(source, '{"n": 1}')
        assert target.bodies() == ['"second 1"']
        assert pipes.app.aws.remove(stack) == ""
