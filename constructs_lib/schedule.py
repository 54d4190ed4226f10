"""Something that happens at a time, and what it calls.

The numbers, and why:

- 24 hours and 185 tries for a delivery: EventBridge Scheduler's own numbers, stated; then the call goes to the dead
  letters.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-retry.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from constructs_lib.wiring.dead_letters import DeadLetters
from constructs_lib.wiring.delivery import (
    LONGEST_AGE,
    REACH,
    REACH_FIX,
    check_delivery,
    check_description,
    check_message_group,
)
from constructs_lib.wiring.delivery_alarms import AlarmsOfDelivery, DeliveryAlarms
from constructs_lib.wiring.destination import HasQueue
from constructs_lib.wiring.durations import check_duration
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.json_values import as_json, check_json
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.queue_access import send_statements
from constructs_lib.wiring.receiver import HasFunction, Receiver, arn_of, check_receiver, key_of
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.schedule_expression import check_expression, check_timezone
from constructs_lib.wiring.waiver import Waived

SERVICE = "scheduler.amazonaws.com"
WINDOW_MINUTES = range(1, 1440 + 1)

# EventBridge Scheduler fills these in: which occurrence this is, whenever it arrives.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
OCCURRENCE = {"scheduled_time": "<aws.scheduler.scheduled-time>", "execution_id": "<aws.scheduler.execution-id>"}


class Schedule(Construct):
    """Define a schedule that calls one target, with a role that may call nothing else, and a queue for failed calls.

    It has a schedule group of its own, since that is the narrowest thing its role can be tied to.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html

    Args:
        expression: `rate(5 minutes)`, `cron(0 3 * * ? *)` or `at(2030-01-01T00:00:00)`.
        target: A `SecureFunction`, a `QueueWorker` or a `Workflow`.
        timezone: Where the clock of `cron` and `at` hangs; daylight saving is followed. Default: UTC.
        flexible_window: Call any time within this long after it is due, up to a day, to spread load. Default: at once.
        input: What the target gets. Default: `scheduled_time` and `execution_id` of this occurrence.
        message_group: The message group, for a FIFO queue.
        retry_attempts: How often a failed call is tried again, 0 to 185.
        max_event_age: How long it is tried, 1 minute to 24 hours. Default: 24 hours.
        enabled: Whether it runs.
        description: Shown in the console.
        alarms: Other thresholds than those of `DeliveryAlarms`, or `Waived(reason)` for one or all of them.

    Raises:
        PropError: The expression is malformed, the target cannot be called, or a number is out of bounds.

    Example:
        >>> nightly = Schedule(stack, "Nightly", expression="cron(0 3 * * ? *)", target=greet)
    """

    @checks_kinds(except_for=("target",))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        expression: str,
        target: Receiver,
        timezone: cdk.TimeZone | None = None,
        flexible_window: cdk.Duration | None = None,
        input: Mapping[str, object] | None = None,  # noqa: A002 - EventBridge's name
        message_group: str | None = None,
        retry_attempts: int = 185,
        max_event_age: cdk.Duration | None = None,
        enabled: bool = True,
        description: str | None = None,
        alarms: DeliveryAlarms | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        age = LONGEST_AGE if max_event_age is None else max_event_age
        refusals = Refusals(self)
        check_expression(expression, refusals)
        check_timezone(timezone, refusals)
        check_description(description, refusals)
        check_receiver("target", target, refusals)
        if isinstance(target, Construct):
            check_same_environment(self, target, refusals, why=REACH, fix=REACH_FIX)
        check_message_group(target, message_group, refusals)
        check_delivery(retry_attempts, age, refusals, takes_tokens=False)
        check_duration(
            "flexible_window",
            flexible_window,
            WINDOW_MINUTES,
            refusals,
            unit="min",
            wanted="is not one EventBridge Scheduler takes (1 to 1440 whole minutes)",
            fix="leave flexible_window out to call at once, or use Duration.minutes(15)",
        )
        check_json("input", input, refusals)
        watched = AlarmsOfDelivery(alarms)
        watched.check(refusals)
        refusals.stop_if_any()

        self.group = scheduler.ScheduleGroup(self, "Group", removal_policy=cdk.RemovalPolicy.DESTROY)
        self.dead_letters = DeadLetters(self, "Undelivered", encryption_key=key_of(target), alarms=alarms)
        self.identity = Identity(
            self,
            "Identity",
            principal=iam.ServicePrincipal(SERVICE).with_conditions(
                {
                    "StringEquals": {
                        "aws:SourceAccount": cdk.Stack.of(self).account,
                        "aws:SourceArn": self.group.schedule_group_arn,
                    }
                }
            ),
            base=[*self._call_statements(target), *send_statements(self, self.dead_letters.queue)],
        )
        if isinstance(target, HasFunction) and not isinstance(target, HasQueue):
            target.keep_failed_events()
        self.schedule = scheduler.Schedule(
            self,
            "Schedule",
            schedule=scheduler.ScheduleExpression.expression(
                expression, cdk.TimeZone.ETC_UTC if timezone is None else timezone
            ),
            schedule_group=self.group,
            time_window=scheduler.TimeWindow.off()
            if flexible_window is None
            else scheduler.TimeWindow.flexible(flexible_window),
            enabled=enabled,
            description=description,
            target=_ScheduleTarget(
                scheduler.ScheduleTargetConfig(
                    arn=arn_of(target),
                    role=self.identity,
                    input=scheduler.ScheduleTargetInput.from_object(as_json(OCCURRENCE if input is None else input)),
                    sqs_parameters=None
                    if message_group is None
                    else scheduler.CfnSchedule.SqsParametersProperty(message_group_id=message_group),
                    dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_retry_attempts=retry_attempts, maximum_event_age_in_seconds=age.to_seconds()
                    ),
                )
            ),
        )
        self.schedule.node.add_dependency(self.identity)
        self.alarms: Sequence[cloudwatch.IAlarm] = watched.raise_for_group(self, self.schedule, self.group)

    def _call_statements(self, target: Receiver) -> list[iam.PolicyStatement]:
        if isinstance(target, HasQueue):
            return send_statements(self, target.queue)
        action = "lambda:InvokeFunction" if isinstance(target, HasFunction) else "states:StartExecution"
        return [iam.PolicyStatement(actions=[action], resources=[arn_of(target)])]


@jsii.implements(scheduler.IScheduleTarget)
class _ScheduleTarget:
    """A target as the L2 wants it; CDK's own would let the role call every version of a function."""

    def __init__(self, config: scheduler.ScheduleTargetConfig) -> None:
        self._config = config

    def bind(self, _schedule: scheduler.ISchedule) -> scheduler.ScheduleTargetConfig:
        return self._config
