from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import (
    DynamoTable,
    Iam,
    PropError,
    QueueWorker,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    Topic,
    Waived,
)
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, show, template_of

ENTRY = "lambda_src/greeting/greet.ts"
TOPIC = "OrdersTopic8A68B7A2"


def subscription_in(template: dict[str, Any]) -> dict[str, Any]:
    [subscription] = resources_of(template, "AWS::SNS::Subscription").values()
    properties = subscription["Properties"]
    assert isinstance(properties, dict)
    return properties


def statements_about(template: dict[str, Any], queue: str) -> list[dict[str, Any]]:
    """The statements of a queue's own policy."""
    [policy] = [
        each
        for each in resources_of(template, "AWS::SQS::QueuePolicy").values()
        if each["Properties"]["Queues"] == [{"Ref": queue}]
    ]
    return list(policy["Properties"]["PolicyDocument"]["Statement"])


def published(template: dict[str, Any]) -> set[tuple[str, str]]:
    """What the function Sender may do with topics and keys."""
    return {
        (action, resource)
        for action, resource in permissions_of(template, "SenderIdentityRole")
        if action.startswith(("sns:", "kms:"))
    }


class TestDefaults:
    def test_encrypted_under_the_key_of_the_account_and_tls_only(self, stack: cdk.Stack) -> None:
        Topic(stack, "Orders")
        template = template_of(stack)
        assert resources_of(template, "AWS::SNS::Topic")[TOPIC]["Properties"] == {"KmsMasterKeyId": "alias/aws/sns"}
        [policy] = resources_of(template, "AWS::SNS::TopicPolicy").values()
        [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Deny", "sns:Publish")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_the_logical_id_of_the_topic_stays(self, stack: cdk.Stack) -> None:
        Topic(stack, "Orders")
        assert list(resources_of(template_of(stack), "AWS::SNS::Topic")) == [TOPIC]

    def test_a_key_of_ones_own(self, stack: cdk.Stack) -> None:
        Topic(stack, "Orders", encryption_key=kms.Key(stack, "Key"))
        topic = resources_of(template_of(stack), "AWS::SNS::Topic")[TOPIC]
        assert topic["Properties"] == {"KmsMasterKeyId": {"Fn::GetAtt": ["Key961B73FD", "Arn"]}}

    def test_cdk_nag_finds_nothing(self, stack: cdk.Stack) -> None:
        topic = Topic(stack, "Orders")
        topic.subscribe(QueueWorker(stack, "Emails", entry=ENTRY))
        topic.subscribe(SecureFunction(stack, "Audit", entry=ENTRY))
        assert findings_of(stack) == []


class TestSubscriptions:
    def test_a_worker_gets_bare_messages_and_what_cannot_be_delivered_is_kept(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        subscription = Topic(stack, "Orders").subscribe(worker)
        template = template_of(stack)
        undelivered = cdk.Stack.of(stack).resolve(subscription.dead_letters.queue_arn)
        assert subscription_in(template) == {
            "TopicArn": {"Ref": TOPIC},
            "Protocol": "sqs",
            "Endpoint": {"Fn::GetAtt": ["EmailsQueueF3588977", "Arn"]},
            "RawMessageDelivery": True,
            "RedrivePolicy": {"deadLetterTargetArn": undelivered},
        }

    def test_the_queues_admit_this_topic_and_nobody_else(self, stack: cdk.Stack) -> None:
        Topic(stack, "Orders").subscribe(QueueWorker(stack, "Emails", entry=ENTRY))
        template = template_of(stack)
        for queue in ("EmailsQueueF3588977", "EmailsOrdersUndeliveredQueue49DC391A"):
            [allowed] = [each for each in statements_about(template, queue) if each["Effect"] == "Allow"]
            assert allowed == {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": {"Fn::GetAtt": [queue, "Arn"]},
                "Condition": {"ArnEquals": {"aws:SourceArn": {"Ref": TOPIC}}},
            }

    def test_a_function_may_be_invoked_by_this_topic_and_keeps_what_it_fails_on(self, stack: cdk.Stack) -> None:
        audit = SecureFunction(stack, "Audit", entry=ENTRY)
        Topic(stack, "Orders").subscribe(audit)
        template = template_of(stack)
        [function] = resources_of(template, "AWS::Lambda::Function")
        [permission] = resources_of(template, "AWS::Lambda::Permission").values()
        assert permission["Properties"] == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Fn::GetAtt": [function, "Arn"]},
            "Principal": "sns.amazonaws.com",
            "SourceArn": {"Ref": TOPIC},
        }
        assert subscription_in(template)["Protocol"] == "lambda"
        assert "RawMessageDelivery" not in subscription_in(template)
        [config] = resources_of(template, "AWS::Lambda::EventInvokeConfig").values()
        assert "AuditFailedEvents" in show(config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])

    def test_a_function_that_drops_failures_for_a_reason_still_does(self, stack: cdk.Stack) -> None:
        audit = SecureFunction(stack, "Audit", entry=ENTRY, on_failure=Waived("counted elsewhere"))
        Topic(stack, "Orders").subscribe(audit)
        [config] = resources_of(template_of(stack), "AWS::Lambda::EventInvokeConfig").values()
        assert "DestinationConfig" not in config["Properties"]

    def test_a_function_behind_an_api_may_subscribe_too(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        both = SecureApiFunction(stack, "Both", api=api, route="POST /orders", entry=ENTRY)
        Topic(stack, "Orders").subscribe(both)
        assert len(resources_of(template_of(stack), "AWS::Lambda::EventInvokeConfig")) == 1

    @pytest.mark.parametrize(
        ("props", "scope"),
        [({}, "MessageAttributes"), ({"filter_on": "body"}, "MessageBody")],
        ids=["attributes", "body"],
    )
    def test_filters(self, stack: cdk.Stack, props: dict[str, Any], scope: str) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        Topic(stack, "Orders").subscribe(worker, filter={"kind": ["placed", {"prefix": "re"}]}, **props)
        subscription = subscription_in(template_of(stack))
        assert subscription["FilterPolicy"] == {"kind": ["placed", {"prefix": "re"}]}
        assert subscription["FilterPolicyScope"] == scope

    def test_filters_on_the_body_may_be_nested(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        Topic(stack, "Orders").subscribe(worker, filter={"order": {"kind": ["placed"]}}, filter_on="body")
        assert subscription_in(template_of(stack))["FilterPolicy"] == {"order": {"kind": ["placed"]}}

    def test_one_worker_may_subscribe_to_topics_of_the_same_name(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        for name in ("Shop", "Depot"):
            Topic(Construct(stack, name), "Orders").subscribe(worker)
        assert len(resources_of(template_of(stack), "AWS::SNS::Subscription")) == 2

    def test_the_stack_of_the_receiver_depends_on_that_of_the_topic(self, app: cdk.App, stack: cdk.Stack) -> None:
        elsewhere = cdk.Stack(app, "Mail")
        topic = Topic(stack, "Orders")
        worker = QueueWorker(elsewhere, "Emails", entry=ENTRY)
        topic.subscribe(worker)
        topic.subscribe(SecureFunction(elsewhere, "Audit", entry=ENTRY))
        app.synth()
        assert [each.node.path for each in elsewhere.dependencies] == ["Shop"]
        assert stack.dependencies == []
        assert len(resources_of(template_of(elsewhere), "AWS::SNS::Subscription")) == 2

    def test_a_queue_under_a_key_admits_the_topic_to_the_key(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, encryption_key=kms.Key(stack, "Key"))
        Topic(stack, "Orders").subscribe(worker)
        [key] = resources_of(template_of(stack), "AWS::KMS::Key").values()
        [admitted] = [each for each in key["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
        assert admitted["Principal"] == {"Service": "sns.amazonaws.com"}
        assert sorted(admitted["Action"]) == ["kms:Decrypt", "kms:GenerateDataKey"]
        assert admitted["Condition"] == {"ArnLike": {"aws:SourceArn": {"Ref": TOPIC}}}

    def test_a_key_that_topic_and_queue_share_closes_no_cycle(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        worker = QueueWorker(stack, "Emails", entry=ENTRY, encryption_key=key)
        Topic(stack, "Orders", encryption_key=key).subscribe(worker)
        [name] = resources_of(template_of(stack), "AWS::KMS::Key")
        [resource] = resources_of(template_of(stack), "AWS::KMS::Key").values()
        [admitted] = [
            each for each in resource["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]
        ]
        assert show(admitted["Condition"]["ArnLike"]["aws:SourceArn"]).endswith(":AWS::AccountId:*")
        assert name not in show(admitted["Condition"])


class TestGrants:
    def test_exactly_publish_on_exactly_this_topic(self, stack: cdk.Stack) -> None:
        sender = SecureFunction(stack, "Sender", entry=ENTRY)
        Topic(stack, "Orders").grant_publish(sender, env="ORDERS_TOPIC")
        template = template_of(stack)
        assert published(template) == {("sns:Publish", TOPIC)}
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["ORDERS_TOPIC"] == {"Ref": TOPIC}

    def test_a_key_of_ones_own_is_used_through_sns_only(self, stack: cdk.Stack) -> None:
        sender = SecureFunction(stack, "Sender", entry=ENTRY)
        Topic(stack, "Orders", encryption_key=kms.Key(stack, "Key")).grant_publish(sender)
        keys = {(action, resource) for action, resource in published(template_of(stack)) if action.startswith("kms:")}
        assert {action for action, _ in keys} == {"kms:Decrypt", "kms:GenerateDataKey"}
        assert all(resource.startswith("Key961B73FD.Arn if ") and "sns." in resource for _, resource in keys)

    def test_a_service_is_admitted_for_one_source_to_the_topic_and_for_the_account_to_the_key(
        self, stack: cdk.Stack
    ) -> None:
        topic = Topic(stack, "Orders", encryption_key=kms.Key(stack, "Key"))
        alarm = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:late"
        topic.admit_service("cloudwatch.amazonaws.com", source_arn=alarm)
        template = template_of(stack)
        [policy] = resources_of(template, "AWS::SNS::TopicPolicy").values()
        [allowed] = [each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
        assert allowed == {
            "Sid": "1",  # the L2 numbers what it is given
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": {"Ref": TOPIC},
            "Condition": {"ArnEquals": {"aws:SourceArn": alarm}},
        }
        [key] = resources_of(template, "AWS::KMS::Key").values()
        [admitted] = [each for each in key["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
        # The key names the account alone: an alarm refers to its topic, and the topic to its key.
        assert admitted["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


class TestRefusals:
    def refused(self, stack: cdk.Stack, receiver: Any, **props: Any) -> str:
        with pytest.raises(PropError) as caught:
            Topic(stack, "Orders").subscribe(receiver, **props)
        return str(caught.value)

    def test_a_fifo_queue(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, QueueWorker(stack, "Emails", entry=ENTRY, fifo=True)) == (
            "Shop/Emails/Queue is FIFO, and a standard topic does not deliver to it\n"
            "  at:  Shop/Orders (Topic)\n"
            "  fix: subscribe a standard queue: fifo=False"
        )

    def test_what_cannot_receive(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, DynamoTable(stack, "Users", partition_key="id")) == (
            "a DynamoTable cannot subscribe\n"
            "  at:  Shop/Orders (Topic)\n"
            "  fix: subscribe a QueueWorker or a SecureFunction"
        )

    @pytest.mark.parametrize(
        ("policy", "what", "fix"),
        [
            ({}, "filter is empty: it would let every message through", "leave filter out"),
            (
                {"kind": "placed"},
                "filter asks kind for 'placed', wanted a list of what it may be",
                'write a list: filter={"kind": ["..."]}',
            ),
            (
                {"order": {"kind": ["placed"]}},
                "filter asks order for {'kind': ['placed']}, wanted a list of what it may be",
                'write a list: filter={"order": ["..."]}',
            ),
            (
                {name: ["x"] for name in "abcdef"},
                "filter has 6 keys, and SNS takes 5",
                "filter on fewer keys",
            ),
        ],
    )
    def test_filters_that_sns_does_not_take(self, stack: cdk.Stack, policy: Any, what: str, fix: str) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        assert self.refused(stack, worker, filter=policy) == f"{what}\n  at:  Shop/Orders (Topic)\n  fix: {fix}"

    def test_a_filter_on_something_else(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        assert "filter_on is 'header'" in self.refused(stack, worker, filter={"kind": ["x"]}, filter_on="header")

    def test_a_service_that_may_not_use_the_key(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as caught:
            Topic(stack, "Orders").admit_service("s3.amazonaws.com", source_arn="arn:aws:s3:::uploads")
        assert str(caught.value) == (
            "s3.amazonaws.com may not use the key aws/sns, whose policy AWS keeps: its messages would be dropped\n"
            "  at:  Shop/Orders (Topic)\n"
            "  fix: give the topic a key: encryption_key=kms.Key(..., enable_key_rotation=True)"
        )

    def test_a_grant_to_a_whole_service(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as caught:
            Topic(stack, "Orders").grant_publish(iam.ServicePrincipal("s3.amazonaws.com"))
        assert 'say on whose behalf: admit_service("s3.amazonaws.com", source_arn=...)' in str(caught.value)

    def test_a_variable_on_something_without_variables(self, stack: cdk.Stack) -> None:
        role = iam.Role(stack, "Partner", assumed_by=iam.AccountPrincipal("111122223333"))
        with pytest.raises(PropError, match="env='ORDERS_TOPIC' needs a function to set it on, got a Role"):
            Topic(stack, "Orders").grant_publish(role, env="ORDERS_TOPIC")


class TestEscapeHatches:
    def test_every_l2_is_reachable(self, stack: cdk.Stack) -> None:
        topic = Topic(stack, "Orders")
        audit = SecureFunction(stack, "Audit", entry=ENTRY)
        subscription = topic.subscribe(audit)
        assert isinstance(topic.topic, sns.Topic)
        assert isinstance(subscription.subscription, sns.Subscription)
        assert isinstance(subscription.permission, lambda_.CfnPermission)
