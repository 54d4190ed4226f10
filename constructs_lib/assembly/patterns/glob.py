"""One pattern of strings: fixed text, exactly one character, any text, and text that only a deployment knows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from constructs_lib.assembly.patterns.letters import MANY, ONE, Token, Wild
from constructs_lib.assembly.patterns.runs import GlobRun
from constructs_lib.assembly.value import Symbol, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TextLike: TypeAlias = str | Text


# What stands between two stars: a string where it is plain, which is nearly always.
Segment: TypeAlias = str | tuple[Token, ...]

MOST_SPELLINGS = 32  # of a text whose case is ignored; only letters like ß, which is SS in capitals, have several


class PatternError(ValueError):
    """A pattern that AWS would not take."""


@dataclass(frozen=True)
class Glob:
    """Strings of one form: the segments, in this order, with anything between two of them.

    Args:
        segments: The first begins the string and the last ends it. None but these two is empty.
    """

    segments: tuple[Segment, ...]

    @cached_property
    def is_plain(self) -> bool:
        """Whether it has no wildcards but stars, and no symbols."""
        return all(isinstance(segment, str) for segment in self.segments)

    @cached_property
    def literal(self) -> str | None:
        """The one string it stands for, if it is one."""
        only = self.segments[0]
        return only if len(self.segments) == 1 and isinstance(only, str) else None

    @cached_property
    def symbols(self) -> frozenset[Symbol]:
        """What is not known of it."""
        return frozenset(
            token
            for segment in self.segments
            if not isinstance(segment, str)
            for token in segment
            if isinstance(token, Symbol)
        )

    @cached_property
    def alphabet(self) -> frozenset[str]:
        """The characters that it names."""
        return frozenset(
            letter
            for segment in self.segments
            for token in segment
            if isinstance(token, str | frozenset)
            for letter in token
        )

    @cached_property
    def least(self) -> int:
        """How many characters its strings have at least."""
        return sum(
            len(segment) if isinstance(segment, str) else sum(not isinstance(token, Symbol) for token in segment)
            for segment in self.segments
        )

    @property
    def has_star(self) -> bool:
        """Whether there is a place for anything."""
        return len(self.segments) > 1

    @cached_property
    def run(self) -> GlobRun:
        """What reads it letter by letter."""
        return GlobRun(tuple(self.tokens()))

    @cached_property
    def widened(self) -> Glob:
        """With a star for every symbol: the strings that it has for some value of its symbols, and maybe more."""
        return (
            glob_of(MANY if isinstance(token, Symbol) else token for token in self.tokens()) if self.symbols else self
        )

    def tokens(self) -> Iterable[Token]:
        """Yield every token in order, the stars too."""
        for index, segment in enumerate(self.segments):
            if index:
                yield MANY
            yield from segment

    def matches(self, text: str) -> bool:
        """Whether it has this string; for a glob without symbols."""
        if not self.is_plain:
            return self.run.accepts_all(text)
        first, last = self.segments[0], self.segments[-1]
        if len(self.segments) == 1:
            return text == first
        if len(text) < self.least or not text.startswith(first) or not text.endswith(last):  # type: ignore[arg-type] # plain: they are strings
            return False
        at, end = len(first), len(text) - len(last)
        for segment in self.segments[1:-1]:
            at = text.find(segment, at, end)  # type: ignore[arg-type] # plain: it is a string
            if at < 0:
                return False
            at += len(segment)
        return True

    def includes(self, other: Glob) -> bool:
        """Whether it has every string of the other, whatever the symbols stand for; false where that is not proven.

        It is asked to read the other's own spelling, in which a star is a letter that nothing but a star reads. What it
        reads so it reads with anything in that place. Without `?` and choices the answer is exact.
        """
        if self.is_plain and other.is_plain:
            fresh = "\0"
            while any(fresh in segment for glob in (self, other) for segment in glob.segments):
                fresh = chr(ord(fresh) + 1)
            return self.matches(fresh.join(other.segments))  # type: ignore[arg-type] # plain: they are strings
        return self.run.accepts_all(other.tokens())

    def may_meet(self, other: Glob) -> bool:
        """Whether they may have a string in common; false where it is proven that they have none.

        Heads and tails are compared as far as they stand in the same place; a symbol that both have there is the same
        string in both. For two globs with stars and without symbols the answer is exact.
        """
        if not _agree(self.segments[0], other.segments[0]):
            return False
        if not _agree(self.segments[-1], other.segments[-1], backwards=True):
            return False
        return not any(one._is_too_short_for(two) for one, two in ((self, other), (other, self)))

    def _is_too_short_for(self, other: Glob) -> bool:
        """Whether the other's strings are all longer: it has all the symbols that this has, and more characters."""
        if self.has_star or self.least >= other.least:
            return False
        return not self.symbols or Counter(_symbols(self)) <= Counter(_symbols(other))

    def __str__(self) -> str:
        """Write it as a policy does."""
        return "".join(_written(token) for token in self.tokens())


def _symbols(glob: Glob) -> list[Symbol]:
    return [token for segment in glob.segments for token in segment if isinstance(token, Symbol)]


def _written(token: Token) -> str:
    if isinstance(token, Wild):
        return token.value
    return min(token, key=str.lower) if isinstance(token, frozenset) else str(token)


def _agree(one: Segment, two: Segment, *, backwards: bool = False) -> bool:
    """Whether a string could begin, or end, with both."""
    if isinstance(one, str) and isinstance(two, str):
        shorter, longer = (one, two) if len(one) < len(two) else (two, one)
        return longer.endswith(shorter) if backwards else longer.startswith(shorter)
    pairs = zip(reversed(one), reversed(two), strict=False) if backwards else zip(one, two, strict=False)
    for here, there in pairs:
        if isinstance(here, Symbol) or isinstance(there, Symbol):
            if here == there:
                continue
            return True  # from here on nobody knows what stands where
        if not shared(here, there):
            return False
    return True


def shared(here: Token, there: Token) -> Token | None:
    """Return what two tokens for one character have in common, if anything."""
    if here is ONE or here == there:
        return there
    if there is ONE:
        return here
    both = characters(here) & characters(there)
    return (both if len(both) > 1 else next(iter(both))) if both else None


def characters(token: Token) -> frozenset[str]:
    """Return the characters that a token for one character reads, where they can be counted."""
    return frozenset(token) if isinstance(token, str | frozenset) else frozenset()


def glob_of(tokens: Iterable[Token]) -> Glob:
    """Make a glob from its tokens, the stars among them."""
    segments: list[list[Token]] = [[]]
    for token in tokens:
        if token is MANY:
            segments.append([])
        else:
            segments[-1].append(token)
    inner = [segment for segment in segments[1:-1] if segment]
    kept = [segments[0], *inner, segments[-1]] if len(segments) > 1 else segments
    return Glob(tuple(_segment(segment) for segment in kept))


def _segment(tokens: Sequence[Token]) -> Segment:
    return "".join(tokens) if all(isinstance(token, str) for token in tokens) else tuple(tokens)  # type: ignore[arg-type] # just checked


def parts_of(text: TextLike) -> tuple[str | Symbol, ...]:
    """Return the pieces of a text."""
    return (text,) if isinstance(text, str) else text.parts


def iam_glob(text: TextLike) -> Glob:
    """Read a resource of a policy: `*` for anything, slashes and nothing included, and `?` for one character.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    plain = text if isinstance(text, str) else text.literal
    if plain is not None and "?" not in plain:
        first, *rest = plain.split("*")
        return Glob((first, *filter(None, rest[:-1]), rest[-1])) if rest else Glob((first,))
    wild: dict[str, Token] = {"*": MANY, "?": ONE}
    return glob_of(
        token
        for part in parts_of(text)
        for token in ([part] if isinstance(part, Symbol) else (wild.get(each, each) for each in part))
    )


def wildcard_glob(text: TextLike) -> Glob:
    r"""Read a `wildcard` of an event pattern: `*` for anything, `\*` and `\\` for themselves.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

    Raises:
        PatternError: Two stars stand together, or a backslash before something else.
    """
    tokens: list[Token] = []
    for part in parts_of(text):
        if isinstance(part, Symbol):
            tokens.append(part)
            continue
        each = iter(part)
        for character in each:
            if character == "\\":
                escaped = next(each, "")
                if escaped not in {"*", "\\"}:
                    raise PatternError(f"a backslash before {escaped!r} in the wildcard {str(text)!r}")
                tokens.append(escaped)
            elif character == "*":
                if tokens and tokens[-1] is MANY:
                    raise PatternError(f"two stars together in the wildcard {str(text)!r}")
                tokens.append(MANY)
            else:
                tokens.append(character)
    return glob_of(tokens)


def literal_tokens(text: TextLike) -> list[Token]:
    """Return the tokens of a text in which nothing is special."""
    return [token for part in parts_of(text) for token in ([part] if isinstance(part, Symbol) else part)]


def spellings(text: TextLike) -> list[list[Token]]:
    """Return the tokens of a text whose case is ignored: each character in small or in capitals.

    There is more than one list where a letter has another length in capitals. EventBridge compares character by
    character, so the small letter is asked for by its capital and not always the other way round.

    Raises:
        PatternError: There are more spellings than anybody would mean.
    """
    found: list[list[Token]] = [[]]
    for token in literal_tokens(text):
        forms = {token.lower(), token.upper()} if isinstance(token, str) else set()
        single = frozenset(form for form in forms if len(form) == 1)
        ways: list[list[Token]] = [list(form) for form in sorted(forms - single)]
        if single:
            ways.append([single] if len(single) > 1 else [*single])
        found = [[*spelling, *way] for spelling in found for way in ways or [[token]]] if len(ways) > 1 else found
        if len(ways) <= 1:
            for spelling in found:
                spelling.extend(ways[0] if ways else [token])
        if len(found) > MOST_SPELLINGS:
            raise PatternError(f"too many ways to write {str(text)!r}")
    return found
