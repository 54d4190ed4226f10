"""Exact sets of strings: what a policy lets somebody write, and what a filter lets through.

Object keys, ARNs and names, as IAM, S3 and EventBridge describe them: prefixes, suffixes, `*` and `?`, their unions,
intersections and complements. Pieces that only a deployment knows are symbols: every answer holds for all strings they
could be, and the same symbol is the same string wherever it stands.

    >>> uploads, thumbnails = TextSet.glob("uploads/*.png"), TextSet.prefix("thumbs/")
    >>> relation(thumbnails, uploads).extent
    <Extent.NONE: 'none'>
    >>> relation(TextSet.glob("*"), uploads).witness
    'uploads/.png'

Why it is written here: docs/decisions/text-sets.md.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.patterns.conjunction import EVERYTHING
from constructs_lib.assembly.patterns.glob import (
    Glob,
    TextLike,
    glob_of,
    iam_glob,
    literal_tokens,
    spellings,
    wildcard_glob,
)
from constructs_lib.assembly.patterns.letters import MANY, Token, written
from constructs_lib.assembly.patterns.names import Names
from constructs_lib.assembly.patterns.relation import Extent, Relation, never
from constructs_lib.assembly.patterns.tree import NOTHING_AT_ALL, Both, Either, Node, Non, explored, shortest_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Extent", "Relation", "TextSet", "relation"]

SHOWN: Final = 4  # members of a union that a message lists, and levels of nesting it shows
LONGEST: Final = 120  # characters of a pattern that a message shows


@frozen(eq=False)
class TextSet:
    """A set of strings. It never changes; the operators make new ones.

    What a set is asked is answered exactly, with two exceptions that both err to the careful side. A set with symbols
    is called empty (or part of another) only when it is so for every value of theirs. And a question that would take
    too many steps, which no sensible policy asks, is answered as if there were such a string.
    """

    _node: Node

    @classmethod
    def any(cls) -> TextSet:
        """Every string, the empty one too."""
        return ANY

    @classmethod
    def none(cls) -> TextSet:
        """No string."""
        return EMPTY

    @classmethod
    def exactly(cls, *texts: TextLike, ignore_case: bool = False) -> TextSet:
        """These strings, and no others."""
        known = {text if isinstance(text, str) else text.literal for text in texts}
        if ignore_case or None in known or len(known) == 1:
            return cls._of_tokens(texts, ignore_case=ignore_case)
        return cls(Names(frozenset(text for text in known if text is not None))) if known else EMPTY

    @classmethod
    def glob(cls, *patterns: TextLike) -> TextSet:
        """What a policy means: `*` is anything, slashes and nothing included, and `?` is exactly one character.

        A symbol is one string in which these are not special, as names and ARNs are.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
        """
        return cls._union(iam_glob(pattern) for pattern in patterns)

    @classmethod
    def wildcard(cls, *patterns: TextLike) -> TextSet:
        r"""What an event pattern means by `wildcard`: `*` is anything, and `\*` and `\\` are themselves.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

        Raises:
            PatternError: A pattern is not one that EventBridge takes.
        """
        return cls._union(wildcard_glob(pattern) for pattern in patterns)

    @classmethod
    def prefix(cls, *texts: TextLike, ignore_case: bool = False) -> TextSet:
        """Strings that begin with one of these."""
        return cls._of_tokens(texts, after=(MANY,), ignore_case=ignore_case)

    @classmethod
    def suffix(cls, *texts: TextLike, ignore_case: bool = False) -> TextSet:
        """Strings that end with one of these."""
        return cls._of_tokens(texts, before=(MANY,), ignore_case=ignore_case)

    @classmethod
    def _of_tokens(
        cls,
        texts: Iterable[TextLike],
        *,
        before: tuple[Token, ...] = (),
        after: tuple[Token, ...] = (),
        ignore_case: bool,
    ) -> TextSet:
        globs: list[Glob] = []
        for text in texts:
            if isinstance(text, str) and not ignore_case:
                globs.append(Glob((*("" for _ in before), text, *("" for _ in after))))
            else:
                ways = spellings(text) if ignore_case else [literal_tokens(text)]
                globs += [glob_of((*before, *way, *after)) for way in ways]
        return cls._union(globs)

    @classmethod
    def _union(cls, nodes: Iterable[Node]) -> TextSet:
        several = tuple(nodes)
        return cls(several[0] if len(several) == 1 else Either(several))

    def __or__(self, other: TextSet) -> TextSet:
        """Strings that are in either."""
        one, two = self._node, other._node
        if one is NOTHING_AT_ALL or two is ANY._node:
            return other
        if two is NOTHING_AT_ALL or one is ANY._node:
            return self
        return TextSet(Either((*_members(one, Either), *_members(two, Either))))

    def __and__(self, other: TextSet) -> TextSet:
        """Strings that are in both."""
        one, two = self._node, other._node
        if one is ANY._node or two is NOTHING_AT_ALL:
            return other
        if two is ANY._node or one is NOTHING_AT_ALL:
            return self
        listed = _listed(one, two, inside=True) or _listed(two, one, inside=True)
        return listed or TextSet(Both((*_members(one, Both), *_members(two, Both))))

    def __sub__(self, other: TextSet) -> TextSet:
        """Strings that are in this and not in the other."""
        return _listed(self._node, other._node, inside=False) or self & other.complement()

    def complement(self) -> TextSet:
        """Strings that are not in this."""
        if self._node is NOTHING_AT_ALL or self._node is ANY._node:
            return EMPTY if self._node is ANY._node else ANY
        return TextSet(self._node.node if isinstance(self._node, Non) else Non(self._node))

    def __contains__(self, text: str) -> bool:
        """Whether this string is surely in it."""
        return TextSet.exactly(text).is_subset(self)

    def is_empty(self) -> bool:
        """Whether it surely has no string."""
        return not isinstance(self._node, Glob | Names) and explored(self._node).is_empty is True

    def has_some(self) -> bool:
        """Whether it surely has a string, whatever its symbols stand for."""
        return isinstance(self._node, Glob | Names) or explored(self._node).is_empty is False

    def is_subset(self, other: TextSet) -> bool:
        """Whether all its strings are surely in the other."""
        return (self - other).is_empty()

    def overlaps(self, other: TextSet) -> bool:
        """Whether a string may be in both."""
        return not (self & other).is_empty()

    def witness(self) -> str | None:
        """Return the shortest of its strings; of equally short ones, the one that reads best. None if there is none.

        With symbols it is an illustration, in which they are written `${Name}`: there may be values for which it is
        not in the set.
        """
        found = shortest_of(self._node).witness
        return None if found is None else written(found)

    def example(self) -> str | None:
        """Return a string of it, the first that was found. None where none was."""
        found = explored(self._node).witness
        return None if found is None else written(found)

    def letters(self) -> frozenset[str]:
        """Return the characters that its description names."""
        return frozenset(_letters(self._node))

    def names(self) -> frozenset[str] | None:
        """Return its strings when it is a plain list of them."""
        if isinstance(self._node, Names):
            return self._node.names
        literal = self._node.literal if isinstance(self._node, Glob) else None
        return frozenset() if self._node is NOTHING_AT_ALL else None if literal is None else frozenset([literal])

    def __str__(self) -> str:
        """Say what it is, for a message; long unions are cut short."""
        return _described(self._node, SHOWN)


def relation(writes: TextSet, passes: TextSet) -> Relation:
    """Say how much of what is written passes."""
    meet = explored((writes & passes)._node)
    if meet.is_empty:
        return Relation(Extent.NONE, f"nothing in {writes} is in {passes}")
    rest = explored((writes - passes)._node)
    find = (writes & passes).witness
    if rest.is_empty:
        why = "everything passes" if passes._node is ANY._node else f"all of {writes} is in {passes}"
        return Relation(Extent.ALL, why, find)
    if meet.is_empty is False and rest.is_empty is False:
        return Relation(Extent.SOME, f"some of {writes} is in {passes}", find)
    return Relation(Extent.SOME, f"it is not known how much of {writes} is in {passes}", find, never)


def _listed(node: Node, other: Node, *, inside: bool) -> TextSet | None:
    """Return the strings of a list that are inside another pattern, or outside; none where it is not that simple."""
    names = TextSet(node).names() if isinstance(node, Glob | Names) else None
    if names is None or not isinstance(other, Glob | Names) or other.symbols:
        return None
    return TextSet.exactly(*(name for name in names if other.matches(name) is inside))


def _letters(node: Node) -> Iterable[str]:
    if isinstance(node, Both | Either):
        return chain.from_iterable(map(_letters, node.nodes))
    if isinstance(node, Non):
        return _letters(node.node)
    return chain.from_iterable(node.names) if isinstance(node, Names) else node.alphabet


def _members(node: Node, kind: type[Both | Either]) -> tuple[Node, ...]:
    return node.nodes if isinstance(node, Both | Either) and isinstance(node, kind) else (node,)


def _described(node: Node, levels: int) -> str:
    if isinstance(node, Non):
        return f"anything but {_described(node.node, levels - 1)}" if levels else "..."
    if isinstance(node, Both | Either):
        if not node.nodes:
            return "anything" if isinstance(node, Both) else "nothing"
        shown = [_described(each, levels - 1) for each in node.nodes[:SHOWN]] if levels else ["..."]
        more = len(node.nodes) - SHOWN
        listed = [*shown, f"{more} more"] if more > 0 and levels else shown
        return (" and " if isinstance(node, Both) else " or ").join(listed)
    if isinstance(node, Names):
        return _described(Either(tuple(Glob((name,)) for name in sorted(node.names))), levels)
    text = str(node) or "''"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


ANY: Final = TextSet(EVERYTHING)
EMPTY: Final = TextSet(NOTHING_AT_ALL)
