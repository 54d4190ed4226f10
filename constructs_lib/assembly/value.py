"""What a property of a resource is, once its intrinsic functions are resolved as far as a template allows.

A string becomes a `Text`: pieces that are known, and a `Symbol` for each piece that only a deployment knows. The same
unknown has the same symbol wherever it stands, so two texts that are equal denote the same thing, known or not: the
ARN of a queue reads alike whether it came by `Fn::GetAtt`, by `Fn::Sub`, or through the export of another stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Final, Literal, TypeAlias, Union

from constructs_lib.assembly.frozen import frozen

SymbolKind = Literal["name", "attribute", "parameter", "pseudo", "import", "unknown"]


@frozen
class Symbol:
    """A piece of text that is not known before deployment.

    Args:
        kind: What it stands for: the generated `name` of a resource, another `attribute` of it, a `parameter`, a
            `pseudo` parameter such as `AWS::Region`, an `import` from a stack that was not given, or something
            `unknown`.
        of: Whose: the id of the resource (`Stack/LogicalId`) or of the parameter, or the name of the pseudo parameter
            or import; for something unknown, the expression itself.
        attribute: Which attribute of the resource.
        reason: Why it is unknown.
    """

    kind: SymbolKind
    of: str
    attribute: str = ""
    reason: str = ""
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Count the hash once: every text it stands in asks for it, again and again."""
        object.__setattr__(self, "_hash", hash((self.kind, self.of, self.attribute, self.reason)))

    def __hash__(self) -> int:
        """Return the hash of what tells it from others."""
        return self._hash

    def __str__(self) -> str:
        """Write it as a template would."""
        owner = self.of.rpartition("/")[2] if self.kind in {"name", "attribute", "parameter"} else self.of
        return f"${{{owner}.{self.attribute}}}" if self.attribute else f"${{{owner}}}"


@frozen
class Text:
    """A string of which some pieces may be unknown.

    Args:
        parts: The pieces: no two strings beside each other, and no empty one. Make it with `Text.of`.
    """

    parts: tuple[str | Symbol, ...]

    def __hash__(self) -> int:
        """Return the hash of its pieces."""
        return hash(self.parts)

    @classmethod
    def of(cls, *parts: str | Symbol | Text) -> Text:
        """Return the text that these pieces make, one after the other."""
        joined: list[str | Symbol] = []
        known = ""  # what is collected until the next symbol
        for part in parts:
            if isinstance(part, str):
                known += part
                continue
            for piece in part.parts if isinstance(part, Text) else (part,):
                if isinstance(piece, str):
                    known += piece
                    continue
                if known:
                    joined.append(known)
                    known = ""
                joined.append(piece)
        if known:
            joined.append(known)
        return cls(tuple(joined))

    @property
    def literal(self) -> str | None:
        """The string, when all of it is known."""
        if not self.parts:
            return ""
        first = self.parts[0]
        return first if len(self.parts) == 1 and isinstance(first, str) else None

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The pieces that are not known."""
        return tuple(part for part in self.parts if isinstance(part, Symbol))

    def startswith(self, prefix: str) -> bool:
        """Whether it surely begins with this."""
        return not prefix or (bool(self.parts) and isinstance(self.parts[0], str) and self.parts[0].startswith(prefix))

    def split(self, separator: str, maximum: int = -1) -> tuple[Text, ...]:
        """Split at the separator, as `str.split` does, where it is known to stand."""
        pieces: list[Text] = []
        piece: list[str | Symbol] = []
        for part in self.parts:  # no two strings come to stand beside each other, as these are the parts of a text
            if isinstance(part, Symbol) or separator not in part:
                piece.append(part)
                continue
            first, *rest = part.split(separator, -1 if maximum < 0 else maximum - len(pieces))
            if first:
                piece.append(first)
            for each in rest:
                pieces.append(Text(tuple(piece)))
                piece = [each] if each else []
        pieces.append(Text(tuple(piece)))
        return tuple(pieces)

    def __str__(self) -> str:
        """Write it with `${...}` for what is unknown."""
        literal = self.literal
        return literal if literal is not None else "".join(str(part) for part in self.parts)


@lru_cache(maxsize=20_000)
def as_text(known: str) -> Text:
    """Return a string as a text; templates have the same ones again and again."""
    return Text((known,)) if known else Text(())


@frozen
class Unknown:
    """A value that cannot be resolved.

    Args:
        expression: The expression as the template has it, shortened.
        reason: Why not.
    """

    expression: str
    reason: str

    def __str__(self) -> str:
        """Say what it is."""
        return f"unknown: {self.reason}"

    @property
    def symbol(self) -> Symbol:
        """What stands for it inside a text."""
        return Symbol("unknown", self.expression, reason=self.reason)


@frozen
class Absent:
    """What `AWS::NoValue` leaves behind."""


ABSENT: Final = Absent()


@frozen
class OneOf:
    """Any of some values: which one, a condition decides that a parameter can turn.

    Args:
        options: The values. With the defaults of the template's parameters it is the first; when even these do not
            decide it, `is_decided` is false.
        is_decided: Whether the defaults choose the first.
    """

    options: tuple[Value | Absent, ...]
    is_decided: bool = True


Value: TypeAlias = Union[Text, int, float, bool, "list[Value]", "dict[str, Value]", OneOf, Unknown, None]


def options(value: Value | Absent) -> Iterator[Value]:
    """Yield every value this may be; nothing where it may only be absent."""
    if isinstance(value, OneOf):
        for option in value.options:
            yield from options(option)
    elif not isinstance(value, Absent):
        yield value


def likely(value: Value | Absent) -> Value | Absent:
    """Return the value that the defaults of the parameters choose; the first that is there when they choose none."""
    while isinstance(value, OneOf):
        present = (each for each in value.options if not isinstance(each, Absent))
        value = value.options[0] if value.is_decided else next(present, ABSENT)
    return value


def is_false(value: Value | Absent) -> bool:
    """Whether this is false, also when the template writes it as text; not so what is absent."""
    return value is False or (isinstance(value, Text) and (value.literal or "").lower() == "false")


def texts(values: Iterable[Value]) -> Iterator[Text]:
    """Yield those that are text; what is unknown becomes a text of one symbol."""
    for value in values:
        for each in options(value):
            if isinstance(each, Text):
                yield each
            elif isinstance(each, Unknown):
                yield Text((each.symbol,))


def plain(value: Value | Absent) -> object:
    """Return it as plain JSON, with `${...}` in strings for what is unknown: to be shown, or compared as a whole."""
    chosen = likely(value)
    if isinstance(chosen, Text | Unknown):
        return str(chosen)
    if isinstance(chosen, Mapping):
        return {key: plain(each) for key, each in chosen.items()}
    if isinstance(chosen, Sequence):
        return [plain(each) for each in chosen]
    return None if isinstance(chosen, Absent) else chosen
