"""A queue, its dead-letter queue, and the one function that drains it.

The numbers, and why:

- Visibility of six times the function's timeout, and the batching window on top: what AWS recommends, so that a batch
  that was throttled is tried again before its messages show up a second time.
  https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
- 5 receives before a message is dead: the least AWS recommends there, since a throttled call counts as a receive too.
- Batches of 10, and of 1 from a FIFO queue. What stands behind a failing message of its group goes back with it, and
  that counts as a receive: in one batch, good messages would die with the poison before them, untried.
- 14 days for dead letters, 4 for messages: in a standard queue a dead letter keeps the age it had, so it needs the
  longer life.
  https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.dynamo_table import DynamoTable
from constructs_lib.secure_function import FunctionProps, SecureFunction
from constructs_lib.wiring.dead_letters import DeadLetters
from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.function_alarms import of_function
from constructs_lib.wiring.key_use import use_through
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_queue import ExistingQueue, KnownQueue
from constructs_lib.wiring.queue_alarms import AlarmsOfQueue, QueueWorkerAlarms
from constructs_lib.wiring.queue_limits import (
    check_batch,
    check_concurrency,
    check_receives,
    check_retention,
    visibility_of,
    what_is_reserved,
)
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived, acknowledge, check_safeguards, record_waiver

# What Lambda's poller calls with the function's role, and no more.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-lambda-function-trigger.html
CONSUME = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")

# What the idempotency utilities of Powertools call, in Python and in TypeScript.
# https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/
IDEMPOTENCY_TABLE = "IDEMPOTENCY_TABLE"
IDEMPOTENCY_KEY = "id"
IDEMPOTENCY_EXPIRY = "expiration"
SHORT_LIVED = Waived("remembers for a while which messages were handled: each record expires by itself")

POLLED = (
    "Lambda polls the queue and invokes this function synchronously: what fails stays in the queue until its redrive "
    "policy moves it to the dead-letter queue, https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"
)
QUEUE_KEEPS = (
    "an event source mapping of SQS has no on-failure destination: the queue's redrive policy keeps what fails, "
    "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"
)


@jsii.implements(iam.IGrantable)
class QueueWorker(KnownQueue):
    """Define a queue whose messages one function receives in batches.

    Defines two queues (encrypted, TLS only), the function and its event source mapping. The function may consume the
    queue; nobody may send to it until you say so with `grant_send`. It answers with the messages it failed on
    (`batchItemFailures`), and only those come back. After `max_receive_count` receives a message moves to the dead
    letters. Send them back once their cause is mended:

        aws sqs start-message-move-task --source-arn <ARN of the dead-letter queue>

    Alarms go off with the first dead letter, and when messages wait; `Alerts` says whom they tell.

    Args:
        entry: The file that holds the handler, as for `SecureFunction`.
        batch_size: Messages a call, 1 to 10; up to 10,000 with a batching window; at most 10 for FIFO. Default: 10, and
            1 for FIFO, where good messages of a larger batch can die with the one they wait for.
        batching_window: How long Lambda gathers messages for a batch, up to 5 minutes; not for FIFO. Default: not at
            all.
        max_concurrency: The most calls at once, 2 to 1,000. Default: as many as are reserved for the function,
            where any are, or else as many as Lambda has.
        visibility_timeout: How long a received message stays hidden from other receivers. Default: six times the
            timeout of the function, plus the batching window.
        max_receive_count: How often a message is received before it is dead, 2 to 1,000; not beside waived `retries`.
        retention: How long a message may wait, less than 14 days. Default: 4 days.
        fifo: Keep the order of messages within a group; senders must name a message group.
        content_based_deduplication: Messages of the same body within 5 minutes are one; otherwise senders name a
            deduplication id. Only for FIFO.
        idempotent: Add a table in which the function remembers what it has handled: its name is in the variable
            `IDEMPOTENCY_TABLE`, its key is `id`, its expiry `expiration`, as Powertools expects.
        encryption_key: A key of your own for both queues, the idempotency table, and what topics, rules and schedules
            could not deliver here; one that was imported must admit SNS and EventBridge by itself. Default: that of the
            `Defaults`, or else keys that AWS manages.
        retries: `Waived(reason)` makes a message dead after one receive.
        alarms: Other thresholds than those of `QueueWorkerAlarms`, or `Waived(reason)` for one or all of them.
        function: Whatever else `SecureFunction` takes.

    Raises:
        PropError: The batch, window, concurrency, visibility or receives are out of bounds, or do not fit each other.

    Example:
        >>> emails = QueueWorker(stack, "Emails", entry="lambda_src/greeting/greet.ts", max_concurrency=5)
        >>> _ = emails.grant_send(greet, env="EMAILS_QUEUE")
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        entry: str,
        batch_size: int | None = None,
        batching_window: cdk.Duration | None = None,
        max_concurrency: int | None = None,
        visibility_timeout: cdk.Duration | None = None,
        max_receive_count: int = 5,
        retention: cdk.Duration | None = None,
        fifo: bool = False,
        content_based_deduplication: bool = False,
        idempotent: bool = False,
        encryption_key: kms.IKey | None = None,
        retries: Literal[True] | Waived = True,
        alarms: QueueWorkerAlarms | Waived | None = None,
        **function: Unpack[FunctionProps],
    ) -> None:
        super().__init__(scope, id)
        self.function = SecureFunction(self, "Function", entry=entry, alarms=of_function(alarms), **function)
        encryption_key = defaults_of(self).encryption_key if encryption_key is None else encryption_key
        retention = cdk.Duration.days(4) if retention is None else retention

        refusals = Refusals(self)
        check_safeguards({"retries": retries}, refusals)
        batch_size = (1 if fifo else 10) if batch_size is None else batch_size
        check_batch(batch_size, batching_window, fifo=fifo, refusals=refusals)
        check_concurrency(max_concurrency, self.function.reserved_concurrency, refusals)
        if max_concurrency is None:
            max_concurrency = what_is_reserved(self.function.reserved_concurrency)
        check_same_region("encryption_key", encryption_key, self, refusals)
        check_receives(max_receive_count, refusals, is_retried=retries is True)
        check_retention(retention, refusals)
        if content_based_deduplication and not fifo:
            refusals.refuse(
                "content_based_deduplication is for FIFO queues, and this one is standard",
                fix="set fifo=True, or idempotent=True to handle each message once",
            )
        hidden_for = visibility_of(self.function.timeout, batching_window, visibility_timeout, refusals)
        watched = AlarmsOfQueue(alarms, _all_tries(hidden_for, max_receive_count), retention)
        watched.check(refusals)
        refusals.stop_if_any()

        self.dead_letters = DeadLetters(
            self, "DeadLetters", fifo=fifo, of_queue=True, encryption_key=encryption_key, alarms=alarms
        )
        self.queue: sqs.Queue = sqs.Queue(
            self,
            "Queue",
            fifo=True if fifo else None,
            content_based_deduplication=content_based_deduplication if fifo else None,
            visibility_timeout=hidden_for,
            retention_period=retention,
            encryption=sqs.QueueEncryption.SQS_MANAGED if encryption_key is None else sqs.QueueEncryption.KMS,
            encryption_master_key=encryption_key,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters.queue, max_receive_count=max_receive_count if retries is True else 1
            ),
        )
        if isinstance(retries, Waived):
            record_waiver(self.queue, "retries", retries)

        self.idempotency_table: DynamoTable | None = None
        if idempotent:
            self.idempotency_table = self._remember()
        self.alarms: Sequence[cloudwatch.IAlarm] = watched.raise_for(self, self.queue)
        self._allow_consumption()
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function.called,
            event_source_arn=self.queue.queue_arn,
            batch_size=batch_size,
            max_batching_window=batching_window,
            max_concurrency=max_concurrency,
            report_batch_item_failures=True,
        )
        if self.function.identity.grants_policy is not None:
            # Lambda tries the permissions when the mapping is created.
            self.mapping.node.add_dependency(self.function.identity.grants_policy)
        acknowledge(self.mapping, QUEUE_KEEPS, "Serverless-LambdaEventSourceMappingDestination")
        acknowledge(self.function.function, POLLED, "Serverless-LambdaDLQ")

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The role of the function, which is what grants are given to."""
        return self.function.grant_principal

    @classmethod
    def from_existing(
        cls,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        queue: sqs.IQueue,
    ) -> ExistingQueue:
        """Stand for a queue that was made elsewhere, to let functions of this app send to it.

        What works on it is there, too: a queue has one owner who knows how long its messages take.

        Args:
            scope: The stack, or a construct in it.
            id: Its id there.
            queue: The L2: `Queue.from_queue_arn(...)`, or `from_queue_attributes`, which also takes its key.

        Raises:
            PropError: It is in another account or region.
        """
        return ExistingQueue(scope, id, queue=queue)

    def add_environment(self, name: str, value: str) -> None:
        """Set a variable of the function; see `SecureFunction.add_environment`."""
        self.function.add_environment(name, value)

    def _allow_consumption(self) -> None:
        self.function.add_to_role_policy(
            iam.PolicyStatement(sid="ConsumeQueue", actions=list(CONSUME), resources=[self.queue_arn])
        )
        if self.queue.encryption_master_key is not None:
            self.function.add_to_role_policy(use_through(self, self.queue.encryption_master_key, "sqs", "kms:Decrypt"))

    def _remember(self) -> DynamoTable:
        table = DynamoTable(
            self,
            "Idempotency",
            partition_key=IDEMPOTENCY_KEY,
            time_to_live_attribute=IDEMPOTENCY_EXPIRY,
            encryption_key=self.queue.encryption_master_key,
            point_in_time_recovery=True if defaults_of(self).hardened else SHORT_LIVED,
            deletion_protection=SHORT_LIVED,
            retain=SHORT_LIVED,
        )
        table.grant(self.function, "DeleteItem", "GetItem", "PutItem", "UpdateItem", env=IDEMPOTENCY_TABLE)
        return table


def _all_tries(hidden_for: cdk.Duration | None, receives: int) -> cdk.Duration | None:
    """How long a message may be tried, from its first receive to its death."""
    if hidden_for is None or hidden_for.is_unresolved() or cdk.Token.is_unresolved(receives):
        return None
    return cdk.Duration.millis(max(1, hidden_for.to_milliseconds() * receives))
