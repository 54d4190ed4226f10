from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs_lib import DynamoTable, PropError, QueueWorker, SecureFunction, Waived
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
QUEUE = "EmailsQueueF3588977"
DEAD_LETTERS = "EmailsDeadLettersQueue60C241C8"


def mapping_in(template: dict[str, Any]) -> dict[str, Any]:
    [mapping] = resources_of(template, "AWS::Lambda::EventSourceMapping").values()
    return dict(mapping)


def queue_in(template: dict[str, Any], name: str = QUEUE) -> dict[str, Any]:
    return dict(resources_of(template, "AWS::SQS::Queue")[name]["Properties"])


def granted(template: dict[str, Any], role: str = "EmailsFunctionIdentityRole") -> set[tuple[str, str]]:
    """What a function may do beyond its own logs and traces."""
    return {
        (action, resource)
        for action, resource in permissions_of(template, role)
        if not action.startswith(("logs:", "xray:"))
    }


class TestDefaults:
    def test_the_queue_hides_messages_six_timeouts_and_gives_up_after_five_receives(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, timeout=cdk.Duration.seconds(20))
        assert queue_in(template_of(stack)) == {
            "VisibilityTimeout": 120,
            "MessageRetentionPeriod": 345_600,
            "SqsManagedSseEnabled": True,
            "RedrivePolicy": {
                "deadLetterTargetArn": {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]},
                "maxReceiveCount": 5,
            },
        }

    def test_dead_letters_are_kept_14_days(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY)
        assert queue_in(template_of(stack), DEAD_LETTERS) == {
            "MessageRetentionPeriod": 1_209_600,
            "SqsManagedSseEnabled": True,
        }

    def test_an_alarm_goes_off_with_the_first_dead_letter(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        alarms = resources_of(template_of(stack), "AWS::CloudWatch::Alarm")
        [alarm] = [each for name, each in alarms.items() if "DeadLetters" in name]
        assert alarm["Properties"] == {
            "AlarmDescription": "Shop/Emails/DeadLetters: what Shop/Emails could not handle or deliver is in this "
            "queue. Runbook: constructs-lib runbook dead-letters",
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": [DEAD_LETTERS, "QueueName"]}}],
            "EvaluationPeriods": 1,
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Namespace": "AWS/SQS",
            "Period": 60,
            "Statistic": "Maximum",
            "Threshold": 1,
            "TreatMissingData": "notBreaching",
        }
        assert worker.dead_letters.alarm is not None

    def test_both_queues_take_tls_only_and_admit_nobody(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY)
        policies = resources_of(template_of(stack), "AWS::SQS::QueuePolicy").values()
        assert sorted(policy["Properties"]["Queues"][0]["Ref"] for policy in policies) == [DEAD_LETTERS, QUEUE]
        for policy in policies:
            [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
            assert statement["Effect"] == "Deny"
            assert statement["Action"] == "sqs:*"
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_failed_messages_come_back_one_by_one(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY)
        template = template_of(stack)
        [function] = resources_of(template, "AWS::Lambda::Function")
        assert mapping_in(template)["Properties"] == {
            "FunctionName": {"Ref": function},
            "EventSourceArn": {"Fn::GetAtt": [QUEUE, "Arn"]},
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }

    def test_the_mapping_waits_for_the_permissions_that_lambda_tries(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY)
        template = template_of(stack)
        [grants] = [name for name in resources_of(template, "AWS::IAM::ManagedPolicy") if "Grants" in name]
        assert mapping_in(template)["DependsOn"] == [grants]

    def test_a_batching_window_is_added_to_the_visibility(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, batch_size=500, batching_window=cdk.Duration.seconds(30))
        template = template_of(stack)
        assert queue_in(template)["VisibilityTimeout"] == 90
        assert mapping_in(template)["Properties"]["BatchSize"] == 500
        assert mapping_in(template)["Properties"]["MaximumBatchingWindowInSeconds"] == 30

    def test_concurrency_is_bounded_at_the_mapping(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, max_concurrency=2)
        assert mapping_in(template_of(stack))["Properties"]["ScalingConfig"] == {"MaximumConcurrency": 2}

    def test_logical_ids_of_what_holds_data_stay(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, idempotent=True)
        template = template_of(stack)
        assert set(resources_of(template, "AWS::SQS::Queue")) == {QUEUE, DEAD_LETTERS}
        assert list(resources_of(template, "AWS::DynamoDB::Table")) == ["EmailsIdempotencyTable678B5FAB"]
        assert list(resources_of(template, "AWS::Logs::LogGroup")) == ["EmailsFunctionLogs8C88048F"]

    def test_passes_on_what_the_function_takes(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, memory_mib=1024, environment={"STAGE": "dev"})
        [function] = resources_of(template_of(stack), "AWS::Lambda::Function").values()
        assert function["Properties"]["MemorySize"] == 1024
        assert function["Properties"]["Environment"]["Variables"]["STAGE"] == "dev"

    @pytest.mark.parametrize("props", [{}, {"idempotent": True}, {"fifo": True}])
    def test_cdk_nag_finds_nothing(self, stack: cdk.Stack, props: dict[str, Any]) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, **props)
        assert findings_of(stack) == []

    def test_cdk_nag_finds_nothing_with_a_key_of_ones_own(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, encryption_key=kms.Key(stack, "Key", enable_key_rotation=True))
        assert findings_of(stack) == []


class TestGrants:
    def test_the_function_may_consume_its_queue_and_nothing_else(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY)
        assert granted(template_of(stack)) == {
            ("sqs:DeleteMessage", f"{QUEUE}.Arn"),
            ("sqs:GetQueueAttributes", f"{QUEUE}.Arn"),
            ("sqs:ReceiveMessage", f"{QUEUE}.Arn"),
        }

    def test_senders_may_send_and_know_the_url(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        sender = SecureFunction(stack, "Sender", entry=ENTRY)
        worker.grant_send(sender, env="EMAILS_QUEUE")
        template = template_of(stack)
        assert granted(template, "SenderIdentityRole") == {("sqs:SendMessage", f"{QUEUE}.Arn")}
        [function] = [
            each
            for name, each in resources_of(template, "AWS::Lambda::Function").items()
            if name.startswith("SenderFunction")
        ]
        assert function["Properties"]["Environment"]["Variables"]["EMAILS_QUEUE"] == {"Ref": QUEUE}

    def test_roles_of_others_may_send_too(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        role = iam.Role(stack, "Partner", assumed_by=iam.AccountPrincipal("111122223333"))
        worker.grant_send(role)
        [policy] = resources_of(template_of(stack), "AWS::IAM::Policy").values()
        [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Action"] == "sqs:SendMessage"

    def test_one_worker_may_send_to_another(self, stack: cdk.Stack) -> None:
        emails = QueueWorker(stack, "Emails", entry=ENTRY)
        orders = QueueWorker(stack, "Orders", entry=ENTRY)
        emails.grant_send(orders, env="EMAILS_QUEUE")
        assert ("sqs:SendMessage", f"{QUEUE}.Arn") in granted(template_of(stack), "OrdersFunctionIdentityRole")

    def test_tables_are_granted_to_it_as_to_a_function(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        users = DynamoTable(stack, "Users", partition_key="id")
        users.grant(worker, "GetItem", env="USERS_TABLE")
        template = template_of(stack)
        [table] = resources_of(template, "AWS::DynamoDB::Table")
        assert ("dynamodb:GetItem", f"{table}.Arn") in granted(template)
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["USERS_TABLE"] == {"Ref": table}

    def test_a_key_of_ones_own_is_used_through_sqs_only(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        worker = QueueWorker(stack, "Emails", entry=ENTRY, encryption_key=key)
        worker.grant_send(SecureFunction(stack, "Sender", entry=ENTRY))
        template = template_of(stack)
        [name] = resources_of(template, "AWS::KMS::Key")
        for role, wanted in {
            "EmailsFunctionIdentityRole": {"kms:Decrypt"},
            "SenderIdentityRole": {"kms:Decrypt", "kms:GenerateDataKey"},
        }.items():
            used = {each for each in granted(template, role) if each[0].startswith("kms:")}
            assert {action for action, _ in used} == wanted
            for _, resource in used:
                assert resource.startswith(f"{name}.Arn if ")
                assert '"kms:ViaService"' in resource
                assert "sqs." in resource
        for queue in (QUEUE, DEAD_LETTERS):
            assert queue_in(template, queue)["KmsMasterKeyId"] == {"Fn::GetAtt": [name, "Arn"]}


class TestRefusals:
    def refused(self, stack: cdk.Stack, **props: Any) -> str:
        with pytest.raises(PropError) as caught:
            QueueWorker(stack, "Emails", entry=ENTRY, **props)
        return str(caught.value)

    @pytest.mark.parametrize(
        ("props", "what", "fix"),
        [
            (
                {"visibility_timeout": cdk.Duration.seconds(9)},
                (
                    "visibility_timeout (9 s) is shorter than the timeout of the function (10 s): messages would be "
                    "delivered twice"
                ),
                "leave visibility_timeout out, or lower the timeout of the function",
            ),
            (
                {"visibility_timeout": cdk.Duration.seconds(12), "batching_window": cdk.Duration.seconds(5)},
                (
                    "visibility_timeout (12 s) is shorter than the timeout of the function and the batching window "
                    "(15 s): messages would be delivered twice"
                ),
                "leave visibility_timeout out, or lower the timeout of the function",
            ),
            (
                {"visibility_timeout": cdk.Duration.hours(13)},
                "visibility_timeout (46800 s) is not one SQS takes (whole seconds up to 43200)",
                "leave visibility_timeout out for six times the timeout of the function",
            ),
            (
                {"max_receive_count": 1},
                "max_receive_count is 1: a message is dead as soon as one call is throttled or fails",
                'leave max_receive_count out for 5, or say why: retries=Waived("...")',
            ),
            ({"max_receive_count": 0}, "max_receive_count is 0, wanted 2 to 1000", "leave max_receive_count out for 5"),
            (
                {"batch_size": 11},
                "batch_size is 11, and more than 10 take a batching window of one second at least",
                "set batching_window=Duration.seconds(1), or lower batch_size",
            ),
            ({"batch_size": 0}, "batch_size is 0, wanted 1 to 10000", "leave batch_size out for 10"),
            (
                {"batch_size": 11, "fifo": True},
                "batch_size is 11, and a FIFO queue gives 10 at most",
                "leave batch_size out for 1",
            ),
            (
                {"batching_window": cdk.Duration.seconds(5), "fifo": True},
                "batching_window is not for FIFO queues",
                "leave batching_window out",
            ),
            (
                {"batching_window": cdk.Duration.seconds(301)},
                "batching_window (301 s) is not one Lambda waits (0 to 300 whole seconds)",
                "lower it, or leave it out",
            ),
            (
                {"max_concurrency": 1},
                "max_concurrency is 1, wanted 2 to 1000",
                "for one message at a time, in order, use fifo=True with one message group",
            ),
            (
                {"max_concurrency": 20, "reserved_concurrency": 10},
                (
                    "max_concurrency (20) is more than reserved_concurrency (10): Lambda would throttle the rest, and "
                    "each throttled message counts as received"
                ),
                "lower max_concurrency, or reserve more",
            ),
            (
                {"content_based_deduplication": True},
                "content_based_deduplication is for FIFO queues, and this one is standard",
                "set fifo=True, or idempotent=True to handle each message once",
            ),
            (
                {"retention": cdk.Duration.days(14)},
                "retention (14 days) leaves a dead letter no time: it keeps its age, and is gone after 14 days",
                "leave retention out for 4 days, or stay well below 14",
            ),
            (
                {"retention": cdk.Duration.millis(59_500)},
                "retention (59.5 s) is not one SQS keeps anything for (60 s at least, in whole seconds)",
                "leave retention out for 4 days",
            ),
            (
                {"visibility_timeout": cdk.Duration.millis(12_500)},
                "visibility_timeout (12.5 s) is not one SQS takes (whole seconds up to 43200)",
                "leave visibility_timeout out for six times the timeout of the function",
            ),
            ({"retries": False}, "retries is False", 'say why: retries=Waived("...")'),
        ],
    )
    def test_what_would_not_work(self, stack: cdk.Stack, props: dict[str, Any], what: str, fix: str) -> None:
        assert self.refused(stack, **props) == f"{what}\n  at:  Shop/Emails (QueueWorker)\n  fix: {fix}"

    @pytest.mark.parametrize(
        "props",
        [
            {"visibility_timeout": cdk.Duration.seconds(10)},
            {"visibility_timeout": cdk.Duration.hours(12)},
            {"max_receive_count": 2},
            {"max_receive_count": 1000},
            {"batch_size": 1},
            {"batch_size": 10_000, "batching_window": cdk.Duration.seconds(1)},
            {"batching_window": cdk.Duration.minutes(5)},
            {"max_concurrency": 1000},
            {"max_concurrency": 10, "reserved_concurrency": 10},
            {"retention": cdk.Duration.days(13)},
        ],
    )
    def test_accepts_what_is_just_within_bounds(self, stack: cdk.Stack, props: dict[str, Any]) -> None:
        assert QueueWorker(stack, "Emails", entry=ENTRY, **props)

    def test_everything_wrong_is_said_at_once(self, stack: cdk.Stack) -> None:
        text = self.refused(stack, max_receive_count=1, batch_size=11, max_concurrency=1)
        assert text.count("\n  fix: ") == 3

    def test_a_variable_on_something_without_variables(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        role = iam.Role(stack, "Partner", assumed_by=iam.AccountPrincipal("111122223333"))
        with pytest.raises(PropError, match="env='EMAILS_QUEUE' needs a function to set it on, got a Role"):
            worker.grant_send(role, env="EMAILS_QUEUE")

    def test_a_visibility_that_cannot_be_computed(self, stack: cdk.Stack) -> None:
        seconds = cdk.CfnParameter(stack, "Seconds", type="Number", default=10).value_as_number
        timeout = cdk.Duration.seconds(seconds)
        assert "visibility_timeout cannot be computed" in self.refused(stack, timeout=timeout)


class TestEscapeHatches:
    def test_a_single_receive_takes_a_reason_and_leaves_it_in_the_template(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, retries=Waived("a payment must never be tried twice"))
        queue = resources_of(template_of(stack), "AWS::SQS::Queue")[QUEUE]
        assert queue["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 1
        assert queue["Metadata"]["constructs-lib:waived"] == {"retries": "a payment must never be tried twice"}

    def test_takes_tokens_without_guessing_at_them(self, stack: cdk.Stack) -> None:
        count = cdk.CfnParameter(stack, "Count", type="Number", default=5).value_as_number
        timeout = cdk.Duration.seconds(cdk.CfnParameter(stack, "Seconds", type="Number", default=10).value_as_number)
        QueueWorker(
            stack,
            "Emails",
            entry=ENTRY,
            max_receive_count=int(count),
            timeout=timeout,
            visibility_timeout=cdk.Duration.minutes(2),
        )
        queue = queue_in(template_of(stack))
        assert queue["RedrivePolicy"]["maxReceiveCount"] == {"Ref": "Count"}
        assert queue["VisibilityTimeout"] == 120

    def test_every_l2_is_reachable(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, idempotent=True)
        assert isinstance(worker.queue, sqs.Queue)
        assert isinstance(worker.dead_letters.queue, sqs.Queue)
        assert isinstance(worker.function.function, lambda_.Function)
        assert isinstance(worker.mapping, lambda_.EventSourceMapping)
        assert worker.idempotency_table is not None
        assert isinstance(worker.idempotency_table.table, dynamodb.Table)
