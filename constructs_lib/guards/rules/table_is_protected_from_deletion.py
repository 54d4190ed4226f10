"""A table is not deleted with a line of code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.assembly.value import Value
    from constructs_lib.guards.finding import Finding, Unknown

PROTECTED = "DeletionProtectionEnabled"


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A DynamoDB table is protected from deletion.

    Why it matters: a table is deleted by a renamed construct, a changed key or a removed stack as well as by hand, and
    all its items are gone within seconds.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html

    Refuses: a table without `DeletionProtectionEnabled`; of a global table, any replica without.

    Accepts: protection; `deletion_protection=Waived("why")` of the constructs.
    """
    for table in assembly.of_type("AWS::DynamoDB::Table"):
        if not is_waived(table, "deletion_protection") and _is_off(table.value(PROTECTED)):
            yield _unprotected(table, (PROTECTED,), "the table")
    for table in assembly.of_type("AWS::DynamoDB::GlobalTable"):
        replicas = table.value("Replicas")
        for index, replica in enumerate(replicas if isinstance(replicas, list) else ()):
            if isinstance(replica, dict) and _is_off(replica.get(PROTECTED)):
                where = f"the replica in {replica.get('Region')}"
                yield _unprotected(table, ("Replicas", str(index), PROTECTED), where)


def _is_off(value: Value) -> bool:
    return value is None or value is False or (isinstance(value, Text) and value.literal == "false")


def _unprotected(table: Resource, at: tuple[str, ...], what: str) -> Finding:
    return finding(
        table,
        problem=f"{what} can be deleted with all its items by any deployment",
        fix=f"set {PROTECTED} to true",
        at=at,
    )
