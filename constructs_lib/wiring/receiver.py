"""What a topic, a rule or a schedule may deliver to: a function, a worker's queue, or a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeGuard, runtime_checkable

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from constructs_lib.wiring.destination import HasQueue
from constructs_lib.wiring.kinds import satisfies

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from constructs_lib.wiring.refusals import Refusals


@runtime_checkable
class HasFunction(Protocol):
    """A function that takes asynchronous events: `SecureFunction` and what derives from it."""

    @property
    def function(self) -> lambda_.Function:
        """The function."""

    @property
    def called(self) -> lambda_.IFunction:
        """What is called: the function, or its alias where it has one."""

    def keep_failed_events(self) -> object:
        """Make sure that an event the function fails on is kept."""


@runtime_checkable
class HasStateMachine(Protocol):
    """A workflow."""

    @property
    def state_machine(self) -> sfn.IStateMachine:
        """The state machine."""


Receiver: TypeAlias = HasFunction | HasQueue | HasStateMachine


def is_receiver(value: object) -> TypeGuard[Receiver]:
    """Whether something can be delivered to: a construct around a queue or a function of this app, or a workflow.

    A queue that was imported takes no policy from here, so what is sent to it would be dropped.
    """
    if not isinstance(value, Construct):
        return False
    if isinstance(value, HasQueue):
        return isinstance(value.queue, sqs.Queue)
    if isinstance(value, HasFunction):
        return isinstance(value.function, lambda_.Function)
    return isinstance(value, HasStateMachine) and satisfies(value.state_machine, sfn.IStateMachine)


def check_receiver(name: str, value: object, refusals: Refusals) -> None:
    """Note something that nothing can be delivered to."""
    if not is_receiver(value):
        refusals.refuse(
            f"{name} is a {type(value).__name__}, wanted a SecureFunction, a QueueWorker or a Workflow",
            fix="pass the construct itself",
        )


def arn_of(receiver: Receiver) -> str:
    """The ARN that is delivered to; a worker's is its queue's, not its function's."""
    if isinstance(receiver, HasQueue):
        return receiver.queue.queue_arn
    if isinstance(receiver, HasFunction):
        return receiver.called.function_arn
    return receiver.state_machine.state_machine_arn


def key_of(receiver: object) -> kms.IKey | None:
    """The key under which a receiver keeps its messages, if it is one of the user's own."""
    return receiver.queue.encryption_master_key if isinstance(receiver, HasQueue) else None


def allow_invocation(scope: Construct, receiver: HasFunction, service: str, source_arn: str) -> lambda_.CfnPermission:
    """Let a service invoke a function, for one source alone, and keep what the function then fails on."""
    receiver.keep_failed_events()
    return lambda_.CfnPermission(
        scope,
        "Permission",
        action="lambda:InvokeFunction",
        function_name=receiver.called.function_arn,
        principal=service,
        source_arn=source_arn,
    )


def place_of(construct: Construct, *, seen_from: Construct) -> str:
    """A construct's place as an id for what belongs to it elsewhere: unique, and the same in every stage."""
    stack = cdk.Stack.of(construct)
    place = construct.node.path.removeprefix(f"{stack.node.path}/")
    if stack.node.path != cdk.Stack.of(seen_from).node.path:
        place = f"{stack.node.id}/{place}"
    return place.replace("/", "-")
