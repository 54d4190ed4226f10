"""Prints what the wrapper costs for each record, in microseconds, beside Powertools batch alone, in both languages.

One command: python -m benchmarks.exactly_once.overhead
"""

from __future__ import annotations

import json
import subprocess
import timeit
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from benchmarks.exactly_once.node_functions import NODE
from constructs_lib.runtime import queue_worker

RECORDS: list[dict[str, Any]] = [
    {
        "messageId": f"m{number}",
        "body": '{"order": "o1"}',
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:orders",
    }
    for number in range(10)
]


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def in_python() -> dict[str, int]:
    """Measure handlers that only read their body."""
    processor, context = BatchProcessor(event_type=EventType.SQS), Context()

    def stock() -> None:
        event = {"Records": RECORDS}
        process_partial_response(event, lambda record: json.loads(record.body), processor, context)  # type: ignore[arg-type] # ours

    worker = queue_worker(lambda record: record.body)
    return {"stock": _best(stock), "ours": _best(lambda: worker({"Records": RECORDS}, context))}


def in_node() -> dict[str, int]:
    """Measure handlers of fifty awaits each."""
    program = Path(__file__).parent / "node" / "overhead.ts"
    command = [str(NODE), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", str(program)]
    measured: dict[str, int] = json.loads(subprocess.check_output(command))
    return measured


def _best(batch: Any) -> int:
    return round(min(timeit.repeat(batch, number=200, repeat=5)) / 200 / len(RECORDS) * 1e6)


def main() -> None:
    for language, measured in (("python", in_python()), ("node", in_node())):
        print(
            f"{language:8} Powertools batch {measured['stock']:4} µs a record, with the wrapper {measured['ours']:4} µs"
        )


if __name__ == "__main__":
    main()
