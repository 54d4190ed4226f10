"""What queues and topics that keep order want to know of a message, and the others do not take."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib import Step, Workflow, publish, send
from tests.constructs.workflows import definition_of, refused, shape
from tests.templates import template_of

GROUP = "{% $states.input.customer %}"
WITHOUT_ID = 'name it: deduplication_id="{% $states.context.Execution.Id %}", or give the '


def arguments_of(stack: cdk.Stack, task: Step) -> Any:
    Workflow(stack, "Fulfil", steps=[task])
    return definition_of(template_of(stack))["States"][task.name]["Arguments"]


class TestQueues:
    @pytest.mark.parametrize("by_content", [None, False])
    def test_refuses_a_message_that_cannot_be_told_from_one_sent_before(
        self, stack: cdk.Stack, *, by_content: bool | None
    ) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True, content_based_deduplication=by_content)
        assert refused(stack, send("Tell", queue, group=GROUP)) == shape(
            "'Tell' sends to a FIFO queue that cannot tell a message from one sent before",
            f"{WITHOUT_ID}queue content_based_deduplication=True",
        )

    def test_refuses_a_message_without_a_group(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True, content_based_deduplication=True)
        assert refused(stack, send("Tell", queue)) == shape(
            "'Tell' sends to a FIFO queue without a group", 'name one: group="{% $states.input.customer %}"'
        )

    def test_accepts_a_message_told_by_its_content(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True, content_based_deduplication=True)
        arguments = arguments_of(stack, send("Tell", queue, group=GROUP))
        assert arguments["MessageGroupId"] == GROUP
        assert "MessageDeduplicationId" not in arguments

    def test_accepts_a_message_told_by_its_id(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True)
        arguments = arguments_of(stack, send("Tell", queue, group="all", deduplication_id="{% $states.input.id %}"))
        assert arguments["MessageGroupId"] == "all"
        assert arguments["MessageDeduplicationId"] == "{% $states.input.id %}"

    def test_accepts_what_only_the_deployment_knows(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True)
        asked = cdk.CfnParameter(stack, "ByContent").value_as_string
        cfn = queue.node.default_child
        assert isinstance(cfn, sqs.CfnQueue)
        cfn.content_based_deduplication = cdk.Token.as_any(asked)
        assert Workflow(stack, "Fulfil", steps=[send("Tell", queue, group="all")])

    @pytest.mark.parametrize("elsewhere", [True, False])
    def test_refuses_an_id_for_a_standard_queue(self, stack: cdk.Stack, *, elsewhere: bool) -> None:
        arn = "arn:aws:sqs:eu-west-1:123456789012:emails"
        queue = sqs.Queue.from_queue_arn(stack, "Queue", arn) if elsewhere else sqs.Queue(stack, "Queue")
        assert refused(stack, send("Tell", queue, deduplication_id="one")) == shape(
            "'Tell' sends with a deduplication_id, and the queue is a standard one, which takes none",
            "leave deduplication_id out, or make the queue FIFO",
        )

    def test_accepts_a_group_for_a_standard_queue(self, stack: cdk.Stack) -> None:
        assert arguments_of(stack, send("Tell", sqs.Queue(stack, "Queue"), group=GROUP))["MessageGroupId"] == GROUP

    def test_of_a_queue_from_elsewhere_the_name_is_known_and_no_more(self, stack: cdk.Stack) -> None:
        known = sqs.Queue.from_queue_arn(stack, "Known", "arn:aws:sqs:eu-west-1:123456789012:emails.fifo")
        unknown = sqs.Queue.from_queue_arn(stack, "Unknown", cdk.Fn.import_value("Queue"))
        assert "sends to a FIFO queue without a group" in refused(stack, send("Tell", known))
        steps = [send("A", known, group="all"), send("B", unknown), send("C", unknown, deduplication_id="one")]
        assert Workflow(stack, "Tells", steps=steps)

    @pytest.mark.parametrize("bad", ["", "two words", "ü", "x" * 129])
    @pytest.mark.parametrize("word", ["group", "deduplication_id"])
    def test_refuses_a_group_or_id_that_sqs_does_not_take(self, stack: cdk.Stack, bad: str, word: str) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True)
        stated: dict[str, Any] = {"group": "a", "deduplication_id": "b", word: bad}
        assert refused(stack, send("Tell", queue, **stated)) == shape(
            f"'Tell' has the {word} {bad!r}, wanted 1 to 128 letters, digits and punctuation",
            "leave out blanks and other alphabets",
        )

    @pytest.mark.parametrize("word", ["group", "deduplication_id"])
    def test_refuses_a_group_or_id_that_is_no_text(self, stack: cdk.Stack, word: str) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True)
        stated: dict[str, Any] = {"group": "a", "deduplication_id": "b", word: 5}
        assert f"the {word} of 'Tell' is 5, wanted text" in refused(stack, send("Tell", queue, **stated))


class TestTopics:
    def test_refuses_a_message_without_group_or_id(self, stack: cdk.Stack) -> None:
        topic = sns.Topic(stack, "Topic", fifo=True)
        text = refused(stack, publish("Tell", topic))
        assert "'Tell' publishes to a FIFO topic without a group" in text
        assert "'Tell' publishes to a FIFO topic that cannot tell a message from one sent before" in text
        assert f"{WITHOUT_ID}topic content_based_deduplication=True" in text

    def test_accepts_group_and_id_and_content(self, stack: cdk.Stack) -> None:
        topic = sns.Topic(stack, "Topic", fifo=True)
        other = sns.Topic(stack, "Other", fifo=True, content_based_deduplication=True)
        tell = publish("Tell", topic, group=GROUP, deduplication_id="one")
        Workflow(stack, "Fulfil", steps=[tell, publish("Say", other, group=GROUP)])
        states = definition_of(template_of(stack))["States"]
        assert states["Tell"]["Arguments"]["MessageGroupId"] == GROUP
        assert states["Tell"]["Arguments"]["MessageDeduplicationId"] == "one"
        assert "MessageDeduplicationId" not in states["Say"]["Arguments"]

    def test_refuses_an_id_for_a_standard_topic(self, stack: cdk.Stack) -> None:
        elsewhere = sns.Topic.from_topic_arn(stack, "Elsewhere", "arn:aws:sns:eu-west-1:123456789012:news")
        for topic in (sns.Topic(stack, "Topic"), elsewhere):
            assert "'Tell' publishes with a deduplication_id, and the topic is a standard one" in refused(
                cdk.Stack(), publish("Tell", topic, group=GROUP, deduplication_id="one")
            )

    def test_of_a_topic_from_elsewhere_the_name_is_known_and_no_more(self, stack: cdk.Stack) -> None:
        known = sns.Topic.from_topic_arn(stack, "Known", "arn:aws:sns:eu-west-1:123456789012:news.fifo")
        unknown = sns.Topic.from_topic_arn(stack, "Unknown", cdk.Fn.import_value("Topic"))
        assert "publishes to a FIFO topic without a group" in refused(stack, publish("Tell", known))
        steps = [publish("A", known, group="all"), publish("B", unknown, deduplication_id="one")]
        assert Workflow(stack, "Tells", steps=steps)

    @pytest.mark.parametrize("message", ["", None])
    def test_refuses_a_message_that_says_nothing(self, stack: cdk.Stack, message: Any) -> None:
        assert refused(stack, publish("Tell", sns.Topic(stack, "Topic"), message=message)) == shape(
            "'Tell' has an empty message", "say something"
        )


def test_refuses_a_message_to_a_queue_that_says_nothing(stack: cdk.Stack) -> None:
    assert "'Tell' has an empty message" in refused(stack, send("Tell", sqs.Queue(stack, "Queue"), message=""))
