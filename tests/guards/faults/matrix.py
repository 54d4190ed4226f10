"""All single faults, by what they are about: what the tests run, and the benchmark against the public tools too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.guards.faults import (
    hygiene,
    limits,
    messages,
    networks,
    privilege,
    recursion,
    recursion_by_calls,
    secrets,
    shapes,
)
from tests.guards.faults.hardened import hardened

if TYPE_CHECKING:
    from tests.guards.faults.fault import Fault
    from tests.guards.faults.parts import Template

MATRIX: dict[str, list[Fault]] = {
    "recursion": [*recursion.FAULTS, *recursion_by_calls.FAULTS],
    "privilege": privilege.FAULTS,
    "secrets": secrets.FAULTS,
    "messages": messages.FAULTS,
    "limits and shape": [*limits.FAULTS, *networks.FAULTS],
    "switches and names": [*hygiene.FAULTS, *shapes.FAULTS],
}
FAULTS = [fault for faults in MATRIX.values() for fault in faults]


def with_fault(fault: Fault) -> Template:
    """Return the hardened app with one fault in it."""
    template = hardened()
    fault.make(template)
    return template
