"""What the rules on secrets say of one: its place and its kind, never its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.secret_names import RANDOM_KEY, Certainty

if TYPE_CHECKING:
    from constructs_lib.guards.finding import Finding
    from constructs_lib.guards.secret_leaks import Leak

REPLACE = "issue a new one, since this one has been written down"


def leak_found(leak: Leak, who_reads: str, instead: str) -> Finding:
    """Return the finding of one secret in plain text.

    Args:
        leak: The secret.
        who_reads: Who can read it where it stands.
        instead: What to do instead.
    """
    problem, fix = f"{leak.name} holds {leak.kind} in plain text: {who_reads}", f"{instead}, and {REPLACE}"
    if leak.certainty is Certainty.SURE:
        return finding(leak.subject, at=leak.at, detail=leak.name, problem=problem, fix=fix)
    if leak.kind == RANDOM_KEY:
        fix = f"if it is one, {fix}; otherwise acknowledge this, and say what it is"
    else:
        problem = f"{leak.name} may hold {leak.kind} in plain text: {who_reads}"
        fix = f"if it is the name of a secret, call it {leak.name}_NAME; otherwise {instead}"
    return finding(leak.subject, at=leak.at, detail=leak.name, problem=problem, fix=fix, severity=Severity.WARNING)
