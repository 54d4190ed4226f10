"""How many connections a relational database takes, as far as its template tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from constructs_lib.assembly.databases import CLUSTER, INSTANCE
from constructs_lib.assembly.resource import Resource

if TYPE_CHECKING:
    from constructs_lib.assembly.model import Assembly

GIB = 1024**3
# Bytes of memory for one connection by default, by engine.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
BYTES = {"mariadb": 25_165_760, "mysql": 12_582_880, "postgres": 9_531_392, "aurora-postgresql": 9_531_392}
MOST = {"aurora-postgresql": 5_000, "mariadb": 12_000, "mysql": 100_000, "postgres": 5_000}
# Aurora MySQL has steps instead: up to so many GiB, so many connections.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Managing.Performance.html
AURORA_MYSQL = (
    (4, 90), (8, 135), (16, 1_000), (32, 2_000), (64, 3_000), (128, 4_000), (256, 5_000), (512, 6_000), (768, 7_000),
)  # fmt: skip
CLASS = re.compile(r"db\.(?P<family>[a-z]+)\d\w*\.(?P<size>micro|small|medium|large|(?P<times>\d*)xlarge)$")
SMALL = {"micro": 1.0, "small": 2.0, "medium": 4.0}  # GiB
LARGE = {"t": 8.0, "m": 8.0, "r": 16.0, "x": 32.0}  # GiB of size large, by family
UNIT = 2.0  # GiB of one capacity unit of Aurora Serverless
SERVERLESS = "db.serverless"
GROUPS = {CLUSTER: ("DBClusterParameterGroupName", "AWS::RDS::DBClusterParameterGroup"),
          INSTANCE: ("DBParameterGroupName", "AWS::RDS::DBParameterGroup")}  # fmt: skip


def most_connections(assembly: Assembly, database: Resource) -> int | None:
    """Return how many connections a cluster or an instance takes at most; none when nobody can tell.

    It is what its parameter group says, or what AWS's default makes of its memory. A little less of the memory is for
    the database itself, so that the true number is lower.

    Example:
        >>> most_connections(assembly, instance)  # db.t4g.micro with PostgreSQL
        112
    """
    name, kind = GROUPS[database.type]
    group = assembly.target(database.value(name), kind)
    told = group.number("Parameters", "max_connections") if isinstance(group, Resource) else None
    if told is not None:
        return int(told)
    memory = _memory(assembly, database)
    engine = database.text("Engine")
    if memory is None or engine is None:
        return None
    if engine == "aurora-mysql":
        return next((connections for size, connections in AURORA_MYSQL if memory <= size), None)
    return min(int(memory * GIB / BYTES[engine]), MOST[engine]) if engine in BYTES else None


def _memory(assembly: Assembly, database: Resource) -> float | None:
    """The memory of the largest instance, in GiB."""
    if database.type == INSTANCE:
        return memory_of(database.text("DBInstanceClass"))
    classes = {
        each.text("DBInstanceClass")
        for each in assembly.of_type(INSTANCE)
        if assembly.target(each.value("DBClusterIdentifier"), CLUSTER) is database
    }
    if classes == {SERVERLESS} or (not classes and not database.lacks("ServerlessV2ScalingConfiguration")):
        capacity = database.number("ServerlessV2ScalingConfiguration", "MaxCapacity")
        return None if capacity is None else capacity * UNIT
    sizes = [memory_of(each) for each in classes]
    known = [each for each in sizes if each is not None]
    return max(known) if known and len(known) == len(sizes) else None


def memory_of(name: str | None) -> float | None:
    """Return the memory of an instance class in GiB; none for one that is not known.

    Example:
        >>> memory_of("db.r6g.2xlarge")
        64.0
    """
    match = CLASS.match(name or "")
    if match is None:
        return None
    if match["size"] in SMALL:
        return SMALL[match["size"]] if match["family"] in LARGE else None
    large = LARGE.get(match["family"])
    if large is None:
        return None
    return large if match["size"] == "large" else large * 2 * int(match["times"] or 1)
