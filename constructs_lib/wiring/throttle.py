"""How many requests one route takes, apart from the others of its API."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk

from constructs_lib.wiring.kinds import check_fields
from constructs_lib.wiring.refusals import Refusals


@dataclass(frozen=True, slots=True)
class Throttle:
    """The limits of one route; what is above them is answered with 429 before any function runs.

    They are of the route, over all of its callers, and hold within those of the account. Behind `ANY` of a REST API each
    verb is counted by itself.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html

    Args:
        rate_limit: Requests a second, on average.
        burst_limit: Requests at once. Default: twice the rate.

    Raises:
        PropError: A limit is below one.

    Example:
        >>> Throttle(10)
        Throttle(rate_limit=10, burst_limit=20)
    """

    rate_limit: int
    burst_limit: int | None = None

    def __post_init__(self) -> None:
        """Refuse limits that let nobody in."""
        refusals = Refusals.at("Throttle(...)")
        check_fields(self, refusals)
        refusals.stop_if_any()
        if self.burst_limit is None:
            object.__setattr__(self, "burst_limit", self.rate_limit * 2)
        for name in ("rate_limit", "burst_limit"):
            limit = getattr(self, name)
            if not cdk.Token.is_unresolved(limit) and limit < 1:
                refusals.refuse(f"{name} is {limit}: nobody could call", fix="allow one at least")
        refusals.stop_if_any()
