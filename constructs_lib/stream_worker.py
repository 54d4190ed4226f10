"""What changed in a table, and the one function that hears of it.

The numbers, and why:

- 100 records a call: Lambda's own number, stated.
- 5 retries: a record that always fails blocks its shard until it is given up, so a few, for what is transient. Halving
  the batch to single it out does not count as one.
  https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
- 24 hours of age: as long as the stream keeps a record, so that a throttled function loses none.
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
- From the oldest record on: a mapping that starts at the newest misses what is written while it is being made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.secure_function import FunctionProps, SecureFunction
from constructs_lib.wiring.dead_letters import DeadLetters
from constructs_lib.wiring.destination import FailureDestination, check_destination, destination_of
from constructs_lib.wiring.durations import check_duration, check_known
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.function_alarms import of_function
from constructs_lib.wiring.json_values import as_json
from constructs_lib.wiring.key_use import use_through
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_table import KnownTable
from constructs_lib.wiring.queue_limits import check_window
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.stream_alarms import AlarmsOfStream, StreamWorkerAlarms
from constructs_lib.wiring.stream_filters import check_filters
from constructs_lib.wiring.waiver import Waived, acknowledge

# https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
BATCH_SIZE = range(1, 10_000 + 1)
PARALLELIZATION = range(1, 10 + 1)
RETRY_ATTEMPTS = range(10_000 + 1)
RECORD_AGE_SECONDS = range(60, 24 * 3600 + 1)  # Lambda takes a week; the stream keeps a day
REACH = "Lambda reads the streams of its own account and region alone"

# What Lambda's poller calls with the function's role. ListStreams is on AWS's list too, with the table's streams as its
# resource, although the service authorization reference knows none for it: on this one stream it can do no harm.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html
READ_STREAM = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)

POLLED = (
    "Lambda reads the stream and invokes this function synchronously: what fails for good goes to the on-failure "
    "destination of the mapping, https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"
)


@jsii.implements(iam.IGrantable)
class StreamWorker(Construct):
    """Define a function that receives the changes of a table in order, batch by batch.

    The function may read the stream and nothing else. It answers with the record it failed on (`batchItemFailures`),
    and the stream goes on from there. Batches given up are reported to a queue of their own: the report says which
    records, by shard and sequence number, and they can be read from the stream for the rest of its 24 hours.

    Args:
        table: A table with a stream: a `DynamoTable`, or an existing one whose L2 knows the stream's ARN.
        entry: The file that holds the handler, as for `SecureFunction`.
        filters: What to receive, as Lambda documents it: `{"eventName": ["INSERT"]}`; one match is enough, up to 5.
            Default: every change.
            https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
        batch_size: Records a call, 1 to 10,000.
        batching_window: How long Lambda gathers records for a batch, up to 5 minutes. Default: not at all.
        parallelization: Calls at once for each shard, 1 to 10; the order within a key is kept.
        retry_attempts: How often a failing batch is tried again, 0 to 10,000.
        max_record_age: How old a record may get before it is given up, 1 minute to 24 hours. Default: 24 hours.
        starting_position: Where a new mapping starts. Default: at the oldest record the stream has.
        on_failure: The queue or topic that gets the reports. Default: a queue of its own.
        alarms: Other thresholds than those of `StreamWorkerAlarms`, or `Waived(reason)` for one or all of them.
        function: Whatever else `SecureFunction` takes.

    Raises:
        PropError: The table has no stream or too many readers, or a number is out of bounds.

    Example:
        >>> orders = DynamoTable(stack, "Orders", partition_key="id", stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES)
        >>> search = StreamWorker(
        ...     stack,
        ...     "Search",
        ...     table=orders,
        ...     entry="lambda_src/greeting/greet.ts",
        ...     filters=[{"eventName": ["INSERT"]}],
        ... )
    """

    @checks_kinds(except_for=("on_failure",))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        table: KnownTable,
        entry: str,
        filters: Sequence[Mapping[str, object]] = (),
        batch_size: int = 100,
        batching_window: cdk.Duration | None = None,
        parallelization: int = 1,
        retry_attempts: int = 5,
        max_record_age: cdk.Duration | None = None,
        starting_position: lambda_.StartingPosition = lambda_.StartingPosition.TRIM_HORIZON,
        on_failure: FailureDestination | None = None,
        alarms: StreamWorkerAlarms | Waived | None = None,
        **function: Unpack[FunctionProps],
    ) -> None:
        super().__init__(scope, id)
        self.function = SecureFunction(self, "Function", entry=entry, alarms=of_function(alarms), **function)
        age = cdk.Duration.hours(24) if max_record_age is None else max_record_age

        refusals = Refusals(self)
        check_same_environment(table, self, refusals, why=REACH, fix="put both into one stack, or one region at least")
        _check_number("batch_size", batch_size, BATCH_SIZE, refusals)
        _check_number("parallelization", parallelization, PARALLELIZATION, refusals)
        _check_number("retry_attempts", retry_attempts, RETRY_ATTEMPTS, refusals)
        check_window(batching_window, refusals)
        check_known("max_record_age", age, refusals)
        check_duration(
            "max_record_age",
            age,
            RECORD_AGE_SECONDS,
            refusals,
            wanted="is not within 60 s and 24 h, which is all the stream keeps",
            fix="leave max_record_age out for 24 hours",
        )
        check_filters(filters, refusals, images=table.stream)
        watched = AlarmsOfStream(alarms)
        watched.check(refusals)
        if on_failure is not None:
            check_destination("on_failure", on_failure, self, refusals)
        stream_arn = table.claim_stream(self, refusals)
        refusals.stop_if_any()

        self.dead_letters: DeadLetters | None = None
        if on_failure is None:
            on_failure = self.dead_letters = DeadLetters(self, "FailedBatches", alarms=alarms)
        kept_in = destination_of(self, on_failure)
        self.function.add_to_role_policy(
            iam.PolicyStatement(sid="ReadStream", actions=list(READ_STREAM), resources=[stream_arn])
        )
        if table.table.encryption_key is not None:
            self.function.add_to_role_policy(use_through(self, table.table.encryption_key, "dynamodb", "kms:Decrypt"))
        for statement in kept_in.statements:
            self.function.add_to_role_policy(statement)

        self.mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function.called,
            event_source_arn=stream_arn,
            starting_position=starting_position,
            batch_size=batch_size,
            max_batching_window=batching_window,
            parallelization_factor=parallelization,
            filters=[lambda_.FilterCriteria.filter(as_json(each)) for each in filters] or None,
            bisect_batch_on_error=True,
            retry_attempts=retry_attempts,
            max_record_age=age,
            report_batch_item_failures=True,
            on_failure=_FailedBatches(kept_in.arn),
        )
        if self.function.identity.grants_policy is not None:
            # Lambda tries the permissions when the mapping is created.
            self.mapping.node.add_dependency(self.function.identity.grants_policy)
        self.alarms: Sequence[cloudwatch.IAlarm] = watched.raise_for(self, self.function.function)
        self.function.watched.raise_for_lost_events()
        acknowledge(self.function.function, POLLED, "Serverless-LambdaDLQ")

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The role of the function, which is what grants are given to."""
        return self.function.grant_principal

    def add_environment(self, name: str, value: str) -> None:
        """Set a variable of the function; see `SecureFunction.add_environment`."""
        self.function.add_environment(name, value)


@jsii.implements(lambda_.IEventSourceDlq)
class _FailedBatches:
    """A destination as the L2 wants it; CDK's own would let the function read the attributes of the queue as well."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def bind(
        self, _target: lambda_.IEventSourceMapping, _target_handler: lambda_.IFunction
    ) -> lambda_.DlqDestinationConfig:
        return lambda_.DlqDestinationConfig(destination=self._arn)


def _check_number(name: str, value: int, allowed: range, refusals: Refusals) -> None:
    if not cdk.Token.is_unresolved(value) and value not in allowed:
        refusals.refuse(
            f"{name} is {value}, wanted {allowed.start} to {allowed.stop - 1}", fix=f"leave {name} out, or stay within"
        )
