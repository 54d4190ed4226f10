"""Functions share the connections of a relational database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.databases import connections
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

PROXIED = ("aurora-mysql", "aurora-postgresql", "mariadb", "mysql", "postgres", "sqlserver-")  # what RDS Proxy serves


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function reaches a relational database through RDS Proxy.

    Why it matters: each concurrent request is an environment of its own with a connection of its own, and environments
    come and go. A database that takes a hundred connections is down at the hundredth concurrent request.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html

    Refuses: a function that knows the address or the secret of a cluster or instance, or is let in by a security group,
    and knows no proxy.

    Accepts: a proxy's endpoint among the variables; the Data API; engines that RDS Proxy does not serve.
    """
    for each in connections(assembly):
        if (each.database.text("Engine") or PROXIED[0]).startswith(PROXIED):
            yield finding(
                each.function,
                problem=f"the function connects to {each.database} by itself: each concurrent request takes one of its "
                "connections",
                fix="add an AWS::RDS::DBProxy, and give the function the proxy's Endpoint",
                evidence=(f"told by {each.evidence}",),
                detail=each.database.logical_id,
                through=(each.database,),
            )
