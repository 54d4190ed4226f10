"""Collects everything wrong with one construct's props, so that all of it is said at once."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from constructs_lib.problem import Problem, PropError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs import Construct


class Refusals:
    """What is wrong with the props of one construct.

    Args:
        construct: The construct whose props are checked; its path and type are the `at:` line.
        path: Where it will stand, if it is yet to be put into the tree. Default: where it stands.
    """

    def __init__(self, construct: Construct, path: str | None = None) -> None:
        self.path = construct.node.path if path is None else path
        self.where = f"{self.path or 'the app'} ({type(construct).__name__})"
        self._problems: list[Problem] = []

    @classmethod
    def at(cls, where: str) -> Refusals:
        """For what is not a construct: settings, or the call that takes them."""
        refusals = cls.__new__(cls)
        refusals.path = refusals.where = where
        refusals._problems = []
        return refusals

    def refuse(self, what: str, *, fix: str) -> None:
        """Note one problem."""
        self._problems.append(Problem(what, self.where, fix))

    def include(self, problems: Iterable[Problem]) -> None:
        """Note problems that were found elsewhere."""
        self._problems.extend(problems)

    @property
    def are_none(self) -> bool:
        """Whether nothing was noted so far."""
        return not self._problems

    def error(self) -> PropError:
        """Everything noted so far, to be raised."""
        return PropError(*self._problems)

    def stop_if_any(self) -> None:
        """Raise everything noted so far.

        Raises:
            PropError: Something was noted.
        """
        if self._problems:
            raise self.error()


def check_type(name: str, value: object, kind: type, refusals: Refusals, *, fix: str) -> None:
    """Note a value of another type than its prop takes; None is no value."""
    if value is not None and not isinstance(value, kind):
        refusals.refuse(f"{name} is {value!r}, wanted a {kind.__name__}", fix=fix)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Say the nearest known word, as the end of a sentence, or nothing."""
    by_lower = {each.lower(): each for each in known}
    nearest = get_close_matches(word.lower(), by_lower, n=1)
    return f": did you mean {by_lower[nearest[0]]}?" if nearest else ""
