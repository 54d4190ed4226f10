"""Which version of this library speaks."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """The version of this library; 0.0.0 where it runs without being installed."""
    try:
        return version("constructs-lib")
    except PackageNotFoundError:
        return "0.0.0"
