from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib import Defaults, PropError, SecureFunction, Topic, Waived
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of

NODE_ENTRY = "lambda_src/greeting/greet.ts"


def config_of(template: dict[str, Any]) -> dict[str, Any]:
    [config] = resources_of(template, "AWS::Lambda::EventInvokeConfig").values()
    assert isinstance(config, dict)
    return config


def granted(template: dict[str, Any]) -> set[tuple[str, str]]:
    """What the function Report may do beyond its own logs and traces."""
    return {
        (action, resource)
        for action, resource in permissions_of(template, "ReportIdentityRole")
        if not action.startswith(("logs:", "xray:"))
    }


class TestAsynchronousCalls:
    def test_failures_are_kept_in_a_queue_of_its_own_as_soon_as_anything_is_stated(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY, retry_attempts=0)
        template = template_of(stack)
        [queue] = resources_of(template, "AWS::SQS::Queue")
        assert config_of(template_of(stack))["Properties"] == {
            "FunctionName": {"Ref": next(iter(resources_of(template, "AWS::Lambda::Function")))},
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": 21_600,
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}},
        }
        assert granted(template) == {("sqs:SendMessage", f"{queue}.Arn")}

    def test_keeping_them_twice_is_keeping_them_once(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        assert report.keep_failed_events() is report.keep_failed_events()
        assert config_of(template_of(stack))["Properties"]["MaximumRetryAttempts"] == 2

    def test_waits_for_the_permission_that_lambda_tries(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY, retry_attempts=1)
        template = template_of(stack)
        [grants] = [name for name in resources_of(template, "AWS::IAM::ManagedPolicy") if "Grants" in name]
        assert config_of(template_of(stack))["DependsOn"] == [grants]

    def test_a_queue_of_somebody_else(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        queue = sqs.Queue(stack, "Failures", encryption_master_key=key)
        SecureFunction(stack, "Report", entry=NODE_ENTRY, on_failure=queue, max_event_age=cdk.Duration.hours(1))
        template = template_of(stack)
        [name] = resources_of(template, "AWS::SQS::Queue")
        assert config_of(template_of(stack))["Properties"]["MaximumEventAgeInSeconds"] == 3600
        assert {(action, resource.split(" if ")[0]) for action, resource in granted(template)} == {
            ("sqs:SendMessage", f"{name}.Arn"),
            ("kms:Decrypt", "Key961B73FD.Arn"),
            ("kms:GenerateDataKey", "Key961B73FD.Arn"),
        }

    def test_a_topic_of_ours_or_of_cdk(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY, on_failure=Topic(stack, "Ours"))
        SecureFunction(stack, "Other", entry=NODE_ENTRY, on_failure=sns.Topic(stack, "Theirs"))
        template = template_of(stack)
        ours, theirs = sorted(resources_of(template, "AWS::SNS::Topic"))
        assert granted(template) == {("sns:Publish", ours)}
        assert ("sns:Publish", theirs) in permissions_of(template, "OtherIdentityRole")

    def test_dropping_failures_takes_a_reason_and_leaves_it_in_the_template(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY, on_failure=Waived("a cache warms up"))
        report.keep_failed_events()
        template = template_of(stack)
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Metadata"]["constructs-lib:waived"] == {"on_failure": "a cache warms up"}
        assert "DestinationConfig" not in config_of(template_of(stack))["Properties"]
        assert findings_of(stack) == []

    def test_nothing_to_acknowledge_but_what_is_acknowledged(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY, retry_attempts=2)
        assert findings_of(stack) == []

    def test_a_function_that_nobody_calls_asynchronously_says_nothing(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        assert findings_of(stack) == ["Serverless-LambdaDLQ"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("props", "what", "fix"),
        [
            (
                {"retry_attempts": 3},
                "retry_attempts is 3, wanted 0 to 2",
                "put a QueueWorker in front of the function to try more often",
            ),
            (
                {"max_event_age": cdk.Duration.seconds(59)},
                "max_event_age (59 s) is not one Lambda takes (60 s to 6 h)",
                "leave max_event_age out for 6 hours, or stay within these bounds",
            ),
            (
                {"max_event_age": cdk.Duration.hours(7)},
                "max_event_age (25200 s) is not one Lambda takes (60 s to 6 h)",
                "leave max_event_age out for 6 hours, or stay within these bounds",
            ),
            (
                {"on_failure": "arn:aws:sqs:eu-west-1:111122223333:failures"},
                "on_failure is a str, wanted a queue or a topic",
                "pass the construct",
            ),
        ],
    )
    def test_what_lambda_does_not_take(self, stack: cdk.Stack, props: dict[str, Any], what: str, fix: str) -> None:
        with pytest.raises(PropError) as caught:
            SecureFunction(stack, "Report", entry=NODE_ENTRY, **props)
        assert str(caught.value) == f"{what}\n  at:  Shop/Report (SecureFunction)\n  fix: {fix}"

    def test_a_fifo_queue(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Failures", fifo=True)
        with pytest.raises(PropError, match="Lambda sends failures to standard queues and topics only"):
            SecureFunction(stack, "Report", entry=NODE_ENTRY, on_failure=queue)


@pytest.mark.parametrize("hardened", [False, True])
def test_the_queue_of_failures_has_the_alarm_that_was_asked_for(stack: cdk.Stack, hardened: bool) -> None:
    Defaults(hardened=hardened).apply(stack)
    SecureFunction(
        stack,
        "Report",
        entry=NODE_ENTRY,
        alarms={"dead_letters": 7},
        vpc=Waived("it calls AWS alone"),
        retry_attempts=None if hardened else 0,
    )
    alarms = resources_of(template_of(stack), "AWS::CloudWatch::Alarm")
    assert [each["Properties"]["Threshold"] for name, each in alarms.items() if "FailedEvents" in name] == [7]
