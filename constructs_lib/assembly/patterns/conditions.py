"""What a pattern asks of one place of an event: the list of values and operators that stands there.

Operators, as EventBridge defines them, and event source mappings and SNS after it:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
What the pages leave open is answered both ways: `surely` has what passes by every reading, `maybe` by any.
"""

from __future__ import annotations

import enum
import ipaddress
import json
import re
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from constructs_lib.assembly.patterns.glob import PatternError, TextLike
from constructs_lib.assembly.patterns.json_set import EVERY_VALUE, NO_VALUE, WORDS, JsonSet, is_number
from constructs_lib.assembly.patterns.numbers import NumberSet
from constructs_lib.assembly.text_set import TextSet
from constructs_lib.assembly.value import Absent, OneOf, Text, Unknown, likely

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from constructs_lib.assembly.patterns.payload import Field

LONGEST: Final = 100  # characters of a condition that a message shows
LEVELS: Final = 4  # and its levels
MOST_OPERATORS: Final = 500  # in one place; in the 4,096 characters that AWS allows there is no room for so many
NUMERIC_STARTS: Final = frozenset({"=", "<", "<=", ">", ">="})
ADDRESSES: Final = TextSet.wildcard("*.*.*.*", "*:*")


class Dialect(enum.Enum):
    """Whose pattern it is; they differ in small things."""

    EVENT_BRIDGE = "EventBridge"
    EVENT_SOURCE = "event source mapping"
    SNS = "SNS"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a pattern asks of one place.

    Args:
        surely: Values that pass.
        maybe: Values of which nobody can say that they do not pass.
        absent_surely: Whether nothing passes.
        absent_maybe: Whether nothing may pass.
        said: What the pattern says.
        asked: What is decided by looking at a string, where all strings are known.
    """

    surely: JsonSet = NO_VALUE
    maybe: JsonSet = NO_VALUE
    absent_surely: bool = False
    absent_maybe: bool = False
    said: Any = None
    asked: tuple[Asked, ...] = ()

    @property
    def text(self) -> str:
        """How a message says it."""
        return str(self.said) if isinstance(self.said, Unknown) else _shown(self.said)

    def __or__(self, other: Condition) -> Condition:
        """What either asks for, as the members of a list do."""
        return Condition(
            self.surely | other.surely,
            self.maybe | other.maybe,
            self.absent_surely or other.absent_surely,
            self.absent_maybe or other.absent_maybe,
            self.said or other.said,
            (*self.asked, *other.asked),
        )

    def unclear_with(self, other: Condition) -> Condition:
        """One of the two, and nobody knows which."""
        return Condition(
            self.surely & other.surely,
            self.maybe | other.maybe | _of_asked((*self.asked, *other.asked)),
            self.absent_surely and other.absent_surely,
            self.absent_maybe or other.absent_maybe,
            other.said,
        )

    def settled(self, found: Field) -> Condition:
        """Return what it comes to for a field, all of whose strings may be known."""
        if not self.asked:
            return self
        names = (found.one.texts | found.many.texts).names()
        surely, maybe = self.surely, self.maybe
        for asked in self.asked:
            if names is None:
                maybe |= asked.maybe
                continue
            passing = JsonSet(TextSet.exactly(*(name for name in names if asked.passes(name))))
            maybe |= passing
            surely = surely | passing if asked.is_sure else surely
        return Condition(surely, maybe, self.absent_surely, self.absent_maybe, self.said)


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that is decided by looking at a string.

    Args:
        passes: Whether a string passes.
        maybe: Strings among which all are that do.
        is_sure: Whether what passes surely does.
    """

    passes: Callable[[str], bool]
    maybe: JsonSet
    is_sure: bool


NOT_ASKED: Final = Condition(EVERY_VALUE, EVERY_VALUE, absent_surely=True, absent_maybe=True)
NOT_KNOWN: Final = Condition(
    maybe=EVERY_VALUE, absent_maybe=True, said=Unknown("", "it is not known before deployment")
)

Reader: TypeAlias = "Callable[[Any, Dialect], Condition]"


def condition(value: Any, dialect: Dialect) -> Condition:
    """Read the list that stands at one place of a pattern.

    Raises:
        PatternError: AWS would not take it.
    """
    if isinstance(value, Unknown):
        return NOT_KNOWN
    if isinstance(value, OneOf):
        return _one_of(value, lambda option: condition(option, dialect), absent=NOT_ASKED)
    if not isinstance(value, list) or not value:
        raise PatternError(f"{_shown(value)} where a list of values belongs")
    texts = [item for item in value if isinstance(item, str | Text)]
    numbers = [item for item in value if is_number(item)]
    others = [item for item in value if not isinstance(item, str | Text) and not is_number(item)]
    if len(others) > MOST_OPERATORS:
        raise PatternError(f"it has more than {MOST_OPERATORS} operators in one place")
    # strings and numbers at once: a list may have thousands
    asked = reduce(lambda one, two: one | two, (_item(item, dialect) for item in others), _equal_text(texts, dialect))
    asked = asked | _number(NumberSet.exactly(*numbers), dialect) if numbers else asked
    return Condition(asked.surely, asked.maybe, asked.absent_surely, asked.absent_maybe, value, asked.asked)


def _one_of(value: OneOf, read: Callable[[Any], Condition], *, absent: Condition) -> Condition:
    options = [absent if isinstance(option, Absent) else read(option) for option in value.options]
    return reduce(Condition.unclear_with, options) if options else NOT_KNOWN


def _item(item: Any, dialect: Dialect) -> Condition:
    if isinstance(item, Unknown):
        return NOT_KNOWN
    if isinstance(item, OneOf):
        return _one_of(item, lambda option: _item(option, dialect), absent=Condition())
    if not isinstance(item, dict):
        return _equal(item, dialect)
    if len(item) != 1:
        raise PatternError(f"{_shown(item)} where one operator belongs")
    ((name, operand),) = item.items()
    if name not in OPERATORS:
        raise PatternError(f"there is no operator {name!r}")
    if isinstance(operand, Unknown | OneOf):
        return NOT_KNOWN
    return OPERATORS[name](operand, dialect)


def _exact(values: JsonSet) -> Condition:
    return Condition(values, values)


def _equal(value: Any, dialect: Dialect) -> Condition:
    if is_number(value):
        return _number(NumberSet.exactly(value), dialect)
    if isinstance(value, str | Text):
        return _equal_text([value], dialect)
    if not (value is None or isinstance(value, bool)):
        raise PatternError(f"{_shown(value)} where a value belongs")
    exact = JsonSet.of([value])
    # A message attribute is written as a string, and its type says what it is: which is compared is not said.
    return _exact(exact) if dialect is not Dialect.SNS else Condition(exact, exact | JsonSet.of([json.dumps(value)]))


def _equal_text(texts: list[TextLike], dialect: Dialect) -> Condition:
    exact = JsonSet.of(texts)
    is_sns = texts and dialect is Dialect.SNS
    return _exact(exact) if not is_sns else Condition(exact, exact | JsonSet(TextSet.none(), NumberSet.any()))


def _number(numbers: NumberSet, dialect: Dialect) -> Condition:
    exact = JsonSet(TextSet.none(), numbers)
    if dialect is Dialect.EVENT_BRIDGE:
        return _exact(exact)
    # The numbers of DynamoDB are strings, and so are those of message attributes.
    written = Asked(lambda text: _reads_as(text, numbers), JsonSet(TextSet.any()), is_sure=False)
    return Condition(exact, exact, asked=(written,))


def _reads_as(text: str, numbers: NumberSet) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return is_number(number) and number in numbers


def _numeric(operand: Any, dialect: Dialect) -> Condition:
    """Read `["=", 5]` or `[">", 0, "<=", 5]`."""
    if not isinstance(operand, list) or len(operand) not in {2, 4}:
        raise PatternError(f"{_shown(operand)} where a comparison of numbers belongs")
    numbers = NumberSet.any()
    for sign, bound in zip(operand[::2], operand[1::2], strict=True):
        word = sign.literal if isinstance(sign, Text) else sign
        if isinstance(sign, Unknown | OneOf) or isinstance(bound, Unknown | OneOf) or word is None:
            return NOT_KNOWN
        if word not in NUMERIC_STARTS or not is_number(bound):
            raise PatternError(f"{_shown(operand)} where a comparison of numbers belongs")
        numbers &= NumberSet.compared(word, bound)
    return _number(numbers, dialect)


def _text(operand: Any, name: str) -> TextLike:
    if not isinstance(operand, str | Text):
        raise PatternError(f"{_shown(operand)} where {name} takes a string")
    return operand


def _texts(operand: Any, name: str) -> TextSet:
    """Read what `prefix` and its kin mean by an operand."""
    if name in {"prefix", "suffix"}:
        ignore_case = isinstance(operand, dict) and set(operand) == {"equals-ignore-case"}
        text = _text(operand["equals-ignore-case"] if ignore_case else operand, name)
        return (TextSet.prefix if name == "prefix" else TextSet.suffix)(text, ignore_case=ignore_case)
    if name == "wildcard":
        return TextSet.wildcard(_text(operand, name))
    return TextSet.exactly(_text(operand, name), ignore_case=name == "equals-ignore-case")


def _of_texts(name: str) -> Reader:
    return lambda operand, _: _exact(JsonSet(_texts(operand, name)))


def _exists(operand: Any, dialect: Dialect) -> Condition:
    if not isinstance(operand, bool):
        raise PatternError(f"{_shown(operand)} where exists takes true or false")
    if dialect is not Dialect.SNS:
        return _exact(EVERY_VALUE) if operand else Condition(absent_surely=True, absent_maybe=True)
    # "The key must have a non-null and non-empty value"; and a message without any attribute does not match.
    # https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html
    unclear = JsonSet.of(["", None])
    return Condition(EVERY_VALUE - unclear, EVERY_VALUE) if operand else Condition(maybe=unclear, absent_maybe=True)


def _anything_but(operand: Any, dialect: Dialect) -> Condition:
    if isinstance(operand, dict):
        if len(operand) != 1:
            raise PatternError(f"{_shown(operand)} where one operator belongs")
        ((name, inner),) = operand.items()
        if name not in {"prefix", "suffix", "wildcard", "equals-ignore-case"}:
            raise PatternError(f"there is no anything-but with {name!r}")
        listed = inner if isinstance(inner, list) else [inner]
        if not 0 < len(listed) <= MOST_OPERATORS:
            raise PatternError(f"anything-but with a list of {len(listed)}")
        if any(isinstance(each, Unknown | OneOf) for each in listed):
            return NOT_KNOWN
        return _but(JsonSet(reduce(lambda one, two: one | two, (_texts(each, name) for each in listed))), dialect)
    listed = operand if isinstance(operand, list) else [operand]
    if not listed:
        raise PatternError("anything-but with an empty list")
    if any(isinstance(each, Unknown | OneOf) for each in listed):
        return NOT_KNOWN
    if not all(isinstance(each, str | Text) for each in listed) and not all(map(is_number, listed)):
        raise PatternError(f"{_shown(operand)} where anything-but takes strings or numbers")
    return _but(JsonSet.of(listed), dialect)


def _but(excluded: JsonSet, dialect: Dialect) -> Condition:
    """Every other value passes; of true, false and null no page says so, and of numbers written as strings neither."""
    maybe = EVERY_VALUE - excluded
    unclear = JsonSet(TextSet.none(), words=WORDS)
    if dialect is not Dialect.EVENT_BRIDGE:
        is_numeric = not excluded.numbers.is_empty()
        unclear |= JsonSet(TextSet.any()) if is_numeric else JsonSet(TextSet.none(), NumberSet.any())
    return Condition(maybe - unclear, maybe)


def _cidr(operand: Any, dialect: Dialect) -> Condition:  # noqa: ARG001 - every reader is called alike
    text = _text(operand, "cidr")
    known = text if isinstance(text, str) else text.literal
    if known is None:
        return Condition(maybe=JsonSet(ADDRESSES))
    try:
        network = ipaddress.ip_network(known, strict=False)
    except ValueError as error:
        raise PatternError(f"cidr {known!r}: {error}") from error
    return Condition(asked=(Asked(lambda address: _is_in(address, network), JsonSet(ADDRESSES), is_sure=True),))


def _is_in(address: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        # AWS reads 010 as ten
        return ipaddress.ip_address(re.sub(r"\b0+(?=[0-9]+(\.|$))", "", address)) in network
    except ValueError:
        return False


OPERATORS: Final[dict[str, Reader]] = {
    "prefix": _of_texts("prefix"),
    "suffix": _of_texts("suffix"),
    "equals-ignore-case": _of_texts("equals-ignore-case"),
    "wildcard": _of_texts("wildcard"),
    "exactly": _of_texts("exactly"),
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
    "cidr": _cidr,
}


def _of_asked(several: Iterable[Asked]) -> JsonSet:
    return reduce(lambda one, two: one | two, (each.maybe for each in several), NO_VALUE)


def _shown(value: Any) -> str:
    """Write a piece of a pattern for a message, cut short."""
    text = json.dumps(_cut(value, LEVELS), ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _cut(value: Any, levels: int) -> Any:
    if isinstance(value, OneOf):
        return _cut(likely(value), levels)
    if isinstance(value, dict | list) and not levels:
        return "..."
    if isinstance(value, dict):
        return {str(key): _cut(each, levels - 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut(each, levels - 1) for each in value[:LONGEST]]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
