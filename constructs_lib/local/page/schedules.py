"""Schedules on the page: let one occur now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.local.emulator import ACCOUNT
from constructs_lib.local.page.asked import text

if TYPE_CHECKING:
    from constructs_lib.local.page.asked import Asked
    from constructs_lib.local.page.clients import PageClients


def fire(clients: PageClients, asked: Asked) -> Any:
    """Deliver to the targets of a schedule as if its time had come."""
    told = {name: text(asked, name) for name in ("kind", "name", "region")}
    return clients.aws.control.ask("schedule-fire", account=ACCOUNT, **told)
