"""Reads strings letter by letter, for a pattern or for a list of names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from constructs_lib.assembly.patterns.letters import MANY, ONE, Token
from constructs_lib.assembly.value import Symbol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

S = TypeVar("S")


class Run(Protocol[S]):
    """Something that reads strings; a state says what it knows of what it has read."""

    start: S

    def step(self, state: S, letter: Token, /) -> S:
        """Return the state after one more letter."""

    def accepts(self, state: S, /) -> bool:
        """Whether what was read is one of the strings."""

    def always(self, state: S, /) -> bool | None:
        """Whether all that could follow makes one of the strings, or nothing does; none where it depends."""

    def letters(self, state: S, /) -> Iterable[Token]:
        """Yield the letters that are read otherwise here than one that is named nowhere."""


class GlobRun:
    """Reads strings for the tokens of a glob.

    A state is a set of positions among the tokens, as the bits of a number. Nothing before the last star reached is
    kept: whatever could be read from there can be read by that star and what follows it. So, without `?`, a glob has no
    more states than tokens.

    Args:
        tokens: The tokens, the stars too.
        stars_read_symbols: Whether a star reads the symbols of other globs, as part of anything.
    """

    start = 1

    def __init__(self, tokens: Sequence[Token], *, stars_read_symbols: bool = True) -> None:
        self._at: list[Token] = []
        self._stars = 0
        masks: dict[Token, int] = {}
        for token in tokens:
            position = 1 << len(self._at)
            if token is MANY:
                self._stars |= position
                continue
            self._at.append(token)
            # a choice is noted under each of its characters, and under itself for whoever reads a glob
            names: set[Token] = {token, *token} if isinstance(token, frozenset) else {token}
            for name in names:
                masks[name] = masks.get(name, 0) | position
        self._end = 1 << len(self._at)
        self._any = masks.pop(ONE, 0)
        self._masks = masks
        self._choices = [token for token in masks if isinstance(token, frozenset)]
        self._is_open = stars_read_symbols or not any(isinstance(token, Symbol) for token in masks)
        self._stars_read_symbols = stars_read_symbols

    def step(self, state: int, letter: Token, /) -> int:
        """Return the state after one more letter: a character, or whatever another glob has for some."""
        reads = self._masks.get(letter, 0)
        stars = self._stars
        if isinstance(letter, Symbol):
            stars = stars if self._stars_read_symbols else 0
        elif letter is not MANY:
            reads |= self._any
            if self._choices and isinstance(letter, frozenset):
                for choice in self._choices:
                    reads |= self._masks[choice] if letter < choice else 0
        after = ((state & reads) << 1) | (state & stars)
        if self._is_open and (waiting := after & self._stars):
            last = waiting.bit_length() - 1
            return after >> last << last
        return after

    def accepts_all(self, letters: Iterable[Token]) -> bool:
        """Whether these letters, in this order, are one of the strings."""
        state = self.start
        for letter in letters:
            state = self.step(state, letter)
            if not state:
                return False
        return self.accepts(state)

    def accepts(self, state: int, /) -> bool:
        """Whether what was read is one of the strings."""
        return bool(state & self._end)

    def always(self, state: int, /) -> bool | None:
        """Whether all that could follow makes one of the strings, or nothing does; none where it depends."""
        if not state:
            return False
        return True if self._is_open and state & self._stars & self._end else None

    def letters(self, state: int, /) -> Iterator[Token]:
        """Yield the letters that are read otherwise here than one that is named nowhere."""
        if state.bit_count() > len(self._masks):
            yield from (name for name, mask in self._masks.items() if state & mask and not isinstance(name, frozenset))
            return
        left = state & ~self._end
        while left:
            token = self._at[(left & -left).bit_length() - 1]
            left &= left - 1
            if isinstance(token, frozenset):
                yield from token
            elif token is not ONE:
                yield token


class Branch:
    """A place in a tree of names, by what was read so far."""

    __slots__ = ("ends", "next")

    def __init__(self) -> None:
        self.ends = False
        self.next: dict[Token, Branch] = {}


class NamesRun:
    """Reads strings for a list of names.

    Args:
        names: The strings themselves.
    """

    def __init__(self, names: Iterable[str]) -> None:
        root = Branch()
        for name in names:
            here = root
            for letter in name:
                here = here.next.setdefault(letter, Branch())
            here.ends = True
        self.start: Branch | None = root

    def step(self, state: Branch | None, letter: Token, /) -> Branch | None:
        """Return the state after one more letter; none where no name goes on like that."""
        return state.next.get(letter) if state else None

    def accepts(self, state: Branch | None, /) -> bool:
        """Whether what was read is one of the names."""
        return state is not None and state.ends

    def always(self, state: Branch | None, /) -> bool | None:
        """Whether no name begins with what was read."""
        return False if state is None else None

    def letters(self, state: Branch | None, /) -> Iterable[Token]:
        """Yield the letters that some name goes on with."""
        return state.next if state else ()
