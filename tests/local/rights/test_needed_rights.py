"""What the configuration of a function asks of its role is neither used nor never used, before anything happens."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.local.permissions import PermissionsReport
from constructs_lib.local.permissions_record import PermissionsRecord
from tests.local.session.example_app import ExampleApp, function

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WORK = """
def handler(event, context):
    if event.get("do") == "fail":
        raise ValueError("told to")
"""
QUEUES = ("Jobs", "Dead", "Failed", "Done", "Lost", "Other")
POLL = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
READ = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
DEADLINE_SECONDS = 90  # all of it is needed only on a machine that is busy with something else


def arn(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}


def allow(actions: list[str], resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def resources(app: ExampleApp) -> dict[str, Any]:
    made = function(app.code(WORK), "index.handler", statement=None, path="Shop/Work")
    made["ShopWorkGrants"]["Properties"]["PolicyDocument"]["Statement"] += [
        allow(POLL, arn("Jobs")),
        allow(READ, {"Fn::GetAtt": ["Table", "StreamArn"]}),
        allow(["dynamodb:ListStreams", "ec2:*", "xray:PutTraceSegments"], "*"),
        *(allow(["sqs:SendMessage"], arn(each)) for each in QUEUES if each != "Jobs"),
    ]
    made["ShopWork"]["Properties"] |= {
        "DeadLetterConfig": {"TargetArn": arn("Dead")},
        "TracingConfig": {"Mode": "Active"},
    }
    of_work = {"FunctionName": {"Ref": "ShopWork"}}
    mapping = {"Type": "AWS::Lambda::EventSourceMapping"}
    table: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
    }
    lost = {"OnFailure": {"Destination": arn("Lost")}}
    stream = {"EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]}, "StartingPosition": "LATEST"}
    told = {"OnFailure": {"Destination": arn("Failed")}, "OnSuccess": {"Destination": arn("Done")}}
    return {
        **{each: {"Type": "AWS::SQS::Queue"} for each in QUEUES},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        **made,
        "Mapping": {**mapping, "Properties": {**of_work, "EventSourceArn": arn("Jobs")}},
        "Stream": {**mapping, "Properties": {**of_work, **stream, "DestinationConfig": lost}},
        "Events": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {**of_work, "Qualifier": "$LATEST", "MaximumRetryAttempts": 0, "DestinationConfig": told},
        },
    }


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    app = ExampleApp(tmp_path_factory.mktemp("needed"))
    outputs = {each: {"Value": {"Ref": each}} for each in ("Jobs", "ShopWork")}
    app.add_stack("Shop", {"Resources": resources(app), "Outputs": outputs})
    with LocalAws.from_assembly(app.folder) as running:
        yield running


def granted(aws: LocalAws) -> dict[str, tuple[int, tuple[str, ...]]]:
    """How often each right was used, and what needs it; a queue by its logical id."""
    record = PermissionsRecord.of(aws)
    (found,) = PermissionsReport.of(record, aws.journal()).functions
    ids = {each.id.rpartition("/")[2]: each.path.rpartition("/")[2] for each in record.resources}

    def on(resource: str) -> str:
        return ids.get(resource.rpartition(":")[2], "")

    return {
        f"{each.action} {on(each.resource)}".strip(): (each.used, each.needed_by)
        for each in found.permissions
        if not each.action.startswith("logs:")
    }


def needed(found: Mapping[str, tuple[int, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    return {name: by for name, (_, by) in found.items()}


class TestNeeds:
    def test_are_those_of_everything_that_is_configured(self, aws: LocalAws) -> None:
        source = ("its event source",)
        assert needed(granted(aws)) == {
            **dict.fromkeys([f"{each} Jobs" for each in POLL], source),
            **dict.fromkeys(READ, source),
            "dynamodb:ListStreams": source,
            "ec2:*": (),
            "xray:PutTraceSegments": ("its tracing",),
            "sqs:SendMessage Dead": ("its dead letters",),
            "sqs:SendMessage Failed": ("its on-failure destination",),
            "sqs:SendMessage Done": ("its on-success destination",),
            "sqs:SendMessage Lost": ("its event source's on-failure destination",),
            "sqs:SendMessage Other": (),
        }

    def test_outlive_the_run(self, aws: LocalAws, tmp_path: Any) -> None:
        record = PermissionsRecord.of(aws)
        record.keep(tmp_path)
        kept = PermissionsRecord.read(tmp_path)
        assert kept is not None
        assert list(kept.functions) == list(record.functions)
        assert kept.functions[0].needed

    def test_are_not_used_by_being_asked_for(self, aws: LocalAws) -> None:
        """A message that fails nothing uses what reads and deletes it, and neither dead letters nor destinations."""
        aws.client("sqs").send_message(QueueUrl=aws.outputs["Shop"]["Jobs"], MessageBody="x")
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not granted(aws)["sqs:DeleteMessage Jobs"][0] and time.monotonic() < deadline:
            time.sleep(0.1)
        found = {name for name, (count, _) in granted(aws).items() if count}
        assert found >= {"sqs:ReceiveMessage Jobs", "sqs:DeleteMessage Jobs"}
        never = {"sqs:GetQueueAttributes Jobs", "sqs:SendMessage Lost", "sqs:SendMessage Other", *READ}
        assert found.isdisjoint(never)

    def test_are_used_when_it_comes_to_it(self, aws: LocalAws) -> None:
        payload = json.dumps({"do": "fail"}).encode()
        aws.client("lambda").invoke(
            FunctionName=aws.outputs["Shop"]["ShopWork"], InvocationType="Event", Payload=payload
        )
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not granted(aws)["sqs:SendMessage Dead"][0] and time.monotonic() < deadline:
            time.sleep(0.1)
        found = granted(aws)
        assert (found["sqs:SendMessage Dead"][0], found["sqs:SendMessage Failed"][0]) == (1, 1)
        assert found["sqs:SendMessage Done"][0] == found["sqs:SendMessage Other"][0] == 0
