"""Reads a synthesized app and refuses what would hurt once deployed. Imports no construct, so it serves any template.

Names load on first use: those of the CDK plugin need the CDK, the others do not.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.guards.check import Report
    from constructs_lib.guards.finding import Finding, Severity, Unknown, Verdict
    from constructs_lib.guards.plugin import ServerlessGuards
    from constructs_lib.guards.testing import GuardWarning, assert_guarded

_HOMES = {
    "Finding": "finding",
    "GuardWarning": "testing",
    "Report": "check",
    "ServerlessGuards": "plugin",
    "Severity": "finding",
    "Unknown": "finding",
    "Verdict": "finding",
    "assert_guarded": "testing",
}

__all__ = [
    "Finding",
    "GuardWarning",
    "Report",
    "ServerlessGuards",
    "Severity",
    "Unknown",
    "Verdict",
    "assert_guarded",
]


if not TYPE_CHECKING:  # a type checker sees the imports above, and that a mistyped name is none of them

    def __getattr__(name: str) -> object:
        """Load a public name from the one file that defines it."""
        try:
            home = _HOMES[name]
        except KeyError:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message) from None
        return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted(__all__)
