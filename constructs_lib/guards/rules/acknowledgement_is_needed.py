"""Acknowledgements go when their findings do; what matches them is known once all other rules have been heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:  # noqa: ARG001 - see the file's first line
    """An acknowledgement names a finding that is there, and says why it may stay.

    Why it matters: an acknowledgement that nothing needs any more hides the next fault of its kind, and one without a
    reason tells nobody whether it still holds.

    Refuses: an acknowledgement that matches no finding; one of a rule that does not exist; one that names a rule which
    finds several things there, to be acknowledged one by one; as an error, one without a reason.

    Accepts: the id of a finding, or `rule[*]` for all that a rule finds, though not for loops, with a reason, at the
    resource, at a construct above it, or at the stack:
    `Validations.of(queue).acknowledge(Acknowledgment(id="ServerlessGuards::rule", reason="..."))`, or in a template
    `Metadata: {"constructs-lib": {"acknowledge": [{"id": "rule", "reason": "..."}]}}`.
    """
    yield from ()
