"""Where the rule and the oracle disagree about random systems, each made as small as it gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.guards.recursion.oracle import verdicts
from tests.guards.recursion.random_system import System, random_system
from tests.guards.recursion.system_template import said_of


@dataclass(frozen=True)
class Disagreement:
    """A system of which the rule says something else than what happens.

    Args:
        seed: What it was made from.
        system: The smallest part of it that still does.
    """

    seed: int
    system: System

    def __str__(self) -> str:
        """Show the system, and both opinions."""
        parts = (
            *self.system.statements,
            *self.system.ways,
            f"buckets that tell the default bus: {self.system.telling}",
        )
        head = f"seed {self.seed}: happens {verdicts(self.system)}, the rule says {said_of(self.system)}"
        return "\n    ".join([head, *map(str, parts)])


def disagreements(seeds: Iterable[int]) -> Iterator[Disagreement]:
    """Yield the disagreements about the systems of some seeds."""
    for seed in seeds:
        system = random_system(seed)
        if _differ(system):
            yield Disagreement(seed, _smallest(system))


def _differ(system: System) -> bool:
    return verdicts(system) != said_of(system)


def _smallest(system: System) -> System:
    while True:
        smaller = next(filter(_differ, system.smaller()), None)
        if smaller is None:
            return system
        system = smaller
