"""Stops a function that is invoked about 16 times in one chain of requests, as Lambda does.

Lambda counts in the trace header, which the SDKs hand on: each function of the chain, and how often it has been in it.
It follows the chain through Lambda itself, SQS, SNS and S3, and through nothing else.

Stock counts in a header of its own, which SDKs do not send and queues do not keep.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import re
import zlib
from typing import Any

from constructs_lib.local.overlay import trace
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.invocation_journal import cause_of
from constructs_lib.local.overlay.workflow_role import current_machine

LIMIT = 16  # "approximately", says AWS
LONGEST = 20  # functions of one chain that are remembered
_LINEAGE = re.compile(r"(?:^|;)\s*Lineage=([0-9a-f]{8}:\d{1,3}(?:\|[0-9a-f]{8}:\d{1,3})*)\s*(?:;|$)")
_FOLLOWED = frozenset({"", "sqs", "sns", "s3"})

Lineage = dict[str, int]


def following(arn: str, event: Any) -> Lineage:
    """The chain of requests with this invocation at its end: how often each function has been in it."""
    cause, _ = cause_of(event)
    counts: Lineage = {}
    if cause in _FOLLOWED and not current_machine():
        headers = [trace.header_now()]
        if cause == "sqs":
            headers += [str((each.get("attributes") or {}).get("AWSTraceHeader", "")) for each in event["Records"]]
        for header in headers:
            for name, count in _read(header).items():
                counts[name] = max(count, counts.get(name, 0))
    mine = _name(arn)
    counts[mine] = counts.pop(mine, 0) + 1  # the latest comes last
    return dict(list(counts.items())[-LONGEST:])


def is_stopped(arn: str, lineage: Lineage) -> bool:
    """Whether Lambda stops this invocation, unless the function allows its loop."""
    _, _, _, _, _, _, name, *_ = arn.split(":")
    function = base("services.lambda_svc")._functions.get(name) or {}
    return lineage[_name(arn)] > LIMIT and function.get("recursive_loop") != "Allow"


def written(lineage: Lineage) -> str:
    """The chain as a trace header carries it."""
    return "|".join(f"{name}:{count}" for name, count in lineage.items())


def refusal(arn: str) -> str:
    """What is told of a stopped invocation."""
    unqualified = ":".join(arn.split(":")[:7])
    return (
        "Lambda has detected your function being invoked in a recursive loop with other AWS resources "
        f"and stopped your function's invocation: {unqualified}"
    )


def _read(header: str) -> Lineage:
    found = _LINEAGE.search(header[: trace.LONGEST_HEADER])
    pairs = (each.split(":") for each in found[1].split("|")) if found else ()
    return {name: int(count) for name, count in pairs}


def _name(arn: str) -> str:
    """A short name for a function, whatever its version."""
    return f"{zlib.crc32(':'.join(arn.split(':')[:7]).encode()):08x}"
