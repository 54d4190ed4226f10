"""What a mapping tells its destination of records it gave up.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import datetime
import json
import uuid
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.authority import Role
from constructs_lib.local.overlay.base import log
from constructs_lib.local.overlay.delivery import DeliveryError, Parcel, deliver_as
from constructs_lib.local.overlay.shard import arrival_of, number_of


@dataclass(frozen=True, slots=True)
class Lost:
    """Records that are given up.

    Args:
        mapping: The mapping that gives them up.
        function: The function that could not handle them.
        records: The records.
        tries: How often they were tried.
        condition: Why they are given up.
        shard: The shard they are of.
    """

    mapping: dict[str, Any]
    function: dict[str, Any]
    records: list[dict[str, Any]]
    tries: int
    condition: str
    shard: str


def role_of(function: dict[str, Any]) -> Role:
    """The role Lambda reads and reports with."""
    return Role(function["config"].get("Role") or "", function["config"]["FunctionName"])


def tell(lost: Lost) -> None:
    """Send the record of it to the mapping's destination, if it has one."""
    target = ((lost.mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination") or ""
    if not target:
        return
    try:
        deliver_as(role_of(lost.function), target, Parcel(json.dumps(_record(lost))), region=target.split(":")[3])
    except DeliveryError as error:
        log.warning("%s lost records, as Lambda would: %s", lost.mapping["FunctionArn"], error)


def _record(lost: Lost) -> dict[str, Any]:
    first, last = lost.records[0], lost.records[-1]
    kind = "KinesisBatchInfo" if "kinesis" in first else "DDBStreamBatchInfo"
    configuration = lost.function["config"]
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": configuration["FunctionArn"],
            "condition": lost.condition,
            "approximateInvokeCount": lost.tries,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": configuration.get("Version") or "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": _moment(datetime.datetime.now(datetime.UTC).timestamp()),
        kind: {
            "shardId": lost.shard,
            "startSequenceNumber": number_of(first),
            "endSequenceNumber": number_of(last),
            "approximateArrivalOfFirstRecord": _moment(arrival_of(first)),
            "approximateArrivalOfLastRecord": _moment(arrival_of(last)),
            "batchSize": len(lost.records),
            "streamArn": lost.mapping["EventSourceArn"],
        },
    }


def _moment(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
