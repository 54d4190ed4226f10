"""The one door to the base: its modules carry no types, so what comes through here is `Any`."""

from __future__ import annotations

import importlib
from typing import Any


def base(name: str) -> Any:
    """Import a module of the base by its name below the package."""
    return importlib.import_module(f"ministack.{name}")
