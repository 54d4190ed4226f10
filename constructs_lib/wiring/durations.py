"""How long something may take, wait or stay: whole units, within what AWS takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

Unit = Literal["s", "min", "days"]

AMOUNTS: Mapping[Unit, Callable[[cdk.Duration], float]] = {
    "s": lambda value: float(value.to_seconds(integral=False)),
    "min": lambda value: float(value.to_minutes(integral=False)),
    "days": lambda value: float(value.to_days(integral=False)),
}

METHODS: Mapping[Unit, str] = {"s": "seconds", "min": "minutes", "days": "days"}


def check_duration(
    name: str, value: object, allowed: range, refusals: Refusals, *, unit: Unit = "s", wanted: str, fix: str
) -> None:
    """Note a duration that is none, or that is not a whole number of units within what is allowed.

    Args:
        name: The argument.
        value: What was passed; nothing is said of None, nor of what is known at deploy only.
        allowed: The whole numbers of units that AWS takes.
        refusals: Where problems are noted.
        unit: In what AWS counts.
        wanted: How the sentence ends: `is not one Lambda waits (0 to 300 whole seconds)`.
        fix: What to do about it.
    """
    if value is None:
        return
    if not isinstance(value, cdk.Duration):
        refusals.refuse(f"{name} is {value!r}, wanted a Duration", fix="write cdk.Duration.seconds(30)")
    elif value.is_unresolved():
        _check_token(name, value, refusals, unit)
    else:
        amount = AMOUNTS[unit](value)
        if amount != int(amount) or int(amount) not in allowed:
            refusals.refuse(f"{name} ({amount:g} {unit}) {wanted}", fix=fix)


def check_known(name: str, value: cdk.Duration | int, refusals: Refusals) -> None:
    """Note a number or a duration that is known at deploy only, where CDK's L2 wants to check it now."""
    if value.is_unresolved() if isinstance(value, cdk.Duration) else cdk.Token.is_unresolved(value):
        refusals.refuse(f"{name} is not known before deployment", fix=f"write it out, or set {name} on the L1")


def _check_token(name: str, value: cdk.Duration, refusals: Refusals, unit: Unit) -> None:
    """Note a number that is known at deploy only, in another unit than AWS counts in: nobody could convert it."""
    try:
        AMOUNTS[unit](value)
    except RuntimeError:
        wanted = METHODS[unit]
        refusals.refuse(
            f"{name} is not known before deployment, and AWS wants it in {wanted}",
            fix=f"write cdk.Duration.{wanted}(...)",
        )
