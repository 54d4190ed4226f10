from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from constructs_lib import DynamoTable, EventBus, PropError, QueueWorker, SecureFunction, Waived
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, show, template_of

ENTRY = "lambda_src/greeting/greet.ts"
BUS = "Bus95A03305"
PATTERN = {"source": ["orders"], "detail-type": ["placed"]}


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


def rule_in(template: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    [(name, rule)] = resources_of(template, "AWS::Events::Rule").items()
    return name, rule["Properties"]


def target_in(template: dict[str, Any]) -> dict[str, Any]:
    [target] = rule_in(template)[1]["Targets"]
    assert isinstance(target, dict)
    return target


def admitted_to(template: dict[str, Any], queue: str) -> list[dict[str, Any]]:
    """What the policy of a queue allows."""
    [policy] = [
        each
        for each in resources_of(template, "AWS::SQS::QueuePolicy").values()
        if each["Properties"]["Queues"] == [{"Ref": queue}]
    ]
    return [each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]


class TestDefaults:
    def test_a_bus_and_an_archive_of_every_event_for_30_days(self, stack: cdk.Stack) -> None:
        EventBus(stack, "Bus")
        template = template_of(stack)
        assert list(resources_of(template, "AWS::Events::EventBus")) == [BUS]
        [archive] = resources_of(template, "AWS::Events::Archive").values()
        assert archive["Properties"] == {"RetentionDays": 30, "SourceArn": {"Fn::GetAtt": [BUS, "Arn"]}}

    def test_the_retention_of_the_archive(self, stack: cdk.Stack) -> None:
        EventBus(stack, "Bus", archive_retention=cdk.Duration.days(1))
        [archive] = resources_of(template_of(stack), "AWS::Events::Archive").values()
        assert archive["Properties"]["RetentionDays"] == 1

    def test_logical_ids_of_what_holds_data_stay(self, stack: cdk.Stack) -> None:
        EventBus(stack, "Bus")
        template = template_of(stack)
        assert list(resources_of(template, "AWS::Events::EventBus")) == [BUS]
        assert list(resources_of(template, "AWS::Events::Archive")) == ["BusArchiveF8E22C1B"]

    def test_cdk_nag_finds_nothing(self, stack: cdk.Stack) -> None:
        bus = EventBus(stack, "Bus")
        bus.add_rule("OrderPlaced", PATTERN, QueueWorker(stack, "Emails", entry=ENTRY))
        bus.add_rule("OrderPlaced", PATTERN, SecureFunction(stack, "Audit", entry=ENTRY))
        assert findings_of(stack) == []


class TestRules:
    def test_a_worker_gets_what_matches_and_what_cannot_be_delivered_is_kept(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        rule = EventBus(stack, "Bus").add_rule("OrderPlaced", PATTERN, worker, description="Thanks for the order")
        template = template_of(stack)
        name, properties = rule_in(template)
        undelivered = stack.resolve(rule.dead_letters.queue_arn)
        assert properties == {
            "EventBusName": {"Ref": BUS},
            "EventPattern": PATTERN,
            "Description": "Thanks for the order",
            "State": "ENABLED",
            "Targets": [
                {
                    "Id": "Target",
                    "Arn": {"Fn::GetAtt": ["EmailsQueueF3588977", "Arn"]},
                    "DeadLetterConfig": {"Arn": undelivered},
                    "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
                }
            ],
        }
        for queue in ("EmailsQueueF3588977", undelivered["Fn::GetAtt"][0]):
            assert admitted_to(template, queue) == [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": {"Fn::GetAtt": [queue, "Arn"]},
                    "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}},
                }
            ]

    def test_a_function_may_be_invoked_by_this_rule_and_keeps_what_it_fails_on(self, stack: cdk.Stack) -> None:
        audit = SecureFunction(stack, "Audit", entry=ENTRY)
        EventBus(stack, "Bus").add_rule("OrderPlaced", PATTERN, audit)
        template = template_of(stack)
        name, _ = rule_in(template)
        [function] = resources_of(template, "AWS::Lambda::Function")
        [permission] = resources_of(template, "AWS::Lambda::Permission").values()
        assert permission["Properties"] == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Fn::GetAtt": [function, "Arn"]},
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": [name, "Arn"]},
        }
        assert target_in(template)["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
        [config] = resources_of(template, "AWS::Lambda::EventInvokeConfig").values()
        assert "AuditFailedEvents" in show(config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])

    def test_a_workflow_is_started_by_a_role_that_only_rules_of_this_bus_assume(self, stack: cdk.Stack) -> None:
        fulfilment = Fulfilment(stack, "Fulfilment")
        EventBus(stack, "Bus").add_rule("OrderPlaced", PATTERN, fulfilment)
        template = template_of(stack)
        [state_machine] = resources_of(template, "AWS::StepFunctions::StateMachine")
        assert permissions_of(template, "FulfilmentOrderPlacedIdentityRole") == {
            ("states:StartExecution", state_machine)
        }
        [(name, role)] = [
            each for each in resources_of(template, "AWS::IAM::Role").items() if "OrderPlacedIdentity" in each[0]
        ]
        [trust] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "events.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert show(trust["Condition"]["ArnLike"]["aws:SourceArn"]).endswith(f":rule/{BUS}/*")
        assert target_in(template)["Arn"] == {"Ref": state_machine}
        assert target_in(template)["RoleArn"] == {"Fn::GetAtt": [name, "Arn"]}

    def test_the_rule_waits_for_the_role_to_be_complete(self, stack: cdk.Stack) -> None:
        EventBus(stack, "Bus").add_rule("OrderPlaced", PATTERN, Fulfilment(stack, "Fulfilment"))
        [rule] = resources_of(template_of(stack), "AWS::Events::Rule").values()
        assert any("IdentityBase" in name for name in rule["DependsOn"])

    def test_part_of_the_event_and_other_retries(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        EventBus(stack, "Bus").add_rule(
            "OrderPlaced",
            {"detail": {"total": [{"numeric": [">", 100]}]}},
            worker,
            input_path="$.detail",
            retry_attempts=0,
            max_event_age=cdk.Duration.minutes(1),
        )
        target = target_in(template_of(stack))
        assert target["InputPath"] == "$.detail"
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}

    def test_a_fifo_queue_gets_a_message_group(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, fifo=True, content_based_deduplication=True)
        EventBus(stack, "Bus").add_rule("OrderPlaced", PATTERN, worker, message_group="orders")
        assert target_in(template_of(stack))["SqsParameters"] == {"MessageGroupId": "orders"}

    def test_the_stack_of_the_target_depends_on_that_of_the_bus(self, app: cdk.App, stack: cdk.Stack) -> None:
        elsewhere = cdk.Stack(app, "Mail")
        bus = EventBus(stack, "Bus")
        bus.add_rule("OrderPlaced", PATTERN, QueueWorker(elsewhere, "Emails", entry=ENTRY))
        bus.add_rule("OrderPlaced", PATTERN, SecureFunction(elsewhere, "Audit", entry=ENTRY))
        bus.add_rule("OrderPlaced", PATTERN, Fulfilment(elsewhere, "Fulfilment"))
        app.synth()
        assert [each.node.path for each in elsewhere.dependencies] == ["Shop"]
        assert stack.dependencies == []

    def test_a_queue_under_a_key_admits_rules_of_this_bus_to_the_key(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, encryption_key=kms.Key(stack, "Key"))
        EventBus(stack, "Bus").add_rule("OrderPlaced", PATTERN, worker)
        [key] = resources_of(template_of(stack), "AWS::KMS::Key").values()
        [admitted] = [each for each in key["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
        assert admitted["Principal"] == {"Service": "events.amazonaws.com"}
        assert show(admitted["Condition"]["ArnLike"]["aws:SourceArn"]).endswith(f":rule/{BUS}/*")


class TestGrants:
    def granted(self, stack: cdk.Stack, **props: Any) -> set[tuple[str, str]]:
        sender = SecureFunction(stack, "Sender", entry=ENTRY)
        EventBus(stack, "Bus").grant_put_events(sender, **props)
        return {
            (action, resource)
            for action, resource in permissions_of(template_of(stack), "SenderIdentityRole")
            if action.startswith("events:")
        }

    def test_exactly_put_events_on_this_bus_for_these_sources(self, stack: cdk.Stack) -> None:
        assert self.granted(stack, sources=["orders", "returns"], env="SHOP_BUS") == {
            (
                "events:PutEvents",
                (
                    f'{BUS}.Arn if {{"ForAllValues:StringEquals": {{"events:source": ["orders", "returns"]}}, '
                    '"Null": {"events:source": "false"}}'
                ),
            )
        }
        [function] = resources_of(template_of(stack), "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["SHOP_BUS"] == {"Ref": BUS}

    def test_and_for_these_kinds_of_events(self, stack: cdk.Stack) -> None:
        [(_, resource)] = self.granted(stack, sources=["orders"], detail_types=["placed"])
        assert '"events:detail-type": ["placed"]' in resource
        assert '"events:detail-type": "false"' in resource


class TestRefusals:
    def refused(self, stack: cdk.Stack, pattern: Any, target: Any, **props: Any) -> str:
        with pytest.raises(PropError) as caught:
            EventBus(stack, "Bus").add_rule("OrderPlaced", pattern, target, **props)
        return str(caught.value)

    @pytest.mark.parametrize(
        ("pattern", "what", "fix"),
        [
            (
                {},
                "pattern is empty: the target would get every event of the bus",
                'name what it gets: {"source": ["orders"], "detail-type": ["placed"]}',
            ),
            (
                {"detail_type": ["placed"]},
                "pattern asks for 'detail_type', which no event has: did you mean detail-type?",
                (
                    "use account, detail, detail-type, id, region, replay-name, resources, source, time, version; the "
                    "fields of your own are below detail"
                ),
            ),
            (
                {"source": "orders"},
                "pattern asks source for 'orders', wanted a list of what it may be",
                'write a list: ["..."]',
            ),
            (
                {"detail": {"order": {"kind": "placed"}}},
                "pattern asks detail.order.kind for 'placed', wanted a list of what it may be",
                'write a list: ["..."]',
            ),
            ({"source": []}, "pattern asks source for [], wanted a list of what it may be", 'write a list: ["..."]'),
        ],
        ids=["empty", "unknown field", "bare value", "bare value below detail", "empty list"],
    )
    def test_patterns_that_match_everything_or_nothing(
        self, stack: cdk.Stack, pattern: Any, what: str, fix: str
    ) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        assert self.refused(stack, pattern, worker) == f"{what}\n  at:  Shop/Bus (EventBus)\n  fix: {fix}"

    @pytest.mark.parametrize(
        ("props", "what", "fix"),
        [
            (
                {"retry_attempts": 186},
                "retry_attempts is 186, wanted 0 to 185",
                "leave retry_attempts out for 185",
            ),
            (
                {"max_event_age": cdk.Duration.hours(25)},
                "max_event_age (90000 s) is not one EventBridge takes (60 s to 24 h)",
                "leave max_event_age out for 24 hours, or stay within these bounds",
            ),
            (
                {"message_group": "orders"},
                "message_group is for FIFO queues, and the target is none",
                "leave message_group out",
            ),
        ],
    )
    def test_deliveries_that_eventbridge_does_not_make(
        self, stack: cdk.Stack, props: dict[str, Any], what: str, fix: str
    ) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        assert self.refused(stack, PATTERN, worker, **props) == f"{what}\n  at:  Shop/Bus (EventBus)\n  fix: {fix}"

    def test_what_cannot_be_a_target(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, PATTERN, DynamoTable(stack, "Users", partition_key="id")) == (
            "target is a DynamoTable, wanted a SecureFunction, a QueueWorker or a Workflow\n"
            "  at:  Shop/Bus (EventBus)\n"
            "  fix: pass the construct itself"
        )

    def test_a_fifo_queue_without_a_group_or_deduplication(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, fifo=True)
        assert self.refused(stack, PATTERN, worker) == (
            "Shop/Emails/Queue is FIFO, and its messages need a group\n"
            "  at:  Shop/Bus (EventBus)\n"
            '  fix: name one: message_group="orders"\n'
            "Shop/Emails/Queue wants a deduplication id with each message, and EventBridge sends none\n"
            "  at:  Shop/Bus (EventBus)\n"
            "  fix: give the queue content_based_deduplication=True"
        )

    @pytest.mark.parametrize(
        ("sources", "what", "fix"),
        [
            ([], "sources is []: a grantee must say who it may speak for", 'name them: sources=["orders"]'),
            ("orders", "sources is 'orders': a grantee must say who it may speak for", 'name them: sources=["orders"]'),
            (
                ["aws.s3"],
                "source 'aws.s3' belongs to AWS, and PutEvents refuses it",
                'name your own: sources=["com.example.orders"]',
            ),
            ([" "], "a source is empty", 'name who speaks: sources=["orders"]'),
        ],
    )
    def test_sources_that_nobody_may_name(self, stack: cdk.Stack, sources: Any, what: str, fix: str) -> None:
        sender = SecureFunction(stack, "Sender", entry=ENTRY)
        with pytest.raises(PropError) as caught:
            EventBus(stack, "Bus").grant_put_events(sender, sources=sources)
        assert str(caught.value) == f"{what}\n  at:  Shop/Bus (EventBus)\n  fix: {fix}"

    def test_a_variable_on_something_without_variables(self, stack: cdk.Stack) -> None:
        role = iam.Role(stack, "Partner", assumed_by=iam.AccountPrincipal("111122223333"))
        with pytest.raises(PropError, match="env='SHOP_BUS' needs a function to set it on, got a Role"):
            EventBus(stack, "Bus").grant_put_events(role, sources=["orders"], env="SHOP_BUS")

    def test_an_archive_for_half_a_day(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as caught:
            EventBus(stack, "Bus", archive_retention=cdk.Duration.hours(12))
        assert str(caught.value) == (
            "archive_retention (0.5 days) is not a whole number of days\n"
            "  at:  Shop/Bus (EventBus)\n"
            "  fix: use Duration.days(30)"
        )

    def test_no_archive_without_a_reason(self, stack: cdk.Stack) -> None:
        no: Any = False
        with pytest.raises(PropError, match="archive is False"):
            EventBus(stack, "Bus", archive=no)


class TestEscapeHatches:
    def test_no_archive_leaves_the_reason_in_the_template(self, stack: cdk.Stack) -> None:
        EventBus(stack, "Bus", archive=Waived("events are rebuilt from the ledger"))
        template = template_of(stack)
        assert resources_of(template, "AWS::Events::Archive") == {}
        [bus] = resources_of(template, "AWS::Events::EventBus").values()
        assert bus["Metadata"]["constructs-lib:waived"] == {"archive": "events are rebuilt from the ledger"}

    def test_what_a_rule_is_made_of_is_reachable(self, stack: cdk.Stack) -> None:
        bus = EventBus(stack, "Bus")
        rule = bus.add_rule("OrderPlaced", PATTERN, SecureFunction(stack, "Audit", entry=ENTRY))
        assert isinstance(bus.bus, events.EventBus)
        assert isinstance(rule.rule, events.CfnRule)
        assert isinstance(rule.permission, lambda_.CfnPermission)
