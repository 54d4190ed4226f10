"""Who may put messages into a queue: a role, or an AWS service on behalf of one source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from constructs_lib.wiring.key_use import SENDER_ACTIONS, admit_to_key, use_through

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

# Batches are authorized as the same action.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
SEND = "sqs:SendMessage"


def send_statements(scope: Construct, queue: sqs.IQueue) -> list[iam.PolicyStatement]:
    """What a role needs to send to a queue: one action, and its key where it has one of its own."""
    statements = [iam.PolicyStatement(actions=[SEND], resources=[queue.queue_arn])]
    if queue.encryption_master_key is not None:
        statements.append(use_through(scope, queue.encryption_master_key, "sqs", *SENDER_ACTIONS))
    return statements


def admit_to_queue(queue: sqs.IQueue, service: str, source_arn: str, *, key_source: str | None = None) -> None:
    """Let an AWS service send to a queue, for one source alone.

    Args:
        queue: The queue; its policy gains a statement.
        service: The service, `events.amazonaws.com`.
        source_arn: The ARN of the rule or topic it acts for.
        key_source: The same for the policy of the queue's own key. Default: `source_arn`.
    """
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)],
            actions=[SEND],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": source_arn}},
        )
    )
    if queue.encryption_master_key is not None:
        admit_to_key(queue.encryption_master_key, service, source_arn if key_source is None else key_source)
