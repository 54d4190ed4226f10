"""Batches as Lambda hands them over, and the context they come with."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orders"
Event = dict[str, Any]
Response = dict[str, list[dict[str, str]]]


@dataclass
class Context:
    """Lambda's context, with a clock the test sets."""

    remaining_ms: int = 30_000
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def message(id: str, body: object = None, *, text: str | None = None, delivery: int = 1) -> Event:  # noqa: A002 - its name
    return {
        "messageId": id,
        "receiptHandle": "receipt",
        "body": json.dumps({"order": id} if body is None else body) if text is None else text,
        "attributes": {"ApproximateReceiveCount": str(delivery)},
        "messageAttributes": {"tenant": {"stringValue": "acme", "dataType": "String"}},
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
    }


def fifo_message(id: str, group: str) -> Event:  # noqa: A002 - its name
    record = message(id)
    record["eventSourceARN"] = f"{QUEUE}.fifo"
    record["attributes"]["MessageGroupId"] = group
    return record


def table_change(number: str) -> Event:
    return {
        "eventID": f"event-{number}",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/users/stream/2026",
        "dynamodb": {
            "SequenceNumber": number,
            "Keys": {"id": {"S": number}},
            "NewImage": {"id": {"S": number}, "name": {"S": "Ada"}},
        },
    }


def kinesis_datum(number: str, data: bytes) -> Event:
    return {
        "eventID": f"shardId-000:{number}",
        "eventSource": "aws:kinesis",
        "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks",
        "kinesis": {"sequenceNumber": number, "partitionKey": "p1", "data": base64.b64encode(data).decode()},
    }


def batch(*records: Event) -> Event:
    return {"Records": list(records)}


def failed(response: Response) -> list[str]:
    return [each["itemIdentifier"] for each in response["batchItemFailures"]]


def ids(count: int) -> Sequence[str]:
    return [f"m{number}" for number in range(count)]
