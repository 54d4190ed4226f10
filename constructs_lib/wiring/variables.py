"""`env=` on a grant: the variable that tells a function the name of what it may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from constructs_lib.wiring.environment import check_name

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals


@runtime_checkable
class TakesVariables(Protocol):
    """A function, or a construct with one."""

    def add_environment(self, name: str, value: str, /) -> object:
        """Set a variable of the function."""


def check_takes_variable(grantee: object, env: str | None, refusals: Refusals) -> None:
    """Note that a variable is to be set on something without variables."""
    if env is None:
        return
    check_name(env, refusals)
    if not isinstance(grantee, TakesVariables):
        refusals.refuse(
            f"env={env!r} needs a function to set it on, got a {type(grantee).__name__}", fix="leave env out"
        )


def set_variable(grantee: object, env: str | None, value: str) -> None:
    """Set the variable, where one was asked for."""
    if env is not None and isinstance(grantee, TakesVariables):
        grantee.add_environment(env, value)
