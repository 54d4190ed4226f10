"""Gaps of the base in event source mappings; see `test_gaps`."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import App
from tests.local.runtime.event_handlers import (
    allow,
    att,
    bodies,
    collected,
    deploy,
    obeying,
    queue,
    received,
    ref,
    seen,
    take_grants,
    until,
)

POLL = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def consumer(*, may: bool = True, queue_properties: dict[str, Any] | None = None, **mapping: Any) -> dict[str, Any]:
    """A queue and who drains it; messages are hidden for longer than a cold start takes, or some would come twice."""
    statements = [allow(POLL, att("Queue"))] if may else []
    return {
        **queue("Dead", **{k: v for k, v in (queue_properties or {}).items() if k == "FifoQueue"}),
        **queue("Queue", dead="Dead", **{"visibility": 30, **(queue_properties or {})}),
        **obeying("Consumer", statements),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "DependsOn": ["ConsumerGrants"] if may else [],
            "Properties": {
                "EventSourceArn": att("Queue"),
                "FunctionName": ref("Consumer"),
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                **mapping,
            },
        },
    }


NAMES = ("Queue", "Dead", "Consumer", "ConsumerLogs", "Mapping")


def send(app: App, url: str, *orders: str, **more: Any) -> None:
    entries = [{"Id": str(n), "MessageBody": json.dumps({"do": each, "n": n}), **more} for n, each in enumerate(orders)]
    app.aws.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)


def orders_of(app: App, group: str) -> list[list[str]]:
    return [[json.loads(body)["do"] for body in batch] for batch in bodies(app, group)]


class TestMappingPermissions:
    def test_is_refused_when_the_role_may_not_poll(self, stock: App, mended: App) -> None:
        made = deploy(stock, "MayNotPoll", consumer(may=False), *NAMES)
        send(stock, made["Queue"], "work")
        assert until(lambda: orders_of(stock, made["ConsumerLogs"])) == [["work"]]
        with pytest.raises(AssertionError, match="does not have permissions to call ReceiveMessage on SQS"):
            deploy(mended, "MayNotPoll", consumer(may=False), *NAMES)

    def test_is_refused_when_messages_come_back_before_the_function_ends(self, stock: App, mended: App) -> None:
        def create(app: App) -> Any:
            made = deploy(app, "Hasty", consumer(), *NAMES)
            sqs, functions = app.aws.client("sqs"), app.aws.client("lambda")
            arn = sqs.get_queue_attributes(QueueUrl=made["Queue"], AttributeNames=["QueueArn"])["Attributes"][
                "QueueArn"
            ]
            functions.delete_event_source_mapping(UUID=made["Mapping"])
            sqs.set_queue_attributes(QueueUrl=made["Queue"], Attributes={"VisibilityTimeout": "1"})
            return functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=made["Consumer"])

        assert create(stock)["State"] == "Enabled"
        with pytest.raises(ClientError, match="1 seconds is less than Function timeout: 2 seconds"):
            create(mended)


class TestMappingFilter:
    def test_knows_all_of_the_pattern_language(self, stock: App, mended: App) -> None:
        def got(app: App) -> list[str]:
            either = [{"body": {"do": [{"anything-but": {"prefix": "no"}}]}}, {"body": {"do": [{"wildcard": "now*"}]}}]
            criteria = {"Filters": [{"Pattern": json.dumps(each)} for each in either]}
            made = deploy(app, "Filtered", consumer(FilterCriteria=criteria, BatchSize=1), *NAMES)
            send(app, made["Queue"], "north", "yes", "nowhere", "no")
            until(lambda: left(app, made["Queue"]), is_right=lambda count: count == 0)
            return sorted(order for batch in orders_of(app, made["ConsumerLogs"]) for order in batch)

        assert got(stock) != ["nowhere", "yes"]
        assert got(mended) == ["nowhere", "yes"]


class TestQueueLock:
    def test_loses_no_message_while_a_mapping_deletes_others(self, mended: App) -> None:
        """Stock loses some, but not each time: there is no half of this test that fails when stock is mended."""
        made = deploy(mended, "Busy", consumer(), *NAMES)

        def send_many(_: int) -> None:
            for _ in range(5):
                send(mended, made["Queue"], *["work"] * 10)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(send_many, range(4)))
        until(lambda: left(mended, made["Queue"]), is_right=lambda count: count == 0)
        assert sum(len(batch) for batch in bodies(mended, made["ConsumerLogs"])) == 200


class TestQueueMapping:
    def test_stops_polling_when_the_grant_is_gone(self, stock: App, mended: App) -> None:
        def received_without_grant(app: App) -> list[list[str]]:
            made = deploy(app, "GrantGone", consumer(), *NAMES)
            take_grants(app, "GrantGone-ConsumerGrants")
            send(app, made["Queue"], "work")
            mapping = app.aws.client("lambda")
            until(
                lambda: mapping.get_event_source_mapping(UUID=made["Mapping"])["LastProcessingResult"],
                is_right=lambda told: told != "No records processed",
            )
            return orders_of(app, made["ConsumerLogs"])

        assert received_without_grant(stock) == [["work"]]
        assert received_without_grant(mended) == []

    def test_gathers_more_than_ten_within_its_window(self, stock: App, mended: App) -> None:
        def largest(app: App) -> int:
            made = deploy(app, "Window", consumer(BatchSize=30, MaximumBatchingWindowInSeconds=1), *NAMES)
            for _ in range(3):
                send(app, made["Queue"], *["work"] * 10)
            group = made["ConsumerLogs"]
            batches = until(lambda: bodies(app, group), is_right=lambda found: sum(len(each) for each in found) == 30)
            return max(len(each) for each in batches)

        assert largest(stock) <= 10
        assert largest(mended) == 30

    def test_takes_a_malformed_report_for_a_failure(self, stock: App, mended: App) -> None:
        def dead(app: App) -> list[Any]:
            made = deploy(app, "Malformed", consumer(queue_properties={"receives": 1, "visibility": 2}), *NAMES)
            send(app, made["Queue"], "nonsense")
            until(lambda: seen(app, made["ConsumerLogs"]))
            if app is stock:
                until(lambda: left(app, made["Queue"]), is_right=lambda count: count == 0)
                return received(app, made["Dead"])
            return until(lambda: received(app, made["Dead"]))

        assert dead(stock) == []
        assert len(dead(mended)) == 1

    def test_keeps_the_order_within_a_group_and_runs_groups_side_by_side(self, stock: App, mended: App) -> None:
        def napped(app: App) -> tuple[dict[str, list[int]], bool]:
            fifo = {"FifoQueue": True, "ContentBasedDeduplication": True}
            made = deploy(app, "Fifo", consumer(queue_properties=fifo, BatchSize=1), *NAMES)
            sqs = app.aws.client("sqs")
            for n in range(3):
                for group in ("a", "b"):
                    body = json.dumps({"do": "nap", "group": group, "n": n})
                    sqs.send_message(QueueUrl=made["Queue"], MessageBody=body, MessageGroupId=group)
            logs = made["ConsumerLogs"]
            until(lambda: left(app, made["Queue"]), is_right=lambda count: count == 0)
            done = seen(app, logs, "DONE")
            starts = {each.id: each.at for each in seen(app, logs)}
            spans = sorted((starts[each.id], each.at) for each in done)
            overlap = any(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))
            order: dict[str, list[int]] = {}
            for batch in bodies(app, logs):
                for body in batch:
                    told = json.loads(body)
                    order.setdefault(told["group"], []).append(told["n"])
            return order, overlap

        in_order = {"a": [0, 1, 2], "b": [0, 1, 2]}
        assert napped(stock) == (in_order, False)
        assert napped(mended) == (in_order, True)


READ = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
OVER = ("OK - 3 records", "PROBLEM: Function call failed")
STREAM_NAMES = ("Table", "Dead", "Reader", "ReaderLogs", "Mapping")


def reader(*, may: bool = True, **mapping: Any) -> dict[str, Any]:
    read = [allow(READ, att("Table", "StreamArn"))] if may else []
    return {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            },
        },
        **queue("Dead"),
        **obeying("Reader", [*read, allow("sqs:SendMessage", att("Dead"))]),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "DependsOn": ["ReaderGrants"],
            "Properties": {
                "EventSourceArn": att("Table", "StreamArn"),
                "FunctionName": ref("Reader"),
                "StartingPosition": "TRIM_HORIZON",
                "DestinationConfig": {"OnFailure": {"Destination": att("Dead")}},
                **mapping,
            },
        },
    }


def put(app: App, table: str, *orders: str) -> None:
    tables = app.aws.client("dynamodb")
    for n, each in enumerate(orders):
        tables.put_item(TableName=table, Item={"id": {"S": f"{n}"}, "do": {"S": each}})


def read_orders(app: App, group: str) -> list[list[str]]:
    return [[each["dynamodb"]["NewImage"]["do"]["S"] for each in run.records] for run in seen(app, group)]


def after(app: App, group: str, last: str) -> list[list[str]]:
    """What was read, once a batch with this order has been."""
    return until(lambda: read_orders(app, group), is_right=lambda found: any(last in batch for batch in found))


class TestStreamMapping:
    def test_is_refused_when_the_role_may_not_read(self, stock: App, mended: App) -> None:
        made = deploy(stock, "MayNotRead", reader(may=False), *STREAM_NAMES)
        put(stock, made["Table"], "work")
        assert after(stock, made["ReaderLogs"], "work") == [["work"]]
        with pytest.raises(AssertionError, match="Cannot access stream"):
            deploy(mended, "MayNotRead", reader(may=False), *STREAM_NAMES)

    def test_gives_up_after_its_retries_and_says_so(self, stock: App, mended: App) -> None:
        def ends(app: App) -> tuple[list[Any], list[list[str]]]:
            settings: dict[str, Any] = {"BatchSize": 1, "MaximumRetryAttempts": 1}
            made = deploy(app, "GivesUp", reader(**settings), *STREAM_NAMES)
            put(app, made["Table"], "throw", "work")
            if app is stock:
                until(lambda: read_orders(app, made["ReaderLogs"]), is_right=lambda found: len(found) > 2)
                return received(app, made["Dead"]), read_orders(app, made["ReaderLogs"])
            return collected(app, made["Dead"], count=1), after(app, made["ReaderLogs"], "work")

        dead, orders = ends(stock)
        assert (dead, orders[:3]) == ([], [["throw"]] * 3)
        [message], orders = ends(mended)
        told = json.loads(message["Body"])
        assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert told["requestContext"]["approximateInvokeCount"] == 2
        assert told["DDBStreamBatchInfo"]["batchSize"] == 1
        assert orders == [["throw"], ["throw"], ["work"]]

    def test_halves_a_failed_batch_until_the_poison_is_alone(self, mended: App) -> None:
        settings: dict[str, Any] = {"MaximumRetryAttempts": 0, "BisectBatchOnFunctionError": True}
        made = deploy(mended, "Bisects", reader(**settings, MaximumBatchingWindowInSeconds=1), *STREAM_NAMES)
        put(mended, made["Table"], "a", "b", "throw", "d")
        [message] = collected(mended, made["Dead"], count=1)
        assert json.loads(message["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1
        orders = until(lambda: read_orders(mended, made["ReaderLogs"]), is_right=lambda found: ["d"] in found)
        assert orders == [["a", "b", "throw", "d"], ["a", "b"], ["throw", "d"], ["throw"], ["d"]]

    def test_goes_on_at_the_first_record_that_is_reported(self, stock: App, mended: App) -> None:
        def orders(app: App) -> list[list[str]]:
            settings: dict[str, Any] = {"MaximumRetryAttempts": 0, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
            made = deploy(app, "Reports", reader(**settings), *STREAM_NAMES)
            functions = app.aws.client("lambda")
            functions.update_event_source_mapping(UUID=made["Mapping"], Enabled=False)
            put(app, made["Table"], "a", "report", "c")
            functions.update_event_source_mapping(UUID=made["Mapping"], Enabled=True)
            until(lambda: functions.get_event_source_mapping(UUID=made["Mapping"])["LastProcessingResult"] in OVER)
            wanted = 1 if app is stock else 2
            return until(lambda: read_orders(app, made["ReaderLogs"]), is_right=lambda found: len(found) == wanted)

        assert orders(stock) == [["a", "report", "c"]]
        assert orders(mended) == [["a", "report", "c"], ["report", "c"]]

    def test_leaves_records_that_are_too_old(self, mended: App) -> None:
        settings: dict[str, Any] = {"BatchSize": 1, "MaximumRecordAgeInSeconds": 60}
        made = deploy(mended, "TooOld", reader(**settings), *STREAM_NAMES)
        mended.aws.client("lambda").update_event_source_mapping(UUID=made["Mapping"], MaximumRecordAgeInSeconds=1)
        put(mended, made["Table"], "throw", "work")
        [message, *_] = collected(mended, made["Dead"], count=1)
        assert json.loads(message["Body"])["requestContext"]["condition"] == "MaxRecordAgeExceeded"

    def test_holds_up_no_other_mapping(self, mended: App, log_file: Path) -> None:
        """Stock does, where it looks at the stream first; which it does as it happens."""
        also = {("ToConsumer" if name == "Mapping" else name): each for name, each in consumer().items()}
        slow = reader(MaximumRetryAttempts=0)
        slow["Reader"]["Properties"]["Timeout"] = 60
        made = deploy(mended, "Slow", slow | also, *STREAM_NAMES, "Queue", "ConsumerLogs")
        put(mended, made["Table"], "hang")
        assert until(lambda: [each for each in log_file.read_text().splitlines() if made["Reader"] in each])
        send(mended, made["Queue"], "work")
        assert until(lambda: orders_of(mended, made["ConsumerLogs"])) == [["work"]]
        assert seen(mended, made["ReaderLogs"]) == []  # it hangs still: a log arrives at the end of its invocation


def left(app: App, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = app.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(each) for each in told.values())
