"""How EventBridge delivers, by a rule or by a schedule: how often, how long, and into which message group."""

from __future__ import annotations

import re

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from constructs_lib.wiring.destination import HasQueue
from constructs_lib.wiring.durations import check_duration, check_known
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
MOST_RETRIES = 185
EVENT_AGE_SECONDS = range(60, 24 * 3600 + 1)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
MESSAGE_GROUP = re.compile(r"[!-~]{1,128}")
LONGEST_AGE = cdk.Duration.hours(24)


# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
LONGEST_DESCRIPTION = 512

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
REACH = "EventBridge calls targets of its own account and region alone"
REACH_FIX = "put both into one region; to another one, let a rule send the events on to a bus over there"


def check_description(description: str | None, refusals: Refusals) -> None:
    """Note a description that is too long."""
    if description is None or cdk.Token.is_unresolved(description) or len(description) <= LONGEST_DESCRIPTION:
        return
    refusals.refuse(
        f"description has {len(description)} characters, and EventBridge takes {LONGEST_DESCRIPTION}", fix="shorten it"
    )


def shortened(description: str) -> str:
    """A description that was made up, cut where it is too long."""
    return description if len(description) <= LONGEST_DESCRIPTION else f"{description[: LONGEST_DESCRIPTION - 3]}..."


def check_delivery(
    retry_attempts: int, max_event_age: cdk.Duration, refusals: Refusals, *, takes_tokens: bool = True
) -> None:
    """Note retries or an age beyond what EventBridge does; or not known yet, where CDK's L2 checks them at once."""
    if not takes_tokens:
        check_known("retry_attempts", retry_attempts, refusals)
        check_known("max_event_age", max_event_age, refusals)
    if not cdk.Token.is_unresolved(retry_attempts) and not 0 <= retry_attempts <= MOST_RETRIES:
        refusals.refuse(
            f"retry_attempts is {retry_attempts}, wanted 0 to {MOST_RETRIES}",
            fix=f"leave retry_attempts out for {MOST_RETRIES}",
        )
    check_duration(
        "max_event_age",
        max_event_age,
        EVENT_AGE_SECONDS,
        refusals,
        wanted="is not one EventBridge takes (60 s to 24 h)",
        fix="leave max_event_age out for 24 hours, or stay within these bounds",
    )


def check_message_group(target: object, message_group: str | None, refusals: Refusals) -> None:
    """Note a FIFO queue that would refuse the message, and a group on anything else.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
    """
    if isinstance(target, HasQueue) and not isinstance(target.queue, sqs.Queue):
        return  # no receiver, as was said
    if not isinstance(target, HasQueue) or not target.queue.fifo:
        if message_group is not None:
            refusals.refuse("message_group is for FIFO queues, and the target is none", fix="leave message_group out")
        return
    path = target.queue.node.path
    if message_group is None:
        refusals.refuse(f"{path} is FIFO, and its messages need a group", fix='name one: message_group="orders"')
    elif not cdk.Token.is_unresolved(message_group) and MESSAGE_GROUP.fullmatch(message_group) is None:
        refusals.refuse(
            f"message_group is {message_group!r}, which SQS does not take",
            fix="use 1 to 128 letters, digits and punctuation, without spaces",
        )
    if resource_of(target.queue, sqs.CfnQueue).content_based_deduplication is not True:
        refusals.refuse(
            f"{path} wants a deduplication id with each message, and EventBridge sends none",
            fix="give the queue content_based_deduplication=True",
        )
