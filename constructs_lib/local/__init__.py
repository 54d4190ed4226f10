"""The embedded AWS: any cloud assembly, running on localhost with IAM enforced."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.local.session import LocalAws

__all__ = ["LocalAws"]


def __getattr__(name: str) -> object:
    """Import what is asked for, and not before: boto3 alone takes a fifth of a second."""
    if name == "LocalAws":
        return import_module("constructs_lib.local.session").LocalAws
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
