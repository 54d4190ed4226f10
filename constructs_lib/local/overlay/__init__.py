"""What we mend of the base, one file per gap, and the check that it is the base we mended."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from constructs_lib.problem import LocalError, Problem

BASE = "ministack"
BASE_VERSION = "1.5.33"


def check_base() -> None:
    """Refuse a base other than the one this overlay was written for.

    Raises:
        LocalError: Another version is installed.
    """
    version = metadata.version(BASE)
    if version != BASE_VERSION:
        raise LocalError(
            Problem(
                what=f"{BASE} {version} is installed, but the embedded AWS is built on {BASE} {BASE_VERSION} exactly",
                where="the Python environment",
                fix=f"pip install '{BASE}=={BASE_VERSION}'",
            )
        )


def install(orders: dict[str, Any]) -> None:
    """Mend the base in this process."""


def uninstall() -> None:
    """End what the mended base has started."""
