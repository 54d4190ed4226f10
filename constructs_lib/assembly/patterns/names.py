"""A list of strings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from constructs_lib.assembly.patterns.runs import NamesRun

if TYPE_CHECKING:
    from constructs_lib.assembly.value import Symbol


@dataclass(frozen=True)
class Names:
    """These strings, and no others.

    Args:
        names: The strings.
    """

    names: frozenset[str]

    @property
    def symbols(self) -> frozenset[Symbol]:
        """What is not known of them: nothing."""
        return frozenset()

    @cached_property
    def run(self) -> NamesRun:
        """What reads them letter by letter."""
        return NamesRun(sorted(self.names))

    def matches(self, text: str) -> bool:
        """Whether this is one of them."""
        return text in self.names

    def __str__(self) -> str:
        """Write them in alphabetical order."""
        return ", ".join(sorted(self.names))
