"""What an argument says, and what the Defaults say where it says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import aws_cdk as cdk

from constructs_lib.wiring.waiver import Waived

if TYPE_CHECKING:
    from constructs_lib.defaults import Settings

Value = TypeVar("Value")


def stated(argument: Value | None, default: Value) -> Value:
    """The argument, or the default where it was left out."""
    return default if argument is None else argument


def protected(argument: Literal[True] | Waived | None, settings: Settings) -> Literal[True] | Waived:
    """Whether AWS refuses to delete something."""
    if argument is not None:
        return argument
    return True if settings.deletion_protection else Waived(settings.reason("deletion_protection"))


def retained(
    argument: Literal[True] | Waived | None, settings: Settings, *, is_protected: Literal[True] | Waived | None = None
) -> Literal[True] | Waived:
    """Whether something with data outlives its stack; what an argument protects from deletion does."""
    if argument is not None:
        return argument
    if settings.removal_policy is not cdk.RemovalPolicy.DESTROY or is_protected is True:
        return True
    return Waived(settings.reason("removal_policy"))
