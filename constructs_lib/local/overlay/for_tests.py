"""What mends nothing of the base, but lets a test take hold of it: the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.local.overlay import clock_everywhere

if TYPE_CHECKING:
    from constructs_lib.local.overlay.patching import Patch

HOOKS: tuple[Patch, ...] = (*clock_everywhere.HOOKS,)


def install() -> None:
    """Take hold of what is no function; the hooks have been applied."""
    clock_everywhere.install()
