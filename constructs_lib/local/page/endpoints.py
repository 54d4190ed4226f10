"""What the page's browser may ask for: one function an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.local.page import buckets, calls, queues, schedules, tables, workflows
from constructs_lib.local.page.inventory import inventory

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs_lib.local.page.asked import Asked
    from constructs_lib.local.page.clients import PageClients

    Endpoint = Callable[[PageClients, Asked], Any]


def app(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Return what is deployed."""
    del asked
    return inventory(clients.aws)


READS: dict[str, Endpoint] = {
    "/api/app": app,
    "/api/queues": queues.counts,
    "/api/queues/messages": queues.messages,
    "/api/tables/items": tables.items,
    "/api/buckets/objects": buckets.objects,
    "/api/workflows/executions": workflows.executions,
    "/api/workflows/drawing": workflows.drawing,
    "/api/workflows/execution": workflows.execution,
}
WRITES: dict[str, Endpoint] = {
    "/api/routes/call": calls.call_route,
    "/api/functions/invoke": calls.invoke,
    "/api/queues/send": queues.send,
    "/api/queues/redrive": queues.redrive,
    "/api/workflows/start": workflows.start,
    "/api/schedules/fire": schedules.fire,
}
DOWNLOAD = "/api/buckets/download"
UPLOAD = "/api/buckets/upload"
EVENTS = "/api/events"
