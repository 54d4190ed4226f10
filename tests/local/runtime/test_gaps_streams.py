"""Event source mappings of Kinesis streams: what stock does with a record that fails, and what Lambda does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import App
from tests.local.runtime.functions import zip_of
from tests.local.runtime.test_gaps_filters import Inbox
from tests.local.runtime.test_gaps_pipes import Pipes

FUNCTION = """
exports.handler = async (event) => {
  const read = event.Records.map((each) => Buffer.from(each.kinesis.data, "base64").toString());
  console.log("seen", JSON.stringify(read));
  const bad = event.Records.filter((each, at) => read[at] === "poison");
  const failed = bad.map((each) => ({itemIdentifier: each.kinesis.sequenceNumber}));
  if (process.env.REPORTS) return {batchItemFailures: failed};
  if (bad.length) throw new Error("poison");
};
"""


class Stream:
    """A stream with a function that reads it."""

    def __init__(self, app: App, *, may_read: bool = True, reports: bool = False) -> None:
        self.app, self.name = app, f"stream-{time.monotonic_ns()}"
        self.kinesis, self.functions = app.aws.client("kinesis"), app.aws.client("lambda")
        self.kinesis.create_stream(StreamName=self.name, ShardCount=1)
        self.kinesis.get_waiter("stream_exists").wait(StreamName=self.name)
        self.arn = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]["StreamARN"]
        self.dead = Inbox(app, "dead")
        allowed = [("logs:*", "*"), ("sqs:SendMessage", self.dead.arn)]
        allowed += [("kinesis:*", self.arn)] if may_read else []
        self.functions.create_function(
            FunctionName=self.name,
            Runtime="nodejs22.x",
            Handler="index.handler",
            Role=Pipes(app).role(*allowed, service="lambda.amazonaws.com"),
            Code={"ZipFile": zip_of({"index.js": FUNCTION})},
            Environment={"Variables": {"REPORTS": "yes"} if reports else {}},
        )

    def put(self, *values: str) -> None:
        records = [{"Data": each.encode(), "PartitionKey": "p"} for each in values]
        self.kinesis.put_records(StreamName=self.name, Records=records)

    def map(self, **more: Any) -> None:
        destination = {"OnFailure": {"Destination": self.dead.arn}}
        self.functions.create_event_source_mapping(
            FunctionName=self.name,
            EventSourceArn=self.arn,
            StartingPosition="TRIM_HORIZON",
            DestinationConfig=destination,
            **more,
        )

    def seen(self) -> list[list[str]]:
        """The batches the function got."""
        try:
            lines = self.app.aws.messages(f"/aws/lambda/{self.name}")
        except ClientError:
            return []
        return [json.loads(each[each.index("[") :]) for each in lines if "seen [" in each]

    def until(self, holds: Callable[[list[list[str]]], bool]) -> list[list[str]]:
        deadline = time.monotonic() + 90
        while not holds(self.seen()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.seen()


class TestKinesisMapping:
    def test_gets_past_a_record_that_fails(self, stock: App, mended: App) -> None:
        told = {"MaximumRetryAttempts": 1, "BisectBatchOnFunctionError": True}
        stuck = Stream(stock)
        stuck.put("a", "poison", "c")
        stuck.map(**told)
        assert ["c"] not in stuck.until(lambda seen: len(seen) > 2)
        stream = Stream(mended)
        stream.put("a", "poison", "c")
        stream.map(**told)
        seen = stream.until(lambda seen: ["c"] in seen)
        assert seen[0] == ["a", "poison", "c"]
        assert [each for each in seen if len(each) == 1] == [["a"], ["poison"], ["poison"], ["c"]]
        [body] = stream.dead.bodies()
        lost = json.loads(body)
        assert (lost["requestContext"]["condition"], lost["KinesisBatchInfo"]["batchSize"]) == (
            "RetryAttemptsExhausted",
            1,
        )
        assert lost["KinesisBatchInfo"]["streamArn"] == stream.arn

    def test_goes_on_at_the_record_that_is_reported(self, mended: App) -> None:
        stream = Stream(mended, reports=True)
        stream.put("a", "poison", "c")
        stream.map(MaximumRetryAttempts=0, FunctionResponseTypes=["ReportBatchItemFailures"])
        seen = stream.until(lambda seen: len(seen) >= 2)
        assert seen[:2] == [["a", "poison", "c"], ["poison", "c"]]

    def test_drops_what_its_filter_does_not_want(self, mended: App) -> None:
        stream = Stream(mended)
        stream.put('{"kind": "a"}', "no json", '{"kind": "b"}')
        pattern = json.dumps({"data": {"kind": ["b"]}, "partitionKey": ["p"]})
        stream.map(FilterCriteria={"Filters": [{"Pattern": pattern}]})
        assert stream.until(bool) == [['{"kind": "b"}']]

    def test_is_refused_where_the_role_may_not_read(self, stock: App, mended: App) -> None:
        Stream(stock, may_read=False).map()
        stream = Stream(mended, may_read=False)
        with pytest.raises(ClientError, match=f"Cannot access stream {stream.arn}"):
            stream.map()
