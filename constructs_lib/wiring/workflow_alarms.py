"""When a workflow needs somebody: executions fail, run out of time, or do not get on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from constructs_lib.wiring.alarms import FIVE_MINUTES, MINUTE, Thresholds, Watch
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived


class WorkflowAlarms(TypedDict, total=False):
    """The alarms of a workflow, and from what on they go off; `Waived(reason)` for one that should not be.

    - `failed`: executions that failed, within five minutes. Default: 1, and 5 of an express workflow.
    - `timed_out`: executions that ran out of time, within five minutes. Default: 1.
    - `throttled`: transitions that had to wait within a minute, in three of five minutes. Default: 1. An express
      workflow has none: no quota slows its transitions down.
      https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html

    An execution that somebody stopped is no alarm: somebody knows.
    """

    failed: int | Waived
    timed_out: int | Waived
    throttled: int | Waived


class AlarmsOfWorkflow:
    """The alarms of one workflow; its functions have their own.

    Args:
        asked: The argument `alarms`.
        express: Whether it is an express workflow, which runs often and may run twice.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None, *, express: bool) -> None:
        self._express = express
        slowed: dict[str, int] = {} if express else {"throttled": 1}
        self._thresholds = Thresholds(asked, {"failed": 5 if express else 1, "timed_out": 1, **slowed})

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(self, bearer: Construct, machine: sfn.StateMachine) -> list[cloudwatch.Alarm]:
        """Define the alarms, but those that are waived."""
        return self._thresholds.raise_on(bearer, machine, lambda: self._watches(machine), kind="Workflows")

    def _watches(self, machine: sfn.StateMachine) -> Iterator[Watch]:
        yield Watch(name="started", metric=machine.metric_started(period=FIVE_MINUTES))
        yield Watch(
            name="failed",
            metric=machine.metric_failed(period=FIVE_MINUTES),
            article="workflow-failed",
            description="an execution of this workflow failed",
        )
        yield Watch(
            name="timed_out",
            metric=machine.metric_timed_out(period=FIVE_MINUTES),
            article="workflow-timed-out",
            description="an execution of this workflow ran out of time",
        )
        if not self._express:
            yield Watch(
                name="throttled",
                metric=machine.metric_throttled(period=MINUTE, statistic="Sum"),
                periods=5,
                datapoints=3,
                article="workflow-throttled",
                description="executions of this workflow wait: Step Functions slows them down",
            )
