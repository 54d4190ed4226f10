"""Whether a string can have some forms and none of some others: first by proofs that cost next to nothing.

Nearly every question of a guard is about prefixes and suffixes, and is answered by comparing them. What remains is
searched, and what takes too long to search is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from constructs_lib.assembly.patterns.glob import Glob, Segment, glob_of, shared
from constructs_lib.assembly.patterns.letters import ONE, Token, fresh_letter, rank, written
from constructs_lib.assembly.patterns.names import Names
from constructs_lib.assembly.patterns.runs import GlobRun
from constructs_lib.assembly.patterns.search import MOST_STEPS, NOTHING, Outcome, Signs, shortest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Atom: TypeAlias = Glob | Names

EVERYTHING = Glob(("", ""))


@dataclass(frozen=True, slots=True)
class Conjunction:
    """The strings that have all of these forms and none of those; made by `narrowed`, from one without any.

    Args:
        wanted: The forms they have.
        unwanted: The forms they have not.
    """

    wanted: tuple[Atom, ...] = ()
    unwanted: tuple[Atom, ...] = ()

    @property
    def has_symbols(self) -> bool:
        """Whether something is not known of them."""
        return any(atom.symbols for atom in (*self.wanted, *self.unwanted))

    def narrowed(self, atom: Atom, *, wanted: bool) -> Conjunction | None:
        """Return the strings that have this form too, or have it not; none when it is seen at once that none do."""
        if atom == EVERYTHING:
            return self if wanted else None
        if atom in (self.wanted if wanted else self.unwanted):
            return self
        if not wanted:
            return Conjunction(self.wanted, (*self.unwanted, atom))
        if isinstance(atom, Glob) and not all(atom.may_meet(glob) for glob in _globs(self.wanted)):
            return None
        return Conjunction((*self.wanted, atom), self.unwanted)

    def explored(self) -> Outcome:
        """Whether there is such a string, for whatever value of the symbols.

        The witness need not be the shortest. Symbols in it stand for whatever value they take.
        """
        listed = self._listed()
        if listed is not None:
            return self._among(listed)
        if self._is_surely_empty():
            return NOTHING
        example = self._example()
        if example is not None:
            return Outcome(is_empty=False, witness=example)
        return self._explored_with_symbols() if self.has_symbols else self.searched()

    def searched(self) -> Outcome:
        """Look for the shortest such string.

        With symbols, it is a string in which they stand as they are, for illustration.
        """
        listed = self._listed()
        if listed is not None:
            return self._among(listed)
        runs = [atom.run for atom in (*(self.wanted or (EVERYTHING,)), *self.unwanted)]
        signs = (*(True for _ in self.wanted or (EVERYTHING,)), *(False for _ in self.unwanted))
        found = shortest(runs, Signs(signs))
        return Outcome(None, found.witness, found.steps) if self.has_symbols else found

    def _listed(self) -> list[str] | None:
        """The strings among which they all are, when some form lists them."""
        for atom in self.wanted:
            if isinstance(atom, Names):
                return sorted(atom.names, key=_readability)
            if atom.literal is not None:
                return [atom.literal]
        return None

    def _among(self, names: Iterable[str]) -> Outcome:
        possible: str | None = None
        for name in names:
            if not all(_widened(atom).matches(name) for atom in self.wanted):
                continue
            if any(atom.matches(name) for atom in self.unwanted if not atom.symbols):
                continue
            surely = not any(atom.symbols for atom in self.wanted)
            if surely and not any(_widened(atom).matches(name) for atom in self.unwanted if atom.symbols):
                return Outcome(is_empty=False, witness=tuple(name))
            possible = name if possible is None else possible
        return NOTHING if possible is None else Outcome(None, tuple(possible))

    def _is_surely_empty(self) -> bool:
        wanted = list(_globs(self.wanted)) or [EVERYTHING]
        return any(none.includes(one) for one in wanted for none in _globs(self.unwanted))

    def _example(self) -> tuple[Token, ...] | None:
        """A string that is built for the purpose and does, whatever its symbols stand for; none where it does not."""
        wanted = list(_globs(self.wanted))
        filler: str = ""
        if self.unwanted:
            taken = {letter for glob in _globs(self.unwanted) for letter in glob.alphabet}
            taken.update(*(name for atom in self.unwanted if isinstance(atom, Names) for name in atom.names))
            filler = fresh_letter(taken)
        example = _merged(wanted, filler)
        if example is None:
            return None
        if not self.has_symbols:
            text = written(example)
            wrong = any(not glob.matches(text) for glob in wanted) or any(atom.matches(text) for atom in self.unwanted)
        else:
            as_glob = glob_of(example)
            wrong = any(not glob.run.accepts_all(example) for glob in wanted) or any(
                atom.may_meet(as_glob) if isinstance(atom, Glob) else True for atom in self.unwanted
            )
        return None if wrong else example

    def _explored_with_symbols(self) -> Outcome:
        """Look at the symbols as anything, then as letters of which only a star knows that they are there."""
        widened = Conjunction(
            tuple(_widened(atom) for atom in self.wanted), tuple(atom for atom in self.unwanted if not atom.symbols)
        )
        steps = 0
        if widened._example() is None:
            found = widened.explored()
            if found.is_empty:
                return found
            steps += found.steps
        if len(self.unwanted) > 1:
            # One glob alone, its symbols as letters: what the others read of that, they read for any value.
            for glob in _globs(self.wanted):
                run = GlobRun(tuple(glob.tokens()), stars_read_symbols=False)
                signs = Signs((True, *(False for _ in self.unwanted)))
                found = shortest([run, *(atom.run for atom in self.unwanted)], signs)
                steps += found.steps
                if found.is_empty:
                    return Outcome(is_empty=True, steps=steps)
                if steps > MOST_STEPS:
                    break
        return Outcome(is_empty=None, steps=steps)


def _globs(atoms: Iterable[Atom]) -> Iterator[Glob]:
    return (atom for atom in atoms if isinstance(atom, Glob))


def _widened(atom: Atom) -> Atom:
    return atom.widened if isinstance(atom, Glob) else atom


def _readability(text: str) -> tuple[int, list[tuple[int, str]]]:
    return len(text), [rank(letter) for letter in text]


def _merged(globs: list[Glob], filler: str) -> tuple[Token, ...] | None:
    """Return a string that begins and ends as all of them do, with what else they want between; a guess."""
    if not all(glob.has_star for glob in globs):
        fixed = next(glob for glob in globs if not glob.has_star)
        return _spelled([fixed.segments[0]], filler)
    head = _merged_segments([glob.segments[0] for glob in globs])
    tail = _merged_segments([glob.segments[-1][::-1] for glob in globs])
    if head is None or tail is None:
        return None
    middles = (segment for glob in globs for segment in glob.segments[1:-1])
    return _spelled([head, *middles, tail[::-1]], filler)


def _merged_segments(segments: list[Segment]) -> Segment | None:
    """Return what begins as all of these do; none where two differ."""
    if all(isinstance(segment, str) for segment in segments):
        return max(segments, key=len, default="")
    merged: list[Token] = []
    for column in zip_longest(*segments, fillvalue=ONE):
        token: Token | None = ONE
        for each in column:
            token = None if token is None else shared(token, each)
        if token is None:
            return None
        merged.append(token)
    return tuple(merged)


def _spelled(segments: list[Segment], filler: str) -> tuple[Token, ...]:
    """Return the letters of the segments, with the filler between them and a letter for each choice."""
    letters: list[Token] = []
    for index, segment in enumerate(segments):
        letters += filler if index else ""
        for token in segment:
            if isinstance(token, frozenset):
                letters.append(min(token, key=rank))
            else:
                letters.append((filler or "a") if token is ONE else token)
    return tuple(letters)
