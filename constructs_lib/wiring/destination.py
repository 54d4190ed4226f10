"""Where failed work goes: a queue or a topic, and what sending there takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast, runtime_checkable

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.key_use import SENDER_ACTIONS, use_through
from constructs_lib.wiring.queue_access import send_statements

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.wiring.refusals import Refusals


@runtime_checkable
class HasQueue(Protocol):
    """A construct around a queue: dead letters, or a worker."""

    @property
    def queue(self) -> sqs.Queue:
        """The queue."""


@runtime_checkable
class HasTopic(Protocol):
    """A construct around a topic."""

    @property
    def topic(self) -> sns.Topic:
        """The topic."""


FailureDestination: TypeAlias = HasQueue | HasTopic | sqs.IQueue | sns.ITopic


@dataclass(frozen=True, slots=True)
class Destination:
    """A queue or a topic.

    Args:
        arn: Its ARN.
        statements: What a role needs to send there.
    """

    arn: str
    statements: list[iam.PolicyStatement]


def check_destination(name: str, value: object, bearer: Construct, refusals: Refusals) -> None:
    """Note a destination that is no queue or topic, or one that Lambda does not send to.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    inner = value.queue if isinstance(value, HasQueue) else value.topic if isinstance(value, HasTopic) else value
    if not (hasattr(inner, "queue_arn") or hasattr(inner, "topic_arn")):
        refusals.refuse(f"{name} is a {type(value).__name__}, wanted a queue or a topic", fix="pass the construct")
    elif getattr(inner, "fifo", False):
        refusals.refuse(
            f"{name} is FIFO, and Lambda sends failures to standard queues and topics only",
            fix=f"leave {name} out for a queue of its own, or pass a standard one",
        )
    else:
        check_same_region(name, inner, bearer, refusals)


def destination_of(scope: Construct, value: FailureDestination) -> Destination:
    """The ARN of a destination, and what sending there takes."""
    if isinstance(value, HasQueue):
        return destination_of(scope, value.queue)
    if isinstance(value, HasTopic):
        return destination_of(scope, value.topic)
    if hasattr(value, "queue_arn"):
        queue = cast("sqs.IQueue", value)
        return Destination(queue.queue_arn, send_statements(scope, queue))
    return Destination(value.topic_arn, publish_statements(scope, value))


def publish_statements(scope: Construct, topic: sns.ITopic) -> list[iam.PolicyStatement]:
    """What a role needs to publish to a topic: one action, and its key where it has one of its own."""
    statements = [iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn])]
    if topic.master_key is not None:
        statements.append(use_through(scope, topic.master_key, "sns", *SENDER_ACTIONS))
    return statements
