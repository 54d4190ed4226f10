"""What a FIFO queue or topic wants to know of a message, and a standard one does not take.

A group is welcome at both: at a standard queue it keeps one busy sender from delaying the others.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib.workflow_steps.expression import Value, is_expression, is_malformed
from constructs_lib.workflow_steps.json_value import Misfit, is_token

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
PLAIN = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")


@dataclass(frozen=True, slots=True)
class MessageOrder:
    """How a queue or a topic orders messages.

    Args:
        kind: `queue` or `topic`.
        is_fifo: Whether it keeps order; none if nobody knows.
        tells_by_content: Whether it tells two messages apart by what they say; none if nobody knows.
    """

    kind: str
    is_fifo: bool | None
    tells_by_content: bool | None

    @classmethod
    def of_queue(cls, queue: sqs.IQueue) -> MessageOrder:
        """The order of a queue; of one from elsewhere, what its name says."""
        cfn = queue.node.default_child
        if isinstance(queue, sqs.Queue) and isinstance(cfn, sqs.CfnQueue):
            by_content = cfn.content_based_deduplication
            known = None if by_content is not None and not isinstance(by_content, bool) else bool(by_content)
            return cls("queue", bool(queue.fifo), known)
        return cls("queue", queue.fifo or _from_name(queue.queue_arn), None)

    @classmethod
    def of_topic(cls, topic: sns.ITopic) -> MessageOrder:
        """The order of a topic; of one from elsewhere, what its name says."""
        if isinstance(topic, sns.Topic):
            return cls("topic", bool(topic.fifo), bool(topic.content_based_deduplication))
        return cls("topic", topic.fifo or _from_name(topic.topic_arn), topic.content_based_deduplication or None)

    def problems(self, name: str, verb: str, group: Value, deduplication_id: Value) -> Iterator[Misfit]:
        """What is wrong with a message for it."""
        if self.is_fifo and group is None:
            yield (
                f"{name!r} {verb} to a FIFO {self.kind} without a group",
                'name one: group="{% $states.input.customer %}"',
            )
        if self.is_fifo and deduplication_id is None and self.tells_by_content is False:
            fix = (
                f'name it: deduplication_id="{{% $states.context.Execution.Id %}}", or give the {self.kind} '
                "content_based_deduplication=True"
            )
            yield (
                f"{name!r} {verb} to a FIFO {self.kind} that cannot tell a message from one sent before",
                fix,
            )
        if self.is_fifo is False and deduplication_id is not None:
            yield (
                f"{name!r} {verb} with a deduplication_id, and the {self.kind} is a standard one, which takes none",
                f"leave deduplication_id out, or make the {self.kind} FIFO",
            )
        for word, value in (("group", group), ("deduplication_id", deduplication_id)):
            if isinstance(value, str) and not _is_computed(value) and not PLAIN.fullmatch(value):
                yield (
                    f"{name!r} has the {word} {value!r}, wanted 1 to 128 letters, digits and punctuation",
                    "leave out blanks and other alphabets",
                )


def _is_computed(value: str) -> bool:
    return is_expression(value) or is_malformed(value) or is_token(value)


def _from_name(arn: str) -> bool | None:
    return None if cdk.Token.is_unresolved(arn) else arn.endswith(".fifo")
