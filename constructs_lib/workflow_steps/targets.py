"""What a step acts on: the construct itself or the one around it; anything else is refused where it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol, TypeAlias, runtime_checkable

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.destination import HasQueue, HasTopic
from constructs_lib.workflow_steps.json_value import shown

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_events as events
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_stepfunctions as sfn

    from constructs_lib.wiring.receiver import HasStateMachine
    from constructs_lib.workflow_steps.step import HasFunctionArn


@runtime_checkable
class HasBus(Protocol):
    """A construct around an event bus: `EventBus`."""

    @property
    def bus(self) -> events.EventBus:
        """The bus."""


@runtime_checkable
class HasTable(Protocol):
    """A construct around a table: `DynamoTable`."""

    @property
    def table(self) -> dynamodb.Table:
        """The table."""


@runtime_checkable
class HasBucket(Protocol):
    """A construct around a bucket: `UploadBucket`."""

    @property
    def bucket(self) -> s3.Bucket:
        """The bucket."""


TableLike: TypeAlias = "HasTable | dynamodb.ITable"


def function_of(step: object, function: HasFunctionArn) -> HasFunctionArn:
    """A function.

    Raises:
        PropError: It is none.
    """
    return function if _has(function, "function_arn") else _refuse(step, function, "a function: SecureFunction")


def machine_of(step: object, workflow: HasStateMachine) -> sfn.IStateMachine:
    """The state machine of a workflow.

    Raises:
        PropError: It is no workflow.
    """
    if _has(workflow, "state_machine") and _has(workflow.state_machine, "state_machine_arn"):
        return workflow.state_machine
    return _refuse(step, workflow, "a Workflow")


def queue_of(step: object, queue: HasQueue | sqs.IQueue) -> sqs.IQueue:
    """A queue, or that of a worker.

    Raises:
        PropError: It is neither.
    """
    inner = queue.queue if isinstance(queue, HasQueue) else queue
    return inner if _has(inner, "queue_url") else _refuse(step, queue, "a queue: QueueWorker, or sqs.Queue")


def topic_of(step: object, topic: HasTopic | sns.ITopic) -> sns.ITopic:
    """A topic.

    Raises:
        PropError: It is none.
    """
    inner = topic.topic if isinstance(topic, HasTopic) else topic
    return inner if _has(inner, "topic_arn") else _refuse(step, topic, "a topic: Topic, or sns.Topic")


def bus_of(step: object, bus: HasBus | events.IEventBus) -> events.IEventBus:
    """An event bus.

    Raises:
        PropError: It is none.
    """
    inner = bus.bus if isinstance(bus, HasBus) else bus
    return inner if _has(inner, "event_bus_arn") else _refuse(step, bus, "a bus: EventBus, or events.EventBus")


def table_of(step: object, table: TableLike) -> dynamodb.ITable:
    """A table.

    Raises:
        PropError: It is none.
    """
    inner = table.table if isinstance(table, HasTable) else table
    return inner if _has(inner, "table_arn") else _refuse(step, table, "a table: DynamoTable, or dynamodb.Table")


def bucket_of(bucket: HasBucket | s3.IBucket) -> s3.IBucket:
    """A bucket.

    Raises:
        PropError: It is none.
    """
    inner = bucket.bucket if isinstance(bucket, HasBucket) else bucket
    if _has(inner, "bucket_arn"):
        return inner
    raise _error("from_bucket(...)", bucket, "a bucket: UploadBucket, or s3.Bucket")


def _has(value: object, attribute: str) -> bool:
    """Whether this is such a thing; the class of such things is none."""
    return not isinstance(value, type) and hasattr(value, attribute)


def _refuse(step: object, got: object, wanted: str) -> NoReturn:
    raise _error(f"step {step!r}", got, wanted)


def _error(where: str, got: object, wanted: str) -> PropError:
    return PropError(Problem(f"{shown(got)} is no target, wanted {wanted}", where, "pass the construct itself"))
