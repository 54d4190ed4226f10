"""The asynchronous constructs on the embedded AWS, with IAM enforced: what arrives, what comes back, what is dead."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from botocore.exceptions import ClientError

from constructs_lib.local import LocalAws
from tests.end_to_end.events_app import Events, heard, messages, records, resource, until

QUEUE, TABLE, TOPIC = "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::SNS::Topic"
BUS, MACHINE, BUCKET = "AWS::Events::EventBus", "AWS::StepFunctions::StateMachine", "AWS::S3::Bucket"
FULFIL_LOGS = "/aws/vendedlogs/states/Events/Fulfil"


@pytest.fixture(scope="module")
def aws(synthesize: Callable[[Callable[[cdk.App], object]], Path]) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(synthesize(Events)) as running:
        yield running


@pytest.fixture
def name() -> str:
    """Text that no other test says."""
    return str(uuid.uuid4())


class TestQueueWorker:
    def test_handles_good_messages_once_and_buries_the_poison(self, aws: LocalAws, name: str) -> None:
        sqs, url = aws.client("sqs"), resource(aws, QUEUE, "Impatient/Queue")
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"first": "call"}))
        until(lambda: records(aws, "Impatient/Function", holding="first"))  # what follows meets no cold start
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})  # not to wait six timeouts
        for order in ("work", "report"):
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"do": order, "of": name}))
        dead = until(lambda: messages(aws, resource(aws, QUEUE, "Impatient/DeadLetters")))
        assert [json.loads(each["Body"])["do"] for each in dead] == ["report"]
        got = records(aws, "Impatient/Function", holding=name)
        orders = sorted(json.loads(each["body"])["do"] for each in got)
        assert orders == ["report", "report", "work"]

    def test_lets_nothing_die_with_the_poison_it_waits_for(self, aws: LocalAws, name: str) -> None:
        sqs, url = aws.client("sqs"), resource(aws, QUEUE, "Ordered/Queue")

        def send(order: str, **more: str) -> None:
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"do": order, **more}), MessageGroupId=name)

        send("work", first="call")
        until(lambda: records(aws, "Ordered/Function", holding="first"))  # what follows meets no cold start
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
        for order, place in (("work", "before"), ("report", "poison"), ("work", "after"), ("work", "last")):
            send(order, of=name, place=place)

        def places() -> list[str]:
            got = records(aws, "Ordered/Function", holding=name)
            bodies = [json.loads(each["body"]) for each in got]
            return [body["place"] for body in bodies if "place" in body]

        wanted = ["before", "poison", "poison", "after", "last"]
        assert until(places, is_right=lambda found: len(found) >= len(wanted)) == wanted
        dead = until(lambda: messages(aws, resource(aws, QUEUE, "Ordered/DeadLetters")))
        assert [json.loads(each["Body"])["place"] for each in dead] == ["poison"]


class TestTopic:
    def test_delivers_to_whom_the_filter_says(self, aws: LocalAws, name: str) -> None:
        topic, sns = resource(aws, TOPIC, "Topic"), aws.client("sns")
        for kind in ("card", "gift"):
            attributes = {"kind": {"DataType": "String", "StringValue": kind}}
            sns.publish(TopicArn=topic, Message=json.dumps({"id": name, "kind": kind}), MessageAttributes=attributes)
        got = until(lambda: records(aws, "Worker/Function", holding=name))
        assert [json.loads(each["body"])["kind"] for each in got] == ["gift"]
        got = until(lambda: heard(aws, "Listener", holding=name), is_right=lambda found: len(found) == 2)
        assert sorted(json.loads(each["Records"][0]["Sns"]["Message"])["kind"] for each in got) == ["card", "gift"]

    def test_another_topic_is_not_let_in(self, aws: LocalAws, name: str) -> None:
        sns, sqs = aws.client("sns"), aws.client("sqs")
        url = resource(aws, QUEUE, "Worker/Queue")
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        other = sns.create_topic(Name="other")["TopicArn"]
        sns.subscribe(TopicArn=other, Protocol="sqs", Endpoint=arn)
        sns.publish(TopicArn=other, Message=name)
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"after": name}))
        got = until(lambda: records(aws, "Worker/Function", holding=name))
        assert [json.loads(each["body"]) for each in got] == [{"after": name}]


class TestEventBus:
    def test_delivers_what_matches_to_queue_and_function(self, aws: LocalAws, name: str) -> None:
        bus = resource(aws, BUS, "Bus")
        for source in ("payments", "orders"):
            entry = {
                "EventBusName": bus,
                "Source": source,
                "DetailType": "placed",
                "Detail": json.dumps({"id": name, "from": source}),
            }
            aws.client("events").put_events(Entries=[entry])
        got = until(lambda: records(aws, "Worker/Function", holding=name))
        assert [json.loads(each["body"]) for each in got] == [{"id": name, "from": "orders"}]
        [whole] = until(lambda: heard(aws, "Listener", holding=name))
        assert (whole["source"], whole["detail"]["id"]) == ("orders", name)

    def test_plays_its_archive_again(self, aws: LocalAws, name: str) -> None:
        events, bus = aws.client("events"), resource(aws, BUS, "Bus")
        detail = json.dumps({"id": name})
        entry = {"EventBusName": bus, "Source": "orders", "DetailType": "placed", "Detail": detail}
        events.put_events(Entries=[entry])
        until(lambda: heard(aws, "Listener", holding=name))
        [archive] = events.list_archives()["Archives"]
        now = datetime.datetime.now(datetime.UTC)
        events.start_replay(
            ReplayName=f"again-{name}",
            EventSourceArn=events.describe_archive(ArchiveName=archive["ArchiveName"])["ArchiveArn"],
            EventStartTime=now - datetime.timedelta(minutes=5),
            EventEndTime=now + datetime.timedelta(minutes=5),
            Destination={"Arn": archive["EventSourceArn"]},
        )
        got = until(lambda: heard(aws, "Listener", holding=f"again-{name}"))
        assert {each["replay-name"] for each in got} == {f"again-{name}"}


class TestSchedule:
    def test_calls_its_target_with_its_role(self, aws: LocalAws, name: str) -> None:
        scheduler = aws.client("scheduler")
        [told] = scheduler.list_schedules()["Schedules"]
        schedule = scheduler.get_schedule(Name=told["Name"], GroupName=told["GroupName"])
        moment = datetime.datetime.now(datetime.UTC)
        scheduler.update_schedule(
            Name=told["Name"],
            GroupName=told["GroupName"],
            ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow=schedule["FlexibleTimeWindow"],
            Target={**schedule["Target"], "Input": json.dumps({"said": name})},
        )
        assert until(lambda: heard(aws, "Listener", holding=name)) == [{"said": name}]


class TestStreamWorker:
    def test_goes_on_after_what_it_cannot_handle_and_reports_it(self, aws: LocalAws, name: str) -> None:
        tables, table = aws.client("dynamodb"), resource(aws, TABLE, "Table")
        for n, order in enumerate(("throw", "work")):
            item = {"id": {"S": f"{name}-{n}"}, "do": {"S": order}}
            tables.put_item(TableName=table, Item=item)
        until(lambda: heard(aws, "Reader/Function", holding=f"{name}-1"))
        read = records(aws, "Reader/Function", holding=name)
        got = [each["dynamodb"]["NewImage"]["do"]["S"] for each in read]
        assert got == ["throw", "throw", "work"]
        [report] = until(lambda: messages(aws, resource(aws, QUEUE, "Reader/FailedBatches")))
        assert json.loads(report["Body"])["requestContext"]["condition"] == "RetryAttemptsExhausted"


class TestUploadBucket:
    @pytest.mark.parametrize("key", ["in/{}.png", "in/a b+c &{}.png", "in/ü/../日本-{}.png"])
    def test_tells_the_key_as_it_is(self, aws: LocalAws, name: str, key: str) -> None:
        key = key.format(name)
        s3, bucket = aws.client("s3"), resource(aws, BUCKET, "Uploads/Bucket")
        for each in (f"out/{name}.png", f"in/{name}.txt", key):
            s3.put_object(Bucket=bucket, Key=each, Body=b"x")
        [event] = until(lambda: heard(aws, "Listener", holding=name))
        assert event["detail"]["object"]["key"] == key
        assert event["detail"]["object"]["version-id"]


class TestWorkflow:
    def end(self, aws: LocalAws, **given: Any) -> Any:
        states = aws.client("stepfunctions")
        machine = resource(aws, MACHINE, "Fulfil")
        started = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        return until(
            lambda: states.describe_execution(executionArn=started), is_right=lambda told: told["status"] != "RUNNING"
        )

    def test_does_every_step_with_its_role(self, aws: LocalAws, name: str) -> None:
        told = self.end(aws, id=name, items=[{"item": name}, {"item": name}], good=True)
        assert (told["status"], told.get("cause")) == ("SUCCEEDED", None)
        assert until(lambda: len(heard(aws, "Listener", holding=name)), is_right=lambda count: count >= 3) >= 3
        item = aws.client("dynamodb").get_item(TableName=resource(aws, TABLE, "Table"), Key={"id": {"S": name}})
        assert item["Item"]["id"] == {"S": name}
        assert until(lambda: heard(aws, "Worker/Function", holding=name))

    def test_undoes_what_was_done_and_keeps_the_error(self, aws: LocalAws, name: str) -> None:
        told = self.end(aws, id=name, items=[], good=False)
        assert (told["status"], told["error"]) == ("FAILED", "NotGood")
        undone = until(lambda: [each for each in heard(aws, "Listener", holding=name) if "result" in each])
        assert len(undone) == 1

    def test_waits_for_somebody_who_may_end_the_step(self, aws: LocalAws, name: str) -> None:
        states, machine = aws.client("stepfunctions"), resource(aws, MACHINE, "Approval")
        started = states.start_execution(stateMachineArn=machine, input=json.dumps({"id": name}))["executionArn"]
        [asked] = until(lambda: heard(aws, "Listener", holding=name))
        answer = {"taskToken": asked["token"], "output": json.dumps({"approved": name})}
        with pytest.raises(ClientError, match="AccessDenied"):
            aws.client_of("Events/Listener", "stepfunctions").send_task_success(**answer)
        aws.client_of("Events/Worker/Function", "stepfunctions").send_task_success(**answer)
        ended = until(
            lambda: states.describe_execution(executionArn=started), is_right=lambda told: told["status"] != "RUNNING"
        )
        assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"approved": name})

    def test_logs_what_happened_without_the_data(self, aws: LocalAws, name: str) -> None:
        self.end(aws, id=name, items=[], good=True)
        groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=FULFIL_LOGS)["logGroups"]
        events = aws.client("logs").filter_log_events(logGroupName=groups[0]["logGroupName"])["events"]
        kinds = {json.loads(each["message"])["type"] for each in events}
        assert {"ExecutionStarted", "TaskStateEntered", "ExecutionSucceeded"} <= kinds
        assert name not in json.dumps([json.loads(each["message"])["details"] for each in events])
