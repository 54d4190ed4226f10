"""A queue, its dead-letter queue, and the one function that drains it.

The numbers, and why:

- Visibility of six times the function's timeout, and the batching window on top: what AWS recommends, so that a batch
  that was throttled is tried again before its messages show up a second time.
  https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
- 5 receives before a message is dead: the least AWS recommends there, since a throttled call counts as a receive too.
- 14 days for dead letters, 4 for messages: a dead letter keeps the age it had, so it needs the longer life.
  https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from __future__ import annotations

from typing import Literal, Unpack

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.dynamo_table import DynamoTable
from constructs_lib.secure_function import FunctionProps, SecureFunction
from constructs_lib.wiring.dead_letters import RETENTION, DeadLetters
from constructs_lib.wiring.key_use import use_through
from constructs_lib.wiring.queue_access import SEND, send_statements
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.variables import check_takes_variable, set_variable
from constructs_lib.wiring.waiver import Waived, acknowledge, check_safeguards, record_waiver

VISIBILITY_TIMEOUTS = 6  # function timeouts a message stays hidden
LONGEST_VISIBILITY_SECONDS = 12 * 3600
LONGEST_WINDOW_SECONDS = 300

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
BATCH_SIZE = range(1, 10_000 + 1)
BATCH_SIZE_WITHOUT_WINDOW = 10
BATCH_SIZE_FIFO = 10
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
MAX_CONCURRENCY = range(2, 1000 + 1)
MAX_RECEIVE_COUNT = range(2, 1000 + 1)

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
class QueueWorker(Construct):
    """Define a queue whose messages one function receives in batches.

    Defines two queues (encrypted, TLS only), the function and its event source mapping. The function may consume the
    queue; nobody may send to it until you say so with `grant_send`. It answers with the messages it failed on
    (`batchItemFailures`), and only those come back. After `max_receive_count` receives a message moves to the dead
    letters. Send them back once their cause is mended:

        aws sqs start-message-move-task --source-arn <ARN of the dead-letter queue>

    Args:
        entry: The file that holds the handler, as for `SecureFunction`.
        batch_size: Messages a call, 1 to 10; up to 10,000 with a batching window; at most 10 for FIFO.
        batching_window: How long Lambda gathers messages for a batch, up to 5 minutes; not for FIFO. Default: not at
            all.
        max_concurrency: The most calls at once, 2 to 1,000. Default: as many as Lambda has.
        visibility_timeout: How long a received message stays hidden from other receivers. Default: six times the
            timeout of the function, plus the batching window.
        max_receive_count: How often a message is received before it is dead, 2 to 1,000.
        retention: How long a message may wait, less than 14 days. Default: 4 days.
        fifo: Keep the order of messages within a group; senders must name a message group.
        content_based_deduplication: Messages of the same body within 5 minutes are one; otherwise senders name a
            deduplication id. Only for FIFO.
        idempotent: Add a table in which the function remembers what it has handled: its name is in the variable
            `IDEMPOTENCY_TABLE`, its key is `id`, its expiry `expiration`, as Powertools expects.
        encryption_key: A key of your own for both queues. Default: a key that SQS manages.
        retries: `Waived(reason)` makes a message dead after one receive.
        function: Whatever else `SecureFunction` takes.

    Raises:
        PropError: The batch, window, concurrency, visibility or receives are out of bounds, or do not fit each other.

    Example:
        >>> emails = QueueWorker(stack, "Emails", entry="lambda_src/greeting/greet.ts", max_concurrency=5)
        >>> _ = emails.grant_send(greet, env="EMAILS_QUEUE")
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        entry: str,
        batch_size: int = 10,
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
        **function: Unpack[FunctionProps],
    ) -> None:
        super().__init__(scope, id)
        self.function = SecureFunction(self, "Function", entry=entry, **function)
        retention = cdk.Duration.days(4) if retention is None else retention

        refusals = Refusals(self)
        check_safeguards({"retries": retries}, refusals)
        _check_batch(batch_size, batching_window, fifo=fifo, refusals=refusals)
        _check_concurrency(max_concurrency, function.get("reserved_concurrency"), refusals)
        _check_receives(max_receive_count, refusals)
        if content_based_deduplication and not fifo:
            refusals.refuse(
                "content_based_deduplication is for FIFO queues, and this one is standard",
                fix="set fifo=True, or idempotent=True to handle each message once",
            )
        if not retention.is_unresolved() and retention.to_seconds() >= RETENTION.to_seconds():
            refusals.refuse(
                f"retention ({retention.to_days(integral=False):g} days) leaves a dead letter no time: it keeps its "
                "age, and is gone after 14 days",
                fix="leave retention out for 4 days, or stay well below 14",
            )
        hidden_for = self._visibility(visibility_timeout, batching_window, refusals)
        refusals.stop_if_any()

        self.dead_letters = DeadLetters(self, "DeadLetters", fifo=fifo, of_queue=True, encryption_key=encryption_key)
        self.queue = sqs.Queue(
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
        self._allow_consumption()
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function.function,
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

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue."""
        return self.queue.queue_arn

    @property
    def queue_url(self) -> str:
        """The URL of the queue."""
        return self.queue.queue_url

    def add_environment(self, name: str, value: str) -> None:
        """Set a variable of the function; see `SecureFunction.add_environment`."""
        self.function.add_environment(name, value)

    def grant_send(self, grantee: iam.IGrantable, *, env: str | None = None) -> iam.Grant:
        """Let somebody send messages, one by one or in batches: exactly `sqs:SendMessage` on the queue.

        Args:
            grantee: A function, or anything else with a role.
            env: Also set this variable of the function to the queue's URL.

        Raises:
            PropError: There is no function to set the variable on.
        """
        refusals = Refusals(self)
        check_takes_variable(grantee, env, refusals)
        refusals.stop_if_any()
        granted = iam.Grant.add_to_principal(grantee=grantee, actions=[SEND], resource_arns=[self.queue_arn])
        for statement in send_statements(self, self.queue)[1:]:
            grantee.grant_principal.add_to_principal_policy(statement)
        set_variable(grantee, env, self.queue_url)
        return granted

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
            point_in_time_recovery=SHORT_LIVED,
            deletion_protection=SHORT_LIVED,
            retain=SHORT_LIVED,
        )
        table.grant(self.function, "DeleteItem", "GetItem", "PutItem", "UpdateItem", env=IDEMPOTENCY_TABLE)
        return table

    def _visibility(
        self, stated: cdk.Duration | None, window: cdk.Duration | None, refusals: Refusals
    ) -> cdk.Duration | None:
        timeout = self.function.timeout
        if timeout.is_unresolved() or (window is not None and window.is_unresolved()):
            if stated is None:
                refusals.refuse(
                    "visibility_timeout cannot be computed: the timeout or the batching window is known at deploy only",
                    fix="state visibility_timeout, six times the timeout plus the window",
                )
            return stated
        gathering = 0 if window is None else window.to_seconds()
        if stated is None:
            return cdk.Duration.seconds(VISIBILITY_TIMEOUTS * timeout.to_seconds() + gathering)
        if stated.is_unresolved():
            return stated
        if stated.to_seconds() < timeout.to_seconds() + gathering:
            refusals.refuse(
                f"visibility_timeout ({stated.to_seconds():g} s) is shorter than the timeout of the function"
                f"{' and the batching window' if gathering else ''} ({timeout.to_seconds() + gathering:g} s): messages "
                "would be delivered twice",
                fix="leave visibility_timeout out, or lower the timeout of the function",
            )
        elif stated.to_seconds() > LONGEST_VISIBILITY_SECONDS:
            refusals.refuse(
                f"visibility_timeout ({stated.to_seconds():g} s) is longer than SQS allows (43200 s)",
                fix="leave visibility_timeout out for six times the timeout of the function",
            )
        return stated


def _check_batch(batch_size: int, window: cdk.Duration | None, *, fifo: bool, refusals: Refusals) -> None:
    gathering = 0.0
    if window is not None and not window.is_unresolved():
        gathering = window.to_seconds()
        if fifo:
            refusals.refuse("batching_window is not for FIFO queues", fix="leave batching_window out")
        elif not 0 <= gathering <= LONGEST_WINDOW_SECONDS:
            refusals.refuse(
                f"batching_window ({gathering:g} s) is longer than Lambda waits (300 s)",
                fix="lower it, or leave it out",
            )
    if cdk.Token.is_unresolved(batch_size):
        return
    if batch_size not in BATCH_SIZE:
        refusals.refuse(f"batch_size is {batch_size}, wanted 1 to 10000", fix="leave batch_size out for 10")
    elif fifo and batch_size > BATCH_SIZE_FIFO:
        refusals.refuse(
            f"batch_size is {batch_size}, and a FIFO queue gives 10 at most", fix="leave batch_size out for 10"
        )
    elif batch_size > BATCH_SIZE_WITHOUT_WINDOW and (window is None or (not window.is_unresolved() and gathering < 1)):
        refusals.refuse(
            f"batch_size is {batch_size}, and more than 10 take a batching window of one second at least",
            fix="set batching_window=Duration.seconds(1), or lower batch_size",
        )


def _check_concurrency(max_concurrency: int | None, reserved: int | None, refusals: Refusals) -> None:
    if max_concurrency is None or cdk.Token.is_unresolved(max_concurrency):
        return
    if max_concurrency not in MAX_CONCURRENCY:
        refusals.refuse(
            f"max_concurrency is {max_concurrency}, wanted 2 to 1000",
            fix="for one message at a time, in order, use fifo=True with one message group",
        )
    elif reserved is not None and not cdk.Token.is_unresolved(reserved) and max_concurrency > reserved:
        refusals.refuse(
            f"max_concurrency ({max_concurrency}) is more than reserved_concurrency ({reserved}): Lambda would "
            "throttle the rest, and each throttled message counts as received",
            fix="lower max_concurrency, or reserve more",
        )


def _check_receives(count: int, refusals: Refusals) -> None:
    if cdk.Token.is_unresolved(count) or count in MAX_RECEIVE_COUNT:
        return
    if count == 1:
        refusals.refuse(
            "max_receive_count is 1: a message is dead as soon as one call is throttled or fails",
            fix='leave max_receive_count out for 5, or say why: retries=Waived("...")',
        )
    else:
        refusals.refuse(f"max_receive_count is {count}, wanted 2 to 1000", fix="leave max_receive_count out for 5")
