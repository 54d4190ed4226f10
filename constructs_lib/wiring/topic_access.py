"""Who may publish to a topic: an AWS service on behalf of one source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from constructs_lib.wiring.key_use import admit_account_to_key
from constructs_lib.wiring.resource import resource_of

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

AWS_MANAGED_KEY = "alias/aws/sns"


def has_key_of_aws(topic: sns.Topic) -> bool:
    """Whether a topic is under the key whose policy AWS keeps, and which no service may use to publish.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    told = cdk.Stack.of(topic).resolve(resource_of(topic, sns.CfnTopic).kms_master_key_id)
    return AWS_MANAGED_KEY in str(told)


def admit_to_topic(topic: sns.Topic, service: str, source_arn: str) -> None:
    """Let an AWS service publish to a topic, for one source alone.

    Args:
        topic: The topic; its policy gains a statement, and that of its key where it has one.
        service: The service, `cloudwatch.amazonaws.com`.
        source_arn: The ARN of what it publishes for.
    """
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"ArnEquals": {"aws:SourceArn": source_arn}},
        )
    )
    key: kms.IKey | None = topic.master_key
    if key is not None:
        # The source refers to the topic (an alarm's action, a rule's target) and the topic to its key: were the key to
        # name the source, that would be a cycle. The topic's own policy, on which nothing waits, does name it.
        admit_account_to_key(key, service, cdk.Stack.of(topic).account)
