"""Sets of what may stand at one place of an event: strings, numbers, true, false and null."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, TypeGuard

from constructs_lib.assembly.patterns.numbers import NumberSet
from constructs_lib.assembly.text_set import TextSet
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

Scalar: TypeAlias = str | int | float | bool | None
NO_NUMBER: Final = NumberSet()
LARGEST: Final = 1e300
WORDS: Final = frozenset({True, False, None})


@dataclass(frozen=True, slots=True)
class JsonSet:
    """Some of all values that are neither an object nor a list.

    Args:
        texts: The strings among them.
        numbers: The numbers among them.
        words: Which of true, false and null.
    """

    texts: TextSet
    numbers: NumberSet = NO_NUMBER
    words: frozenset[bool | None] = frozenset()

    @classmethod
    def of(cls, values: Iterable[Scalar | Text]) -> JsonSet:
        """These values."""
        listed = list(values)
        return cls(
            TextSet.exactly(*(value for value in listed if isinstance(value, str | Text))),
            NumberSet.exactly(*(value for value in listed if is_number(value))),
            frozenset(value for value in listed if value is None or isinstance(value, bool)),
        )

    def __or__(self, other: JsonSet) -> JsonSet:
        """Values that are in either."""
        return JsonSet(self.texts | other.texts, self.numbers | other.numbers, self.words | other.words)

    def __and__(self, other: JsonSet) -> JsonSet:
        """Values that are in both."""
        return JsonSet(self.texts & other.texts, self.numbers & other.numbers, self.words & other.words)

    def __sub__(self, other: JsonSet) -> JsonSet:
        """Values that are in this and not in the other."""
        return JsonSet(self.texts - other.texts, self.numbers - other.numbers, self.words - other.words)

    def is_empty(self) -> bool:
        """Whether it surely has no value."""
        return not self.words and self.numbers.is_empty() and self.texts.is_empty()

    def has_some(self) -> bool:
        """Whether it surely has a value, whatever its symbols stand for."""
        return bool(self.words) or not self.numbers.is_empty() or self.texts.has_some()

    def example(self) -> Scalar:
        """Return a value of it: a string where one was found. None if there is none, or only null."""
        text = self.texts.example()
        if text is not None:
            return text
        number = self.numbers.witness()
        return number if number is not None else next((word for word in (True, False) if word in self.words), None)

    def __str__(self) -> str:
        """Say what it is, for a message."""
        if self is EVERY_VALUE:
            return "anything"
        texts = "" if self.texts is TextSet.none() else str(self.texts)
        words = [
            str(word).lower() if word is not None else "null" for word in (True, False, None) if word in self.words
        ]
        return " or ".join(filter(None, (texts, str(self.numbers), *words))) or "nothing"


def is_number(value: object) -> TypeGuard[float]:
    """Whether this is a JSON number that AWS could compare: not true or false, and not beyond all bounds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


EVERY_VALUE: Final = JsonSet(TextSet.any(), NumberSet.any(), WORDS)
NO_VALUE: Final = JsonSet(TextSet.none())
