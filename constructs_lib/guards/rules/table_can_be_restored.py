"""What was written over or deleted by mistake can be had back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

RECOVERY = ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A DynamoDB table can be restored to any second of the last 35 days.

    Why it matters: the usual loss of data is a release with a bug, not a broken disk. What it wrote over is gone
    without point-in-time recovery.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html

    Refuses: a table without `PointInTimeRecoveryEnabled`; of a global table, when no replica has it.

    Accepts: recovery; `point_in_time_recovery=Waived("why")` of the constructs.
    """
    for table in assembly.of_type("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        at = ("Replicas", "*", *RECOVERY) if table.type.endswith("GlobalTable") else RECOVERY
        told = table.values(*at)
        is_on = any(each is not False and not (isinstance(each, Text) and each.literal == "false") for each in told)
        if is_on or is_waived(table, "point_in_time_recovery"):
            continue
        yield finding(
            table,
            problem="items that are written over or deleted by mistake cannot be had back",
            fix=f"set {'.'.join(RECOVERY)} to true",
            at=RECOVERY if len(at) == len(RECOVERY) else ("Replicas",),
        )
