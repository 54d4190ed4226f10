"""A small system with the verdict that AWS's behaviour gives it: what the rule must say of it, no more and no less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from constructs_lib.guards.finding import Verdict

Template = Mapping[str, Any]
Resources = Mapping[str, Any]
STACK = "Shop"
WRITER = ("Writer",)


@dataclass(frozen=True, slots=True)
class Topology:
    """One labelled system.

    Args:
        name: What is wired, in words.
        stacks: The templates by stack.
        expected: The verdict, for each set of functions and workflows that a circle runs.
    """

    name: str
    stacks: Mapping[str, Template] = field(repr=False)
    expected: frozenset[tuple[Verdict, frozenset[str]]]

    def and_also(self, runs: Iterable[str]) -> Topology:
        """The same, in which a second circle of the same verdict runs these."""
        [(verdict, _)] = self.expected
        return replace(self, expected=self.expected | {(verdict, frozenset(runs))})


def loop(name: str, system: Resources | Mapping[str, Template], runs: Iterable[str] = WRITER) -> Topology:
    """Every write that one permission allows runs the writer again."""
    return _labelled(name, system, Verdict.LOOP, runs)


def risk(name: str, system: Resources | Mapping[str, Template], runs: Iterable[str] = WRITER) -> Topology:
    """Some of what is allowed runs the writer again, or nobody can tell."""
    return _labelled(name, system, Verdict.RISK, runs)


def guarded(name: str, system: Resources | Mapping[str, Template], runs: Iterable[str] = WRITER) -> Topology:
    """There is a circle, and nothing gets all the way round."""
    return _labelled(name, system, Verdict.GUARDED, runs)


def silent(name: str, system: Resources | Mapping[str, Template]) -> Topology:
    """There is no circle at all, whatever the filters say."""
    return Topology(name, _stacks(system), frozenset())


def _labelled(name: str, system: Mapping[str, Any], verdict: Verdict, runs: Iterable[str]) -> Topology:
    return Topology(name, _stacks(system), frozenset({(verdict, frozenset(runs))}))


def _stacks(system: Mapping[str, Any]) -> Mapping[str, Template]:
    return {STACK: {"Resources": system}} if all("Type" in each for each in system.values()) else system
