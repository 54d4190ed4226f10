"""What the CDK gives a team for all L2s works on the L2s inside of our constructs too, beside the Defaults."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct, IMixin

from constructs_lib import Defaults, DynamoTable, QueueWorker, SecureFunction
from tests.templates import resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"


@jsii.implements(cdk.IPropertyInjector)
class LongPolling:
    """Every queue waits for messages instead of asking again and again."""

    @property
    def construct_unique_id(self) -> str:
        return str(sqs.Queue.PROPERTY_INJECTION_ID)

    @jsii.member(jsii_name="inject")
    def inject(self, original_props: Any, *, scope: Any, id: str) -> Any:  # noqa: A002, ARG002 - CDK's names
        return {**original_props, "receiveMessageWaitTime": cdk.Duration.seconds(20)}


@jsii.implements(IMixin)
class ArchivedLogs:
    """Every log group is of the class for logs that are hardly read."""

    def supports(self, construct: IConstruct) -> bool:
        return isinstance(construct, logs.CfnLogGroup)

    def apply_to(self, construct: IConstruct) -> None:
        assert isinstance(construct, logs.CfnLogGroup)
        construct.log_group_class = "INFREQUENT_ACCESS"


@jsii.implements(cdk.IAspect)
class MoreCapacity:
    """Every queue keeps messages for a week."""

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, sqs.CfnQueue):
            node.message_retention_period = 604_800


def queues_of(stack: cdk.Stack) -> list[dict[str, Any]]:
    return [each["Properties"] for each in resources_of(template_of(stack), "AWS::SQS::Queue").values()]


def test_property_injectors_reach_the_l2s_inside(app: cdk.App, stack: cdk.Stack) -> None:
    cdk.PropertyInjectors.of(app).add(LongPolling())
    Defaults(log_retention=logs.RetentionDays.ONE_WEEK).apply(app)
    QueueWorker(stack, "Emails", entry=ENTRY)
    assert [each["ReceiveMessageWaitTimeSeconds"] for each in queues_of(stack)] == [20, 20]
    [group] = resources_of(template_of(stack), "AWS::Logs::LogGroup").values()
    assert group["Properties"]["RetentionInDays"] == 7


def test_mixins_reach_the_l2s_inside(stack: cdk.Stack) -> None:
    SecureFunction(stack, "Report", entry=ENTRY)
    cdk.Mixins.of(stack).apply(ArchivedLogs())
    [group] = resources_of(template_of(stack), "AWS::Logs::LogGroup").values()
    assert group["Properties"]["LogGroupClass"] == "INFREQUENT_ACCESS"


def test_aspects_come_after_defaults_and_arguments(app: cdk.App, stack: cdk.Stack) -> None:
    Defaults.dev().apply(app)
    QueueWorker(stack, "Emails", entry=ENTRY, retention=cdk.Duration.days(2))
    cdk.Aspects.of(app).add(MoreCapacity())
    assert {each["MessageRetentionPeriod"] for each in queues_of(stack)} == {604_800}


def test_removal_policies_of_the_cdk_have_the_last_word(app: cdk.App, stack: cdk.Stack) -> None:
    Defaults.dev().apply(app)
    DynamoTable(stack, "Users", partition_key="id")
    cdk.RemovalPolicies.of(stack).retain()
    [table] = resources_of(template_of(stack), "AWS::DynamoDB::Table").values()
    assert table["DeletionPolicy"] == "Retain"
