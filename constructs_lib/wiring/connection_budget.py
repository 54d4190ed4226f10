"""How many connections a serverless database takes, and who has claimed how many of them.

Each environment of a function holds a connection; so reserved concurrency is the number of connections it may want. The
numbers are AWS's, by the most capacity units; between two rows PostgreSQL's grow evenly, MySQL's not at all.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from constructs_lib.wiring.resource import resource_of

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

POSTGRES = ((1, 189), (4, 823), (8, 1_669), (16, 3_360), (32, 5_000))
MYSQL = ((1, 90), (4, 135), (8, 1_000), (16, 2_000), (32, 3_000), (64, 4_000), (128, 5_000), (192, 6_000))
SMALL = 0.5  # with no more capacity at least than this, PostgreSQL takes no more than
MOST_WHEN_SMALL = 2_000


def most_connections(*, min_capacity: float, max_capacity: float, is_postgres: bool) -> int:
    """Return the `max_connections` AWS sets for a range of capacity units.

    Example:
        >>> most_connections(min_capacity=0.5, max_capacity=4, is_postgres=True)
        823
        >>> most_connections(min_capacity=0.5, max_capacity=4, is_postgres=False)
        135
    """
    if not is_postgres:
        return max(number for capacity, number in MYSQL if capacity <= max(max_capacity, MYSQL[0][0]))
    most = POSTGRES[-1][1]
    for (low, few), (high, many) in pairwise(POSTGRES):
        if max_capacity <= high:
            most = few + int((many - few) * max(max_capacity - low, 0) / (high - low))
            break
    return min(most, MOST_WHEN_SMALL) if min_capacity <= SMALL else most


@dataclass
class ConnectionBudget:
    """The connections that functions may open together.

    Args:
        most: How many the database takes from them.
        remedy: What makes it more.
    """

    most: int
    remedy: str = "raise max_capacity"
    _claims: dict[str, int] = field(default_factory=dict)

    @property
    def claimed(self) -> int:
        """How many are spoken for."""
        return sum(self._claims.values())

    def claim(self, function: lambda_.Function, refusals: Refusals) -> None:
        """Claim a connection for each environment the function may have, and note that there are not enough.

        A number that is not known before deployment is not counted.
        """
        path = function.node.path.removesuffix("/Function")
        reserved = resource_of(function, lambda_.CfnFunction).reserved_concurrent_executions
        if reserved is None:
            least = max(1, min(10, self.most - self.claimed))
            refusals.refuse(
                f"{path} has no reserved_concurrency: nothing keeps it from wanting more than the {self.most} "
                "connections of the database",
                fix=f'set reserved_concurrency={least} on it, or budget=Waived("...")',
            )
            return
        if cdk.Token.is_unresolved(reserved):
            return
        others = {key: number for key, number in self._claims.items() if key != path}
        together = sum(others.values()) + int(reserved)
        if together > self.most:
            listed = ", ".join(f"{key}: {number}" for key, number in {**others, path: int(reserved)}.items())
            refusals.refuse(
                f"{together} environments may want a connection ({listed}), and the database takes {self.most}",
                fix=f"reserve less, or {self.remedy}",
            )
        elif refusals.are_none:
            self._claims[path] = int(reserved)
