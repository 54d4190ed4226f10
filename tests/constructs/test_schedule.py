from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from constructs_lib import DynamoTable, PropError, QueueWorker, Schedule, SecureFunction
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, show, template_of

ENTRY = "lambda_src/greeting/greet.ts"
UNDELIVERED = "NightlyUndeliveredQueueC55BBC4C"


class Fulfilment(Construct):
    """Anything with a state machine can be a target."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_string(
                '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'
            ),
        )


@pytest.fixture
def report(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Report", entry=ENTRY)


def nightly(stack: cdk.Stack, target: Any, **props: Any) -> Schedule:
    return Schedule(stack, "Nightly", **{"expression": "cron(0 3 * * ? *)", "target": target, **props})


def schedule_in(template: dict[str, Any]) -> dict[str, Any]:
    [schedule] = resources_of(template, "AWS::Scheduler::Schedule").values()
    assert isinstance(schedule, dict)
    return schedule


class TestDefaults:
    def test_calls_on_time_tries_for_a_day_and_says_which_occurrence_it_is(
        self, stack: cdk.Stack, report: SecureFunction
    ) -> None:
        nightly(stack, report)
        template = template_of(stack)
        properties = schedule_in(template)["Properties"]
        target = properties.pop("Target")
        [group] = [
            each["Properties"]["Name"] for each in resources_of(template, "AWS::Scheduler::ScheduleGroup").values()
        ]
        assert properties == {
            "ScheduleExpression": "cron(0 3 * * ? *)",
            "ScheduleExpressionTimezone": "Etc/UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "GroupName": group,
            "State": "ENABLED",
        }
        assert json.loads(target.pop("Input")) == {
            "scheduled_time": "<aws.scheduler.scheduled-time>",
            "execution_id": "<aws.scheduler.execution-id>",
        }
        assert target.pop("RoleArn")["Fn::GetAtt"][0].startswith("NightlyIdentityRole")
        assert target.pop("Arn")["Fn::GetAtt"][0].startswith("ReportFunction")
        assert target == {
            "DeadLetterConfig": {"Arn": {"Fn::GetAtt": [UNDELIVERED, "Arn"]}},
            "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
        }

    def test_the_function_keeps_what_it_fails_on(self, stack: cdk.Stack, report: SecureFunction) -> None:
        nightly(stack, report)
        [config] = resources_of(template_of(stack), "AWS::Lambda::EventInvokeConfig").values()
        assert "ReportFailedEvents" in show(config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])

    def test_the_schedule_waits_for_its_role_to_be_complete(self, stack: cdk.Stack, report: SecureFunction) -> None:
        nightly(stack, report)
        assert any("NightlyIdentityBase" in name for name in schedule_in(template_of(stack))["DependsOn"])

    def test_the_group_goes_with_the_stack(self, stack: cdk.Stack, report: SecureFunction) -> None:
        nightly(stack, report)
        [group] = resources_of(template_of(stack), "AWS::Scheduler::ScheduleGroup").values()
        assert group["DeletionPolicy"] == "Delete"

    def test_everything_that_may_be_said(self, stack: cdk.Stack, report: SecureFunction) -> None:
        nightly(
            stack,
            report,
            expression="rate(5 minutes)",
            timezone=cdk.TimeZone.EUROPE_PARIS,
            flexible_window=cdk.Duration.minutes(15),
            input={"report": "daily"},
            retry_attempts=3,
            max_event_age=cdk.Duration.hours(1),
            enabled=False,
            description="The report of the day",
        )
        properties = schedule_in(template_of(stack))["Properties"]
        assert properties["ScheduleExpression"] == "rate(5 minutes)"
        assert properties["ScheduleExpressionTimezone"] == "Europe/Paris"
        assert properties["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
        assert json.loads(properties["Target"]["Input"]) == {"report": "daily"}
        assert properties["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3}
        assert properties["State"] == "DISABLED"
        assert properties["Description"] == "The report of the day"

    def test_a_fifo_queue_gets_a_message_group(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, fifo=True, content_based_deduplication=True)
        nightly(stack, worker, message_group="reminders")
        target = schedule_in(template_of(stack))["Properties"]["Target"]
        assert target["SqsParameters"] == {"MessageGroupId": "reminders"}

    def test_logical_ids_of_what_holds_data_stay(self, stack: cdk.Stack, report: SecureFunction) -> None:
        nightly(stack, report)
        queues = resources_of(template_of(stack), "AWS::SQS::Queue")
        assert set(queues) == {UNDELIVERED, "ReportFailedEventsQueueD25DD0EA"}

    def test_cdk_nag_finds_nothing(self, stack: cdk.Stack, report: SecureFunction) -> None:
        nightly(stack, report)
        Schedule(stack, "Hourly", expression="rate(1 hour)", target=QueueWorker(stack, "Emails", entry=ENTRY))
        assert findings_of(stack) == []


class TestGrants:
    @pytest.mark.parametrize(
        ("make", "action", "resource"),
        [
            (
                lambda stack: SecureFunction(stack, "Target", entry=ENTRY),
                "lambda:InvokeFunction",
                "AWS::Lambda::Function",
            ),
            (lambda stack: Fulfilment(stack, "Target"), "states:StartExecution", "AWS::StepFunctions::StateMachine"),
        ],
        ids=["function", "workflow"],
    )
    def test_the_role_may_call_exactly_the_target(
        self, stack: cdk.Stack, make: Any, action: str, resource: str
    ) -> None:
        nightly(stack, make(stack))
        template = template_of(stack)
        [name] = resources_of(template, resource)
        assert {
            (action, arn.removesuffix(".Arn")) for action, arn in permissions_of(template, "NightlyIdentityRole")
        } == {(action, name), ("sqs:SendMessage", UNDELIVERED)}

    def test_the_role_may_send_to_exactly_the_queue_of_a_worker(self, stack: cdk.Stack) -> None:
        nightly(stack, QueueWorker(stack, "Emails", entry=ENTRY))
        assert permissions_of(template_of(stack), "NightlyIdentityRole") == {
            ("sqs:SendMessage", "EmailsQueueF3588977.Arn"),
            ("sqs:SendMessage", f"{UNDELIVERED}.Arn"),
        }

    def test_only_schedules_of_its_own_group_assume_the_role(self, stack: cdk.Stack, report: SecureFunction) -> None:
        nightly(stack, report)
        template = template_of(stack)
        [group] = resources_of(template, "AWS::Scheduler::ScheduleGroup")
        [role] = [each for name, each in resources_of(template, "AWS::IAM::Role").items() if name.startswith("Nightly")]
        [trust] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust == {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": {"Ref": "AWS::AccountId"},
                    "aws:SourceArn": {"Fn::GetAtt": [group, "Arn"]},
                }
            },
        }


class TestRefusals:
    def refused(self, stack: cdk.Stack, target: Any, **props: Any) -> str:
        with pytest.raises(PropError) as caught:
            nightly(stack, target, **props)
        return str(caught.value)

    @pytest.mark.parametrize(
        ("expression", "what", "fix"),
        [
            (
                "cron(0 3 * * *)",
                (
                    "expression 'cron(0 3 * * *)' has 5 fields, wanted 6: "
                    "minutes hours day-of-month month day-of-week year"
                ),
                "Unix writes five; AWS wants the year as well, and ? for one of the two days: cron(0 3 * * ? *)",
            ),
            (
                "cron(0 24 * * ? *)",
                "expression 'cron(0 24 * * ? *)' has '24' for its hours, wanted 0 to 23",
                "see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based",
            ),
            (
                "cron(0 3 ? * MOO *)",
                "expression 'cron(0 3 ? * MOO *)' has 'MOO' for its day-of-week, wanted 1 to 7, SUN to SAT",
                "see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based",
            ),
            (
                "cron(0 3 * * * *)",
                "expression 'cron(0 3 * * * *)' says '*' for the day of the month, '*' for the week's",
                "write ? for one of them, and for one only: cron(0 3 * * ? *), cron(0 3 ? * MON *)",
            ),
            (
                "rate(0 minutes)",
                "expression 'rate(0 minutes)' is never due",
                "use 1 at least: rate(1 minute)",
            ),
            (
                "at(2030-02-31T00:00:00)",
                "expression 'at(2030-02-31T00:00:00)' is no time there is: that month has no day 31",
                "write a day of the calendar",
            ),
            (
                "cron(0 3 31 APR,JUN ? *)",
                "expression 'cron(0 3 31 APR,JUN ? *)' is never due: none of its months has a day 31",
                "write L for the last day of a month",
            ),
            (
                "every 5 minutes",
                "expression 'every 5 minutes' is no rate, cron or point in time",
                "write rate(5 minutes), cron(0 3 * * ? *) or at(2030-01-01T00:00:00); the shortest rate is a minute",
            ),
        ],
    )
    def test_expressions_that_are_none(
        self, stack: cdk.Stack, report: SecureFunction, expression: str, what: str, fix: str
    ) -> None:
        assert self.refused(stack, report, expression=expression) == (
            f"{what}\n  at:  Shop/Nightly (Schedule)\n  fix: {fix}"
        )

    @pytest.mark.parametrize("zone", ["Europe/Berln", "Nowhere", "../Berlin", " "])
    def test_a_time_zone_that_there_is_not(self, stack: cdk.Stack, report: SecureFunction, zone: str) -> None:
        refused = self.refused(stack, report, timezone=cdk.TimeZone.of(zone))
        assert refused.startswith(f"timezone '{zone}' is none there is")

    @pytest.mark.parametrize(
        "expression",
        [
            "cron(60 3 * * ? *)",
            "cron(0/0 3 * * ? *)",
            "cron(0 3 32 * ? *)",
            "cron(0 3 32W * ? *)",
            "cron(0 3 * 13 ? *)",
            "cron(0 3 ? * 8 *)",
            "cron(0 3 ? * MON#6 *)",
            "cron(0 3 ? * 0L *)",
            "cron(0 3 ? * ? *)",
            "cron(? 3 * * ? *)",
            "cron(0 3 * * ? 1969)",
            "cron(0 3, * * ? *)",
            "cron(0/61 3 * * ? *)",
            "cron(0 3 ?,5 * ? *)",
            "cron(0 3 30 2 ? *)",
            "cron(0 3 29 2 ? 2030,2031)",
            "cron()",
            "rate(5 seconds)",
            "rate(-1 hours)",
            "rate(1.5 hours)",
            "at(2030-01-01)",
            "at(2030-13-01T00:00:00)",
            "at(2030-01-01T25:00:00)",
            "at(2030-01-00T00:00:00)",
            "at(0000-01-01T00:00:00)",
            "",
        ],
    )
    def test_more_of_them(self, stack: cdk.Stack, report: SecureFunction, expression: str) -> None:
        assert repr(expression) in self.refused(stack, report, expression=expression)

    @pytest.mark.parametrize(
        "expression",
        [
            "rate(1 minute)",
            "rate(12 hours)",
            "at(2030-01-01T00:00:00)",
            "cron(0/15 8-17 ? * MON-FRI *)",
            "cron(0 10,14 1 JAN,JUL ? 2030-2035)",
            "cron(5 0 L * ? *)",
            "cron(5 0 LW * ? *)",
            "cron(5 0 15W * ? *)",
            "cron(5 0 ? * 6#3 *)",
            "cron(5 0 ? * FRIL *)",
            "cron(*/5 * * * ? *)",
            "cron(0 3 29 2 ? *)",
            "cron(0 3 29 FEB ? 2032)",
            "cron(0 3 30 2-3 ? *)",
            "at(2032-02-29T23:59:59)",
        ],
    )
    def test_accepts_what_aws_documents(self, stack: cdk.Stack, report: SecureFunction, expression: str) -> None:
        nightly(stack, report, expression=expression)
        assert schedule_in(template_of(stack))["Properties"]["ScheduleExpression"] == expression

    @pytest.mark.parametrize(
        ("props", "what", "fix"),
        [
            (
                {"flexible_window": cdk.Duration.days(2)},
                "flexible_window (2880 min) is not one EventBridge Scheduler takes (1 to 1440 whole minutes)",
                "leave flexible_window out to call at once, or use Duration.minutes(15)",
            ),
            (
                {"flexible_window": cdk.Duration.seconds(90)},
                "flexible_window (1.5 min) is not one EventBridge Scheduler takes (1 to 1440 whole minutes)",
                "leave flexible_window out to call at once, or use Duration.minutes(15)",
            ),
            ({"retry_attempts": -1}, "retry_attempts is -1, wanted 0 to 185", "leave retry_attempts out for 185"),
            (
                {"max_event_age": cdk.Duration.seconds(59)},
                "max_event_age (59 s) is not one EventBridge takes (60 s to 24 h)",
                "leave max_event_age out for 24 hours, or stay within these bounds",
            ),
            (
                {"message_group": "reminders"},
                "message_group is for FIFO queues, and the target is none",
                "leave message_group out",
            ),
        ],
    )
    def test_what_the_scheduler_does_not_take(
        self, stack: cdk.Stack, report: SecureFunction, props: dict[str, Any], what: str, fix: str
    ) -> None:
        assert self.refused(stack, report, **props) == f"{what}\n  at:  Shop/Nightly (Schedule)\n  fix: {fix}"

    def test_what_cannot_be_a_target(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, DynamoTable(stack, "Users", partition_key="id")) == (
            "target is a DynamoTable, wanted a SecureFunction, a QueueWorker or a Workflow\n"
            "  at:  Shop/Nightly (Schedule)\n"
            "  fix: pass the construct itself"
        )


class TestEscapeHatches:
    def test_every_l2_is_reachable(self, stack: cdk.Stack, report: SecureFunction) -> None:
        schedule = nightly(stack, report)
        assert isinstance(schedule.schedule, scheduler.Schedule)
        assert isinstance(schedule.group, scheduler.ScheduleGroup)
        assert isinstance(schedule.identity.role, iam.Role)

    def test_takes_tokens_without_guessing_at_them(self, stack: cdk.Stack, report: SecureFunction) -> None:
        due = cdk.CfnParameter(stack, "Due", default="rate(1 day)").value_as_string
        nightly(stack, report, expression=due)
        assert schedule_in(template_of(stack))["Properties"]["ScheduleExpression"] == {"Ref": "Due"}
