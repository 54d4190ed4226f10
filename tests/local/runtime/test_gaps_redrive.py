"""Failed executions that go on where they failed; stock does not know the call."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.workflow_bench import Bench, Ended, chain

REMEMBER = {"Type": "Pass", "Assign": {"known": "{% $states.input.n + 1 %}"}, "Output": {"first": "done"}}


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
