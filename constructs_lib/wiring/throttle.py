"""How many requests an API takes, and one route apart from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.wiring.kinds import check_fields
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.stated import stated

if TYPE_CHECKING:
    from constructs_lib.defaults import Settings


@dataclass(frozen=True, slots=True)
class Throttle:
    """The limits of one route; what is above them is answered with 429 before any function runs.

    They are of the route, over all of its callers, and hold within those of the account. Behind `ANY` of a REST API
    each verb is counted by itself.
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
        _check_limit("rate_limit", self.rate_limit, refusals, fix="allow one at least")
        if self.burst_limit is not None:
            _check_limit("burst_limit", self.burst_limit, refusals, fix="allow one at least")
        elif cdk.Token.is_unresolved(self.rate_limit):
            refusals.refuse(
                "rate_limit is not known before deployment, and neither is twice as much", fix="say burst_limit too"
            )
        else:
            object.__setattr__(self, "burst_limit", self.rate_limit * 2)
        refusals.stop_if_any()


def limits_of_stage(
    rate_limit: int | None, burst_limit: int | None, settings: Settings, refusals: Refusals
) -> tuple[int, int]:
    """The limits over all routes of an API: its arguments, or what the Defaults say; noted where they let nobody in."""
    limits = stated(rate_limit, settings.rate_limit), stated(burst_limit, settings.burst_limit)
    for name, limit in zip(("rate_limit", "burst_limit"), limits, strict=True):
        _check_limit(name, limit, refusals, fix=f"leave {name} out, or allow one at least")
    return limits


def _check_limit(name: str, limit: int, refusals: Refusals, *, fix: str) -> None:
    if not cdk.Token.is_unresolved(limit) and limit < 1:
        refusals.refuse(f"{name} is {limit}: nobody could call", fix=fix)
