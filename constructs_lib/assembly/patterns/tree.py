"""Unions, intersections and complements of patterns, taken apart without recursion: they may be nested without end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from constructs_lib.assembly.patterns.conjunction import Atom, Conjunction
from constructs_lib.assembly.patterns.glob import Glob
from constructs_lib.assembly.patterns.letters import Token, rank
from constructs_lib.assembly.patterns.names import Names
from constructs_lib.assembly.patterns.search import GIVEN_UP, MOST_STEPS, NOTHING, Outcome, shortest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_PIECES = 5_000  # conjunctions looked at one by one; what has more of them is searched as a whole
MOST_STEPS_IN_ALL = 3 * MOST_STEPS  # of all the searches that one question takes
UNDECIDED_STEPS = 500  # what one costs that is not decided, besides its searches
LEAST_STEPS = 20  # what looking at one conjunction costs besides


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """What is in every one of these."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Either:
    """What is in any of these."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Non:
    """What is not in this."""

    node: Node


Node: TypeAlias = Glob | Names | Both | Either | Non
# What is still to be looked at, as a chain: a node, whether it is wanted, and the rest.
_Chain: TypeAlias = "tuple[Node, bool, _Chain] | None"

NOTHING_AT_ALL = Either(())


class TooManyPieces(Exception):  # noqa: N818 - it ends a loop, and nobody but this module sees it
    """There are more conjunctions than are looked at one by one."""


def pieces(root: Node, most: int = MOST_PIECES) -> Iterator[Conjunction]:
    """Yield conjunctions that together are the set. Those that are seen to be empty on the way are left out.

    Raises:
        TooManyPieces: There are more than `most`.
    """
    waiting: list[tuple[_Chain, tuple[_Choice, ...], Conjunction]] = [((root, True, None), (), Conjunction())]
    looked_at = 0
    while waiting:
        looked_at += 1
        if looked_at > most:
            raise TooManyPieces
        state = _settled(*waiting.pop())
        if state is None:
            continue
        choices, piece = state
        if not choices:
            yield piece
            continue
        (nodes, wanted), *others = sorted(choices, key=lambda choice: len(choice[0]))
        waiting += [((node, wanted, None), tuple(others), piece) for node in reversed(nodes)]


_Choice: TypeAlias = "tuple[tuple[Node, ...], bool]"


def _settled(
    chain: _Chain, choices: tuple[_Choice, ...], piece: Conjunction
) -> tuple[tuple[_Choice, ...], Conjunction] | None:
    """Follow a chain until nothing is left of it but choices; none when that cannot be anything."""
    while chain is not None:
        node, wanted, chain = chain
        if isinstance(node, Non):
            chain = (node.node, not wanted, chain)
        elif isinstance(node, Glob | Names):
            narrowed = piece.narrowed(node, wanted=wanted)
            if narrowed is None:
                return None
            piece = narrowed
        elif isinstance(node, Both) is wanted or len(node.nodes) == 1:
            for each in node.nodes:
                chain = (each, wanted, chain)
        elif node.nodes:
            choices = (*choices, (node.nodes, wanted))
        else:
            return None
    return choices, piece


def explored(root: Node) -> Outcome:
    """Whether the set is empty, for whatever value of its symbols; none when that takes too long to say."""
    undecided, steps = False, 0
    try:
        for piece in pieces(root):
            outcome = piece.explored()
            if outcome.is_empty is False:
                return outcome
            if outcome.is_empty is None:
                undecided, steps = True, steps + UNDECIDED_STEPS
            steps += outcome.steps
            if steps > MOST_STEPS_IN_ALL:
                return GIVEN_UP
    except TooManyPieces:
        return GIVEN_UP if undecided else _searched_as_a_whole(root)
    return GIVEN_UP if undecided else NOTHING


def shortest_of(root: Node) -> Outcome:
    """Look for the shortest string of the set, and of equally short ones for the one that reads best.

    It is the shortest of what was found when there is too much to look through.
    """
    found: list[tuple[Token, ...]] = []
    steps = 0
    try:
        for piece in pieces(root):
            known = piece.explored()
            steps += known.steps + LEAST_STEPS
            if not known.is_empty:
                outcome = piece.searched()
                steps += outcome.steps
                witness = known.witness if outcome.witness is None else outcome.witness
                found += [] if witness is None else [witness]
            if steps > MOST_STEPS_IN_ALL:
                break
    except TooManyPieces:
        return _searched_as_a_whole(root) if not found else _best(found)
    return _best(found) if found else GIVEN_UP


def _best(found: list[tuple[Token, ...]]) -> Outcome:
    witness = min(found, key=lambda letters: (len(letters), [rank(letter) for letter in letters]))
    return Outcome(is_empty=False, witness=witness)


def _searched_as_a_whole(root: Node) -> Outcome:
    """Search all patterns at once; symbols stand for anything where that makes the set larger."""
    program = _Program(root)
    found = shortest([atom.run for atom in program.atoms], program)
    return GIVEN_UP if program.is_widened and not found.is_empty else found


class _Program:
    """The tree as a list of steps, each after those it needs."""

    def __init__(self, root: Node) -> None:
        self.atoms: list[Atom] = []
        self.is_widened = False
        self._steps: list[tuple[str, int]] = []
        places: dict[Atom, int] = {}
        waiting: list[tuple[Node, bool]] = [(root, True)]
        # in reverse, so that what is seen last comes first
        while waiting:
            node, wanted = waiting.pop()
            if isinstance(node, Non):
                waiting.append((node.node, not wanted))
            elif isinstance(node, Both | Either):
                self._steps.append(("all" if isinstance(node, Both) is wanted else "any", len(node.nodes)))
                waiting += [(each, wanted) for each in node.nodes]
            elif node.symbols and not wanted:
                self.is_widened = True
                self._steps.append(("all", 0))
            else:
                if isinstance(node, Glob) and node.symbols:
                    self.is_widened = True
                    node = node.widened
                place = places.setdefault(node, len(self.atoms))
                if place == len(self.atoms):
                    self.atoms.append(node)
                self._steps.append(("is" if wanted else "not", place))
        self._steps.reverse()

    def __call__(self, values: Sequence[bool | None]) -> bool | None:
        """Say what holds for the whole, from what holds for each pattern."""
        stack: list[bool | None] = []
        for kind, number in self._steps:
            if kind == "is":
                stack.append(values[number])
            elif kind == "not":
                value = values[number]
                stack.append(None if value is None else not value)
            else:
                parts = [stack.pop() for _ in range(number)]
                decisive = kind == "any"
                stack.append(decisive if decisive in parts else None if None in parts else not decisive)
        return stack.pop()
