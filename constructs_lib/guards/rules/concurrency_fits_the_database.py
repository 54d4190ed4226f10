"""Functions do not ask a database for more connections than it has."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from constructs_lib.assembly.databases import connections
from constructs_lib.guards.amounts import count
from constructs_lib.guards.database_connections import most_connections
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

RESERVED = "ReservedConcurrentExecutions"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The concurrency reserved for the functions of a database comes to no more than the connections it takes.

    Why it matters: concurrency is reserved to be used, and each environment holds a connection; the first ones beyond
    the limit are refused, also for whoever wants to mend it.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections

    Refuses: functions that connect to a database by themselves, and whose `ReservedConcurrentExecutions` together are
    more than the `max_connections` of its parameter group, or than AWS's default for its memory.

    Accepts: less; functions behind a proxy; one without a reservation, of which `function-reaches-database-by-proxy`
    speaks.
    """
    reserved: dict[Resource, dict[Resource, float]] = defaultdict(dict)
    for each in connections(assembly):
        number = each.function.number(RESERVED)
        if number:
            reserved[each.database][each.function] = number
    for database, functions in reserved.items():
        most, asked = most_connections(assembly, database), sum(functions.values())
        if most is None:
            reason = "neither its class nor its parameter group tells"
            yield unknown(database, what=f"whether it takes {count(asked)} connections", reason=reason)
        elif asked > most:
            shares = ", ".join(f"{function}: {count(number)}" for function, number in functions.items())
            yield finding(
                database,
                problem=f"{count(asked)} concurrent executions are reserved for its functions ({shares}), and it takes "
                f"{count(most)} connections",
                fix="put an AWS::RDS::DBProxy between them, or reserve less",
                through=functions,
            )
