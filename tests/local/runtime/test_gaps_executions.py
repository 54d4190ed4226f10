"""What stock leaves out of executions: going on where they failed, and writing down the results of their children."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.workflow_bench import Bench, Ended, chain

REMEMBER = {"Type": "Pass", "Assign": {"known": "{% $states.input.n + 1 %}"}, "Output": {"first": "done"}}


class TestWorkflowResults:
    def ran(self, on: Bench, **config: str) -> Any:
        """What a distributed Map puts out that writes its results under `runs`."""
        writer = {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": on.made["Bucket"], "Prefix": "runs/"},
            **({"WriterConfig": config} if config else {}),
        }
        mode = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
        items = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": {**mode, **chain({"Type": "Pass"})}}
        definition = {**chain({**items, "ResultWriter": writer}), "QueryLanguage": "JSONPath"}
        machine = on.create(definition, role="Writing")
        return on.end(on.start(machine, {"items": [[1, 2], [2, 4]]}))

    def content(self, on: Bench, key: str) -> str:
        stored = on.app.aws.client("s3").get_object(Bucket=on.made["Bucket"], Key=key)
        return str(stored["Body"].read().decode())

    def test_are_written_with_a_manifest(self, stock_bench: Bench, bench: Bench) -> None:
        assert self.ran(stock_bench).output == [[1, 2], [2, 4]]
        put_out = self.ran(bench).output
        details = put_out["ResultWriterDetails"]
        manifest = json.loads(self.content(bench, details["Key"]))
        assert manifest["MapRunArn"] == put_out["MapRunArn"]
        [file] = manifest["ResultFiles"]["SUCCEEDED"]
        records = json.loads(self.content(bench, file["Key"]))
        assert [(each["Status"], json.loads(each["Output"])) for each in records] == [
            ("SUCCEEDED", [1, 2]),
            ("SUCCEEDED", [2, 4]),
        ]
        assert (manifest["ResultFiles"]["FAILED"], file["Key"].startswith("runs/")) == ([], True)

    def test_are_written_in_the_form_that_is_asked_for(self, bench: Bench) -> None:
        details = self.ran(bench, Transformation="FLATTEN", OutputType="JSONL").output["ResultWriterDetails"]
        [file] = json.loads(self.content(bench, details["Key"]))["ResultFiles"]["SUCCEEDED"]
        assert self.content(bench, file["Key"]) == "1\n2\n2\n4"

    def test_need_the_right_to_write(self, bench: Bench) -> None:
        bucket = f"{bench.made['Bucket']}-elsewhere"
        writer = {"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": bucket}}
        processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **chain({"Type": "Pass"})}
        each = {"Type": "Map", "Items": [1], "ItemProcessor": processor, "ResultWriter": writer}
        ended = bench.run(each, role="Writing")
        assert ended.status == "FAILED"
        assert f's3:PutObject on resource: "arn:aws:s3:::{bucket}/' in ended.cause


class TestWorkflowRedrive:
    def failed(self, on: Bench) -> Ended:
        """An execution whose second state failed, because its function was throttled."""
        functions, name = on.app.aws.client("lambda"), on.made["Worker"]
        task = on.worker({"known": "{% $known %}"}, Output={"known": "{% $known %}"})
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            return on.run(REMEMBER, task, given={"n": 41})
        finally:
            functions.delete_function_concurrency(FunctionName=name)

    def test_goes_on_at_the_state_that_failed(self, stock_bench: Bench, bench: Bench) -> None:
        with pytest.raises(ClientError, match="Unknown action: RedriveExecution"):
            stock_bench.states.redrive_execution(executionArn=self.failed(stock_bench).arn)
        failed = self.failed(bench)
        assert (failed.status, self.described(bench, failed)["redriveStatus"]) == ("FAILED", "REDRIVABLE")
        bench.states.redrive_execution(executionArn=failed.arn)
        ended = bench.end(failed.arn)
        assert (ended.status, ended.output) == ("SUCCEEDED", {"known": 42})
        told = self.described(bench, failed)
        assert (told["redriveCount"], told["redriveStatus"]) == (1, "NOT_REDRIVABLE")
        events = [each["type"] for each in bench.states.get_execution_history(executionArn=failed.arn)["events"]]
        assert events.count("PassStateEntered") == 1
        assert events.count("ExecutionRedriven") == 1

    def described(self, on: Bench, execution: Ended) -> Any:
        return on.states.describe_execution(executionArn=execution.arn)

    def test_refuses_what_did_not_fail(self, bench: Bench) -> None:
        ended = bench.run({"Type": "Pass"})
        with pytest.raises(ClientError, match="ExecutionNotRedrivable"):
            bench.states.redrive_execution(executionArn=ended.arn)
        with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
            bench.states.redrive_execution(executionArn=f"{ended.arn}-none")

    def test_leaves_behind_what_was_stopped_in_the_middle(self, bench: Bench) -> None:
        wait = {"Type": "Wait", "Seconds": 2}
        machine = bench.create(chain(wait, {"Type": "Pass", "Output": "over"}))
        execution = bench.start(machine)
        bench.states.stop_execution(executionArn=execution)
        bench.states.redrive_execution(executionArn=execution)
        ended = bench.end(execution)
        assert (ended.status, ended.output) == ("SUCCEEDED", "over")
        history = bench.states.get_execution_history(executionArn=execution)["events"]
        assert [each["type"] for each in history].count("ExecutionSucceeded") == 1
