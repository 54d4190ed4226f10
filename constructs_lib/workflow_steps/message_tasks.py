"""Steps that tell somebody: a message into a queue or to a topic, an event onto a bus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Unpack

from aws_cdk import aws_iam as iam

from constructs_lib.wiring.destination import publish_statements
from constructs_lib.wiring.queue_access import send_statements
from constructs_lib.workflow_steps.expression import INPUT, Value, is_expression, is_malformed
from constructs_lib.workflow_steps.json_value import Misfit, is_token, shown
from constructs_lib.workflow_steps.message_order import MessageOrder
from constructs_lib.workflow_steps.step import Task, TaskOptions
from constructs_lib.workflow_steps.targets import bus_of, queue_of, topic_of
from constructs_lib.workflow_steps.tasks import TOKEN_PAYLOAD, make_task, token_problems

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_events as events
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs

    from constructs_lib.wiring.destination import HasQueue, HasTopic
    from constructs_lib.workflow_steps.targets import HasBus


def send(
    name: str,
    queue: HasQueue | sqs.IQueue,
    *,
    message: Value = None,
    group: str | None = None,
    deduplication_id: str | None = None,
    callback: bool = False,
    heartbeat: cdk.Duration | None = None,
    **options: Unpack[TaskOptions],
) -> Task:
    """Send a message to a queue.

    Args:
        name: What happens.
        queue: The queue, or a construct with one; the workflow may send to it.
        message: The body; JSON is sent as text. Default: the workflow's input; with `callback`, that as `input`, and
            the `token`.
        group: The message group. A FIFO queue needs one and keeps order within it; in a standard one, no group has to
            wait for another that is busy.
        deduplication_id: What tells two messages of a FIFO queue apart, where not their content does.
        callback: Wait until a receiver ends the step with its task token. Needs a `timeout`.
        heartbeat: With `callback`: how long the receiver may be silent.
        **options: See `TaskOptions`.
    """
    inner = queue_of(name, queue)
    default: Value = TOKEN_PAYLOAD if callback else INPUT
    body = default if message is None else message
    arguments: dict[str, Value] = {"QueueUrl": inner.queue_url, "MessageBody": body}
    arguments |= _ordered(group, deduplication_id)
    problems = [
        *token_problems(name, body, callback=callback),
        *_message_problems(name, body),
        *MessageOrder.of_queue(inner).problems(name, "sends", group, deduplication_id),
    ]
    return make_task(
        name,
        f"sqs:sendMessage{'.waitForTaskToken' if callback else ''}",
        arguments,
        options,
        service="SQS",
        answer="$states.result",
        statements=lambda scope: send_statements(scope, inner),
        problems=problems,
        target=inner,
        heartbeat=heartbeat,
    )


def publish(
    name: str,
    topic: HasTopic | sns.ITopic,
    *,
    message: Value = INPUT,
    attributes: Mapping[str, str] | None = None,
    group: str | None = None,
    deduplication_id: str | None = None,
    **options: Unpack[TaskOptions],
) -> Task:
    """Publish a message to a topic.

    Args:
        name: What happens.
        topic: The topic, or a construct with one; the workflow may publish to it.
        message: The body; JSON is sent as text. Default: the workflow's input.
        attributes: String attributes, which subscriptions can filter on.
        group: The message group; a FIFO topic needs one, and standard queues behind a standard topic get it.
        deduplication_id: What tells two messages of a FIFO topic apart, where not their content does.
        **options: See `TaskOptions`.
    """
    inner = topic_of(name, topic)
    arguments: dict[str, Value] = {"TopicArn": inner.topic_arn, "Message": message}
    arguments |= _ordered(group, deduplication_id)
    problems = [
        *_message_problems(name, message),
        *MessageOrder.of_topic(inner).problems(name, "publishes", group, deduplication_id),
    ]
    if isinstance(attributes, Mapping):
        arguments["MessageAttributes"] = {
            key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()
        }
        problems += [
            (
                f"{name!r} has the attribute {key} {shown(value)}, wanted text",
                'compute it: "{% $string($states.input.n) %}"',
            )
            for key, value in attributes.items()
            if not isinstance(value, str)
        ]
    elif attributes is not None:
        problems.append(
            (f"{name!r} has the attributes {shown(attributes)}, wanted a dictionary", 'write {"kind": "..."}')
        )
    return make_task(
        name,
        "sns:publish",
        arguments,
        options,
        service="SNS",
        answer="$states.result",
        statements=lambda scope: publish_statements(scope, inner),
        problems=problems,
        target=inner,
    )


def put_event(
    name: str,
    bus: HasBus | events.IEventBus,
    *,
    source: str,
    detail_type: str,
    detail: Value = INPUT,
    **options: Unpack[TaskOptions],
) -> Task:
    """Put an event onto a bus; it is put, or the step fails.

    Args:
        name: What happens.
        bus: The bus, or a construct with one; the workflow may put events of this source onto it.
        source: Who says it: `shop.orders`.
        detail_type: What happened: `OrderPlaced`.
        detail: The event. Default: the workflow's input.
        **options: See `TaskOptions`.
    """
    inner = bus_of(name, bus)
    statement = iam.PolicyStatement(
        actions=["events:PutEvents"],
        resources=[inner.event_bus_arn],
        conditions={"StringEquals": {"events:source": str(source)}},  # what is no text is refused later, with all else
    )
    return make_task(
        name,
        "events:putEvents",
        {
            "Entries": [
                {"EventBusName": inner.event_bus_name, "Source": source, "DetailType": detail_type, "Detail": detail}
            ]
        },
        options,
        service="EventBridge",
        answer="$states.result",
        statements=lambda _: [statement],
        target=inner,
        problems=[*_event_problems(name, source, detail_type, detail)],
    )


def _message_problems(name: str, message: Value) -> list[Misfit]:
    """A message without a body, which neither SQS nor SNS takes."""
    return [(f"{name!r} has an empty message", "say something")] if message in (None, "") else []


def _event_problems(name: str, source: object, detail_type: object, detail: Value) -> Iterator[Misfit]:
    """What is wrong with an event, of what is known already."""
    if isinstance(source, str) and is_expression(source):
        yield f"{name!r} computes its source, and the workflow may speak for one alone", "write the source out"
    elif isinstance(source, str) and source.startswith("aws."):
        yield f"{name!r} has the source {source!r}, and only AWS may speak for itself", 'name your own: "shop.orders"'
    for word, text in (("source", source), ("detail_type", detail_type)):
        if text == "":
            yield f"{name!r} has an empty {word}", "say who speaks, and what happened"
    computed = isinstance(detail, str) and (is_expression(detail) or is_malformed(detail))
    if not computed and not isinstance(detail, Mapping) and not is_token(detail):
        yield f"{name!r} has the detail {shown(detail)}, and EventBridge takes dictionaries", 'write {"id": "..."}'


def _ordered(group: str | None, deduplication_id: str | None) -> dict[str, Value]:
    """What of the order of messages was stated, as SQS and SNS call it."""
    stated = {"MessageGroupId": group, "MessageDeduplicationId": deduplication_id}
    return {key: value for key, value in stated.items() if value is not None}
