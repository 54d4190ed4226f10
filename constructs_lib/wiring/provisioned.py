"""Environments that are ready before the first call, and how many of them when.

The numbers, and why:

- 0.7 of them in use is what tracking aims at, AWS's own example: the rest takes the calls of the minutes that more of
  them take to come. https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
- One call that starts cold within five minutes raises the alarm: what is paid for so that none does is too little.

They are paid for by the second, used or not: about $9 a month for each of 1 GiB on ARM64, and calls then cost less.
https://aws.amazon.com/lambda/pricing/
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_lambda as lambda_

from constructs_lib.wiring.kinds import check_fields
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.schedule_expression import check_expression, check_timezone

# https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
LEAST_TARGET, MOST_TARGET = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Keep environments of a function ready, a fixed number or as many as its calls ask for.

    Args:
        environments: How many at least, 1 or more.
        up_to: How many at most; between the two, Application Auto Scaling follows the calls. Default: no more.
        target: Which part of them should be in use, 0.1 to 0.9; for `up_to`.
        schedule: From when on how many at least: `{"cron(0 7 ? * MON-FRI *)": 10, "cron(0 19 ? * MON-FRI *)": 2}`.
            Without `up_to` it is exactly so many.
        timezone: Where the clock of `schedule` hangs. Default: UTC.

    Example:
        >>> from constructs_lib import Provisioned, SecureFunction
        >>> quote = SecureFunction(
        ...     stack,
        ...     "Quote",
        ...     entry="lambda_src/greeting/greet.ts",
        ...     provisioned_concurrency=Provisioned(2, up_to=10),
        ... )
    """

    environments: int
    up_to: int | None = None
    target: float = 0.7
    schedule: Mapping[str, int] = field(default_factory=dict, hash=False)
    timezone: cdk.TimeZone | None = None

    @property
    def most(self) -> int:
        """How many there may be at any time."""
        return max(self.environments, self.up_to or 0, *self.schedule.values())

    def check(self, reserved_concurrency: int | None, refusals: Refusals) -> None:
        """Note what Lambda and Application Auto Scaling would not take."""
        numbers = {"environments": self.environments, "up_to": self.up_to, "target": self.target}
        unknown = [name for name, value in numbers.items() if is_encoded(value)]
        for name in unknown:
            refusals.refuse(f"{name} of provisioned_concurrency is not known before deployment", fix="write the number")
        if unknown or not self._has_kinds(refusals):
            return
        if self.environments < 1:
            refusals.refuse(
                f"provisioned_concurrency is {self.environments}, wanted 1 or more", fix="leave it out for none"
            )
        if self.up_to is not None and self.up_to < self.environments:
            refusals.refuse(
                f"up_to ({self.up_to}) is less than what is always ready ({self.environments})",
                fix="raise up_to, or leave it out for a fixed number",
            )
        if not LEAST_TARGET <= self.target <= MOST_TARGET:
            refusals.refuse(
                f"target is {self.target:g}, wanted {LEAST_TARGET} to {MOST_TARGET}", fix="leave target out for 0.7"
            )
        check_timezone(self.timezone, refusals)
        for expression, least in self.schedule.items():
            check_expression(expression, refusals)
            if self.up_to is not None and least > self.up_to:
                refusals.refuse(
                    f"schedule asks for {least} at {expression}, and up_to is {self.up_to}", fix="raise up_to"
                )
        if (
            reserved_concurrency is not None
            and not cdk.Token.is_unresolved(reserved_concurrency)
            and self.most > reserved_concurrency
        ):
            refusals.refuse(
                f"provisioned_concurrency ({self.most}) is more than reserved_concurrency ({reserved_concurrency})",
                fix="raise reserved_concurrency, or keep fewer ready",
            )

    def _has_kinds(self, refusals: Refusals) -> bool:
        """Whether every field is of its kind; what is not is noted."""
        kinds = Refusals.at(refusals.where)
        check_fields(self, kinds)
        if isinstance(self.schedule, Mapping):
            for expression, least in self.schedule.items():
                if not isinstance(least, int) or isinstance(least, bool) or least < 1 or is_encoded(least):
                    kinds.refuse(
                        f"schedule asks for {least!r} at {expression}, wanted a number from 1 on",
                        fix='write how many: schedule={"cron(0 7 ? * MON-FRI *)": 10}',
                    )
        if not kinds.are_none:
            refusals.include(kinds.error().problems)
        return kinds.are_none

    def scale(self, alias: lambda_.Alias) -> None:
        """Have Application Auto Scaling follow the calls, or the clock; nothing for a fixed number.

        It acts with a role that is its own and of the account's, so no role is made for it.
        https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
        """
        if self.up_to is None and not self.schedule:
            return
        scaling = alias.add_auto_scaling(min_capacity=self.environments, max_capacity=self.most)
        if self.up_to is not None:
            scaling.scale_on_utilization(utilization_target=self.target)
        for number, (expression, least) in enumerate(self.schedule.items(), 1):
            scaling.scale_on_schedule(
                f"Schedule{number}",
                schedule=appscaling.Schedule.expression(expression),
                min_capacity=least,
                max_capacity=least if self.up_to is None else self.up_to,
                time_zone=self.timezone,
            )


def is_encoded(value: object) -> bool:
    """Whether a number is a token's; what is no number at all ends the CDK's process when it is asked."""
    return isinstance(value, float) and math.isfinite(value) and bool(cdk.Token.is_unresolved(value))
