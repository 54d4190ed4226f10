"""Queues that keep the order of messages within a group."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import QueueWorker
from tests.constructs.test_queue_worker import DEAD_LETTERS, ENTRY, mapping_in, queue_in
from tests.templates import template_of


def test_fifo_makes_both_queues_fifo_and_states_deduplication(stack: cdk.Stack) -> None:
    QueueWorker(stack, "Emails", entry=ENTRY, fifo=True)
    template = template_of(stack)
    assert queue_in(template)["FifoQueue"] is True
    assert queue_in(template)["ContentBasedDeduplication"] is False
    assert queue_in(template, DEAD_LETTERS)["FifoQueue"] is True


@pytest.mark.parametrize(("props", "size"), [({}, 1), ({"batch_size": 10}, 10)])
def test_fifo_takes_one_message_at_a_time_unless_told_otherwise(
    stack: cdk.Stack, props: dict[str, Any], size: int
) -> None:
    QueueWorker(stack, "Emails", entry=ENTRY, fifo=True, **props)
    assert mapping_in(template_of(stack))["Properties"]["BatchSize"] == size


def test_fifo_with_deduplication_by_content(stack: cdk.Stack) -> None:
    QueueWorker(stack, "Emails", entry=ENTRY, fifo=True, content_based_deduplication=True)
    assert queue_in(template_of(stack))["ContentBasedDeduplication"] is True
