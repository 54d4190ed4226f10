"""The shortest string that some patterns have and others do not, looked for in a bounded number of steps."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from constructs_lib.assembly.patterns.letters import Token, fresh_letter, rank

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from constructs_lib.assembly.patterns.runs import Run

# A question to one pattern after the other costs about a microsecond; real questions need some hundred.
MOST_STEPS = 40_000

# Says of what holds for each pattern (or not, or nobody knows yet) what holds for the whole.
Formula: TypeAlias = "Callable[[Sequence[bool | None]], bool | None]"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search found.

    Args:
        is_empty: Whether there is no such string; none when the search was given up.
        witness: The shortest such string, letter by letter, when there is one.
        steps: How long it took.
    """

    is_empty: bool | None
    witness: tuple[Token, ...] | None = None
    steps: int = 0


GIVEN_UP = Outcome(is_empty=None)
NOTHING = Outcome(is_empty=True)


@dataclass(frozen=True, slots=True)
class Signs:
    """Some patterns must hold, and the others must not.

    Args:
        wanted: For each pattern, whether it must hold.
    """

    wanted: tuple[bool, ...]

    def __call__(self, values: Sequence[bool | None]) -> bool:
        """Say whether all are as they must be, as far as that is known."""
        return not any(
            value is not None and value is not wanted for value, wanted in zip(values, self.wanted, strict=True)
        )


def shortest(runs: Sequence[Run[Any]], formula: Formula, most_steps: int = MOST_STEPS) -> Outcome:
    """Look for the shortest string of which the formula holds; of equally short ones, the one that reads best.

    All strings are tried at once, shorter ones first, one for each way in which the patterns tell them apart. A letter
    that none of them names stands for all such letters.
    """
    start = tuple(run.start for run in runs)
    came_from: dict[tuple[Any, ...], tuple[tuple[Any, ...], Token] | None] = {start: None}
    waiting = deque([start])
    steps = 0
    while waiting:
        states = waiting.popleft()
        if formula([run.accepts(state) for run, state in zip(runs, states, strict=True)]):
            return Outcome(is_empty=False, witness=_way_to(states, came_from), steps=steps)
        named = {letter for run, state in zip(runs, states, strict=True) for letter in run.letters(state)}
        for letter in sorted((*named, fresh_letter(named)), key=rank):
            steps += len(runs)
            after = tuple(run.step(state, letter) for run, state in zip(runs, states, strict=True))
            if after in came_from:
                continue
            if formula([run.always(state) for run, state in zip(runs, after, strict=True)]) is False:
                continue
            came_from[after] = (states, letter)
            waiting.append(after)
        if steps > most_steps:
            return Outcome(is_empty=None, steps=steps)
    return Outcome(is_empty=True, steps=steps)


def _way_to(
    states: tuple[Any, ...], came_from: dict[tuple[Any, ...], tuple[tuple[Any, ...], Token] | None]
) -> tuple[Token, ...]:
    letters: list[Token] = []
    step = came_from[states]
    while step is not None:
        states, letter = step
        letters.append(letter)
        step = came_from[states]
    return tuple(reversed(letters))
