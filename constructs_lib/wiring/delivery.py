"""How EventBridge delivers, by a rule or by a schedule: how often, how long, and into which message group."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from constructs_lib.wiring.destination import HasQueue
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
MOST_RETRIES = 185
EVENT_AGE_SECONDS = range(60, 24 * 3600 + 1)
LONGEST_AGE = cdk.Duration.hours(24)


def check_delivery(retry_attempts: int, max_event_age: cdk.Duration, refusals: Refusals) -> None:
    """Note retries or an age beyond what EventBridge does."""
    if not cdk.Token.is_unresolved(retry_attempts) and not 0 <= retry_attempts <= MOST_RETRIES:
        refusals.refuse(
            f"retry_attempts is {retry_attempts}, wanted 0 to {MOST_RETRIES}",
            fix=f"leave retry_attempts out for {MOST_RETRIES}",
        )
    if max_event_age.is_unresolved():
        return
    seconds = max_event_age.to_seconds(integral=False)
    if seconds not in EVENT_AGE_SECONDS:
        refusals.refuse(
            f"max_event_age ({seconds:g} s) is not one EventBridge takes (60 s to 24 h)",
            fix="leave max_event_age out for 24 hours, or stay within these bounds",
        )


def check_message_group(target: object, message_group: str | None, refusals: Refusals) -> None:
    """Note a FIFO queue that would refuse the message, and a group on anything else.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
    """
    if not isinstance(target, HasQueue) or not target.queue.fifo:
        if message_group is not None:
            refusals.refuse("message_group is for FIFO queues, and the target is none", fix="leave message_group out")
        return
    path = target.queue.node.path
    if message_group is None:
        refusals.refuse(f"{path} is FIFO, and its messages need a group", fix='name one: message_group="orders"')
    if resource_of(target.queue, sqs.CfnQueue).content_based_deduplication is not True:
        refusals.refuse(
            f"{path} wants a deduplication id with each message, and EventBridge sends none",
            fix="give the queue content_based_deduplication=True",
        )
