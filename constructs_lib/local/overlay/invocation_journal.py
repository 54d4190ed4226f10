"""What the journal holds of one run of a function: who asked for it, in which trace, how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay import trace
from constructs_lib.local.overlay.ids import new_hex
from constructs_lib.local.overlay.journal import tell, tell_soon
from constructs_lib.local.overlay.stream_trace import root_of_record
from constructs_lib.local.overlay.workflow_role import current_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.local.executor.function import Function
    from constructs_lib.local.executor.run import Outcome

LINKS = 100  # traces one batch may tie together here
# What a record names its service by, and where it names the resource.
_SOURCES = {"aws:sqs": "eventSourceARN", "aws:dynamodb": "eventSourceARN", "aws:kinesis": "eventSourceARN"}


def trace_header(function: Function, root: str = "") -> str:
    """The trace an invocation belongs to: that of the call that caused it, or a new one.

    Args:
        function: What is invoked.
        root: The root of the trace. Default: that of the trace of now.
    """
    root = root or trace.root_now() or trace.new_root()
    return f"Root={root};Parent={new_hex(16)};Sampled={int(function.is_traced)}"


def tell_invocation(
    function: Function, event: Any, outcome: Outcome, *, request_id: str, header: str, milliseconds: float
) -> None:
    """Write one run of a function into the journal."""
    tell("invocation", **_entry(function, event, outcome, request_id, header, milliseconds))


def tell_invocation_soon(
    function: Function, event: Any, outcome: Outcome, *, request_id: str, header: str, milliseconds: float
) -> None:
    """Write it a moment later."""
    tell_soon("invocation", **_entry(function, event, outcome, request_id, header, milliseconds))


def _entry(  # noqa: PLR0917 (what the two above are given)
    function: Function, event: Any, outcome: Outcome, request_id: str, header: str, milliseconds: float
) -> dict[str, Any]:
    cause, source = cause_of(event)
    machine = current_machine()
    if not cause and machine:
        cause, source = "states", machine
    root = trace.root_of(header)
    failed = outcome.payload if outcome.is_error and isinstance(outcome.payload, dict) else {}
    return {
        "function": function.name,
        "arn": function.arn,
        "request_id": request_id,
        "trace": root,
        "links": [each for each in links_of(event) if each != root],
        "cause": cause,
        "source": source,
        "cold": outcome.is_cold,
        "milliseconds": round(milliseconds, 1),
        "error": str(failed.get("errorType") or "Error") if outcome.is_error else "",
        "message": str(failed.get("errorMessage") or "")[:500],
    }


def cause_of(event: Any) -> tuple[str, str]:
    """The service an event comes from, and the ARN or name of what in it; both empty when nothing says so."""
    if not isinstance(event, dict):
        return "", ""
    first = next(_records(event), {})
    kind = str(first.get("eventSource") or first.get("EventSource") or "")
    if kind in _SOURCES:
        return kind.removeprefix("aws:"), str(first.get(_SOURCES[kind], ""))
    if kind == "aws:sns":
        return "sns", str((first.get("Sns") or {}).get("TopicArn", ""))
    if kind == "aws:s3":
        return "s3", str(((first.get("s3") or {}).get("bucket") or {}).get("arn", ""))
    context = event.get("requestContext")
    if isinstance(context, dict) and "apiId" in context:
        return "apigateway", str(context["apiId"])
    if "detail-type" in event and "source" in event:
        return "events", str(event["source"])
    return "", ""


def links_of(event: Any) -> list[str]:
    """The traces of the messages or records of a batch, each once."""
    roots = dict.fromkeys(root for each in _records(event) if (root := _root_of(each)))
    return list(roots)[:LINKS]


def _root_of(record: dict[str, Any]) -> str:
    if record.get("eventSource") == "aws:dynamodb":
        return root_of_record(str(record.get("eventID")))
    return trace.root_of(str((record.get("attributes") or {}).get("AWSTraceHeader", "")))


def _records(event: Any) -> Iterator[dict[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    return (each for each in records if isinstance(each, dict)) if isinstance(records, list) else iter(())
