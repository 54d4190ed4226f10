"""What somebody may emit: an event, a message or a record, as far as that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from constructs_lib.assembly.patterns.json_set import EVERY_VALUE, NO_VALUE, JsonSet, Scalar
from constructs_lib.assembly.text_set import TextSet
from constructs_lib.assembly.value import Text

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """What may stand at one place: one value, a list of values, or nothing.

    A list with a single value is the same as the value, and an empty list the same as nothing: that is how AWS sees
    them. An object is nothing too, since only what is at the ends of a payload is ever compared.

    Args:
        one: The values it may be.
        many: The values that may be in a list that stands there.
        may_be_absent: Whether there may be nothing.
    """

    one: JsonSet
    many: JsonSet = NO_VALUE
    may_be_absent: bool = False

    @classmethod
    def of(cls, values: Described) -> Field:
        """Return a field that has one of these values."""
        if isinstance(values, Field):
            return values
        if isinstance(values, TextSet):
            return cls(JsonSet(values))
        if isinstance(values, JsonSet):
            return cls(values)
        if values is None or isinstance(values, str | Text | int | float):
            return cls(JsonSet.of([values]))
        return cls(JsonSet.of(values))

    @classmethod
    def list_of(cls, values: Described) -> Field:
        """Return a field that has a list of any of these values, maybe an empty one."""
        one = cls.of(values).one
        return cls(one, one, may_be_absent=True)

    @property
    def or_absent(self) -> Field:
        """The same, or nothing."""
        return Field(self.one, self.many, may_be_absent=True)

    def within(self, values: JsonSet, *, absent: bool) -> Field:
        """Return what of it has one of these values; nothing counts as one when `absent`."""
        return Field(self.one & values, self.many & values, self.may_be_absent and absent)

    def without(self, values: JsonSet, *, absent: bool) -> Field:
        """Return what of it has none of these values; nothing counts as one when `absent`."""
        return Field(self.one - values, self.many - values, self.may_be_absent and not absent)

    def is_impossible(self) -> bool:
        """Whether there surely is no way to fill it."""
        return not self.may_be_absent and self.one.is_empty() and self.many.is_empty()

    def is_possible(self) -> bool:
        """Whether there surely is a way to fill it, whatever its symbols stand for."""
        return self.may_be_absent or self.one.has_some() or self.many.has_some()

    def __str__(self) -> str:
        """Say what it is, for a message."""
        if self is UNKNOWN:
            return "not known"
        said = [] if self.one.is_empty() else [str(self.one)]
        return " or ".join([*said, *(["absent"] if self.may_be_absent else [])]) or "nothing"


Described: TypeAlias = Field | TextSet | JsonSet | Iterable[Scalar | Text] | Scalar | Text

UNKNOWN: Final = Field(EVERY_VALUE, EVERY_VALUE, may_be_absent=True)
PRESENT: Final = Field(EVERY_VALUE, EVERY_VALUE)
ABSENT: Final = Field(NO_VALUE, may_be_absent=True)


@dataclass(frozen=True, eq=False)
class Payload:
    """What somebody may emit. What is not said is not known: it may be anything, or absent.

        Payload({("source",): "aws.s3", ("detail", "object", "key"): TextSet.prefix("thumbs/")})

    Args:
        fields: For a path of keys, what may stand at its end: a set of strings, some values, or a `Field`. Fields are
            taken to vary freely, and their paths to lead through objects, not lists.
        closed: Paths under which nothing else is than what is said; `[()]` for the whole payload. What is said to be
            `UNKNOWN` may be an object of anything.
    """

    fields: InitVar[Mapping[Path, Described]] = MappingProxyType({})
    closed: InitVar[Iterable[Path]] = ()
    _fields: dict[Path, Field] = field(init=False)
    _closed: frozenset[Path] = field(init=False)

    def __post_init__(self, fields: Mapping[Path, Described], closed: Iterable[Path]) -> None:
        """Bring every description into one form."""
        object.__setattr__(self, "_fields", {tuple(path): Field.of(values) for path, values in fields.items()})
        object.__setattr__(self, "_closed", frozenset(map(tuple, closed)))

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of which something is said."""
        return tuple(self._fields)

    def at(self, path: Path) -> Field:
        """Return what may stand at the end of a path."""
        found = self._fields.get(path)
        if found is not None:
            return found
        for length in reversed(range(len(path))):  # what is said nearest to it counts
            above = self._fields.get(path[:length])
            if above is UNKNOWN:
                return UNKNOWN
            # what surely is a value is no object
            if path[:length] in self._closed or (above is not None and not above.may_be_absent):
                return ABSENT
        return UNKNOWN

    def impossible(self) -> Path | None:
        """Return the path of a field that nothing can fill, if there is one: then there is no such payload."""
        return next((path for path, found in self._fields.items() if found.is_impossible()), None)
