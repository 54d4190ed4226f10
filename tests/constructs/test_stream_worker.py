from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs_lib import DynamoTable, PropError, StreamWorker, Topic
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
FAILED = "SearchFailedBatchesQueue828EF5D5"
TABLE = "OrdersTable1F8332C7"


@pytest.fixture
def orders(stack: cdk.Stack) -> DynamoTable:
    return DynamoTable(stack, "Orders", partition_key="id", stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES)


def mapping_in(template: dict[str, Any]) -> dict[str, Any]:
    [mapping] = resources_of(template, "AWS::Lambda::EventSourceMapping").values()
    assert isinstance(mapping, dict)
    return mapping


def granted(template: dict[str, Any]) -> set[tuple[str, str]]:
    """What the function may do beyond its own logs and traces."""
    return {
        (action, resource)
        for action, resource in permissions_of(template, "SearchFunctionIdentityRole")
        if not action.startswith(("logs:", "xray:"))
    }


class TestDefaults:
    def test_halves_failing_batches_and_gives_up_in_the_end(self, stack: cdk.Stack, orders: DynamoTable) -> None:
        StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        template = template_of(stack)
        [function] = resources_of(template, "AWS::Lambda::Function")
        assert mapping_in(template)["Properties"] == {
            "FunctionName": {"Ref": function},
            "EventSourceArn": {"Fn::GetAtt": [TABLE, "StreamArn"]},
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 100,
            "ParallelizationFactor": 1,
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": 5,
            "MaximumRecordAgeInSeconds": 86_400,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": [FAILED, "Arn"]}}},
        }

    def test_the_mapping_waits_for_the_permissions_that_lambda_tries(
        self, stack: cdk.Stack, orders: DynamoTable
    ) -> None:
        StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        template = template_of(stack)
        [grants] = [name for name in resources_of(template, "AWS::IAM::ManagedPolicy") if "Grants" in name]
        assert mapping_in(template)["DependsOn"] == [grants]

    def test_everything_that_may_be_said(self, stack: cdk.Stack, orders: DynamoTable) -> None:
        StreamWorker(
            stack,
            "Search",
            table=orders,
            entry=ENTRY,
            filters=[{"eventName": ["INSERT"]}, {"dynamodb": {"NewImage": {"kind": {"S": ["order"]}}}}],
            batch_size=10,
            batching_window=cdk.Duration.seconds(5),
            parallelization=10,
            retry_attempts=0,
            max_record_age=cdk.Duration.minutes(1),
            starting_position=lambda_.StartingPosition.LATEST,
            memory_mib=1024,
        )
        properties = mapping_in(template_of(stack))["Properties"]
        assert [json.loads(each["Pattern"]) for each in properties["FilterCriteria"]["Filters"]] == [
            {"eventName": ["INSERT"]},
            {"dynamodb": {"NewImage": {"kind": {"S": ["order"]}}}},
        ]
        assert properties["BatchSize"] == 10
        assert properties["MaximumBatchingWindowInSeconds"] == 5
        assert properties["ParallelizationFactor"] == 10
        assert properties["MaximumRetryAttempts"] == 0
        assert properties["MaximumRecordAgeInSeconds"] == 60
        assert properties["StartingPosition"] == "LATEST"

    def test_logical_ids_of_what_holds_data_stay(self, stack: cdk.Stack, orders: DynamoTable) -> None:
        StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        template = template_of(stack)
        assert list(resources_of(template, "AWS::SQS::Queue")) == [FAILED]
        assert list(resources_of(template, "AWS::Logs::LogGroup")) == ["SearchFunctionLogs0D37AB18"]

    def test_cdk_nag_finds_nothing(self, stack: cdk.Stack, orders: DynamoTable) -> None:
        StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        assert findings_of(stack) == []


class TestGrants:
    def test_may_read_this_stream_and_report_failures_and_nothing_else(
        self, stack: cdk.Stack, orders: DynamoTable
    ) -> None:
        StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        assert granted(template_of(stack)) == {
            ("dynamodb:DescribeStream", f"{TABLE}.StreamArn"),
            ("dynamodb:GetRecords", f"{TABLE}.StreamArn"),
            ("dynamodb:GetShardIterator", f"{TABLE}.StreamArn"),
            ("dynamodb:ListStreams", f"{TABLE}.StreamArn"),
            ("sqs:SendMessage", f"{FAILED}.Arn"),
        }

    def test_failures_may_go_to_a_topic(self, stack: cdk.Stack, orders: DynamoTable) -> None:
        worker = StreamWorker(stack, "Search", table=orders, entry=ENTRY, on_failure=Topic(stack, "Failures"))
        template = template_of(stack)
        [topic] = resources_of(template, "AWS::SNS::Topic")
        assert worker.dead_letters is None
        assert resources_of(template, "AWS::SQS::Queue") == {}
        assert ("sns:Publish", topic) in granted(template)
        destination = mapping_in(template)["Properties"]["DestinationConfig"]
        assert destination == {"OnFailure": {"Destination": {"Ref": topic}}}

    def test_a_table_under_a_key_is_read_through_dynamodb_only(self, stack: cdk.Stack) -> None:
        orders = DynamoTable(
            stack,
            "Orders",
            partition_key="id",
            stream=dynamodb.StreamViewType.KEYS_ONLY,
            encryption_key=kms.Key(stack, "Key"),
        )
        StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        [decrypt] = [resource for action, resource in granted(template_of(stack)) if action.startswith("kms:")]
        assert decrypt.startswith("Key961B73FD.Arn if ")
        assert "dynamodb." in decrypt

    def test_tables_are_granted_to_a_worker_as_to_a_function(self, stack: cdk.Stack, orders: DynamoTable) -> None:
        worker = StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        index = DynamoTable(stack, "Index", partition_key="id")
        index.grant(worker, "PutItem", env="INDEX_TABLE")
        template = template_of(stack)
        [name] = [each for each in resources_of(template, "AWS::DynamoDB::Table") if each.startswith("Index")]
        assert ("dynamodb:PutItem", f"{name}.Arn") in granted(template)
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["INDEX_TABLE"] == {"Ref": name}


class TestRefusals:
    @pytest.mark.parametrize(
        ("props", "what", "fix"),
        [
            ({"batch_size": 10_001}, "batch_size is 10001, wanted 1 to 10000", "leave batch_size out, or stay within"),
            (
                {"parallelization": 11},
                "parallelization is 11, wanted 1 to 10",
                "leave parallelization out, or stay within",
            ),
            (
                {"retry_attempts": -1},
                "retry_attempts is -1, wanted 0 to 10000",
                "leave retry_attempts out, or stay within",
            ),
            (
                {"batching_window": cdk.Duration.minutes(6)},
                "batching_window (360 s) is not one Lambda waits (0 to 300 whole seconds)",
                "lower it, or leave it out",
            ),
            (
                {"max_record_age": cdk.Duration.hours(25)},
                "max_record_age (90000 s) is not within 60 s and 24 h, which is all the stream keeps",
                "leave max_record_age out for 24 hours",
            ),
            ({"filters": [{}]}, "a filter is empty: it would let every change through", "leave filters out"),
            (
                {"filters": [{"eventName": "INSERT"}]},
                'a filter asks eventName for "INSERT", wanted a list of what it may be',
                'write a list: filters=[{"eventName": ["..."]}]',
            ),
            (
                {"filters": [{"eventName": ["INSERT"]}] * 6},
                "there are 6 filters, and Lambda takes 5",
                "join some of them",
            ),
            ({"on_failure": "queue"}, "on_failure is a str, wanted a queue or a topic", "pass the construct"),
        ],
    )
    def test_what_lambda_does_not_take(
        self, stack: cdk.Stack, orders: DynamoTable, props: dict[str, Any], what: str, fix: str
    ) -> None:
        with pytest.raises(PropError) as caught:
            StreamWorker(stack, "Search", table=orders, entry=ENTRY, **props)
        assert str(caught.value) == f"{what}\n  at:  Shop/Search (StreamWorker)\n  fix: {fix}"

    def test_a_table_without_a_stream(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as caught:
            StreamWorker(stack, "Search", table=DynamoTable(stack, "Orders", partition_key="id"), entry=ENTRY)
        assert str(caught.value) == (
            "Shop/Orders has no stream\n"
            "  at:  Shop/Search (StreamWorker)\n"
            "  fix: give the table one: stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES"
        )

    def test_a_third_reader_of_one_stream(self, stack: cdk.Stack, orders: DynamoTable) -> None:
        StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        StreamWorker(stack, "Audit", table=orders, entry=ENTRY)
        with pytest.raises(PropError) as caught:
            StreamWorker(stack, "Stock", table=orders, entry=ENTRY)
        assert str(caught.value) == (
            "Shop/Orders has 2 readers already: Shop/Search, Shop/Audit\n"
            "  at:  Shop/Stock (StreamWorker)\n"
            "  fix: let one of them put what the others need on an EventBus"
        )


class TestEscapeHatches:
    def test_every_l2_is_reachable(self, stack: cdk.Stack, orders: DynamoTable) -> None:
        worker = StreamWorker(stack, "Search", table=orders, entry=ENTRY)
        assert isinstance(worker.mapping, lambda_.EventSourceMapping)
        assert isinstance(worker.function.function, lambda_.Function)
        assert worker.dead_letters is not None
        assert isinstance(worker.dead_letters.queue, sqs.Queue)
