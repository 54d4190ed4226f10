"""One resource of a template: where it stands, and what its properties are once resolved."""

from __future__ import annotations

import math
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.intrinsics import call, is_intrinsic, resolve
from constructs_lib.assembly.physical_names import naming_of
from constructs_lib.assembly.value import (
    ABSENT,
    Absent,
    OneOf,
    Symbol,
    Text,
    Unknown,
    Value,
    as_text,
    likely,
    options,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.stack import Stack

EVERY = "*"  # in a path of properties: every item of a list, every value of an object
FUNCTION = "AWS::Lambda::Function"
NUMBERS = (str, int, float)  # as templates write them


@frozen(eq=False, slots=False)  # one object a resource: it is itself, and no other
class Resource:
    """One resource.

    Args:
        stack: The stack it stands in.
        logical_id: Its name in the template.
        type: Its type, such as `AWS::SQS::Queue`.
        raw: Its properties as the template has them.
        path: The construct path a user knows it by. Default: the logical id.
        source: The file and line that define it, where that is known.
        metadata: Its metadata, as the template has it.
        condition: The condition under which it exists.
        depends_on: What it says it depends on.
        policies: Its `DeletionPolicy` and `UpdateReplacePolicy`, where it has them.
    """

    stack: Stack = field(repr=False)
    logical_id: str
    type: str
    raw: Mapping[str, Any] = field(repr=False)
    path: str
    source: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    condition: str | None = None
    depends_on: tuple[str, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_there_by_default(self) -> bool:
        """Whether it exists by the defaults of the template's parameters; false where these do not tell."""
        return self.condition is None or self.stack.condition(self.condition)[0] is True

    @cached_property
    def id(self) -> str:
        """What tells it from every other resource of the assembly: `Stack/LogicalId`."""
        return f"{self.stack.id}/{self.logical_id}"

    def __str__(self) -> str:
        """Call it as a user does."""
        return self.path

    def value(self, *keys: str) -> Value:
        """Return what stands at this path of properties by the defaults of the template; none if nothing does."""
        chosen = likely(self._at(keys))
        return None if isinstance(chosen, Absent) else chosen

    def values(self, *keys: str) -> tuple[Value, ...]:
        """Return every value that may stand at this path; `"*"` is every item of a list or value of an object.

        What cannot be resolved is an `Unknown` among them.

        Example:
            >>> function.values("Environment", "Variables", "*")
            (Text(parts=('prod',)),)
        """
        raw: Any = self.raw
        for index, key in enumerate(keys):  # most paths lead through plain objects, or nowhere
            if isinstance(raw, dict) and key in raw and key != EVERY:  # no path has the name of a function
                raw = raw[key]
            elif isinstance(raw, dict) and key != EVERY and not is_intrinsic(raw):
                return ()
            else:
                return tuple(_walk(raw, keys[index:], self.stack))
        value = as_text(raw) if isinstance(raw, str) else resolve(raw, self.stack)
        return (value,) if isinstance(value, Text) else tuple(options(value))

    def texts(self, *keys: str) -> tuple[Text, ...]:
        """Return every text that may stand at this path; what is unknown is a text of one symbol."""
        return tuple(texts(self.values(*keys)))

    def text(self, *keys: str) -> str | None:
        """Return the string at this path by the defaults of the template; none if there is none, or it is not known."""
        value = self.value(*keys)
        return value.literal if isinstance(value, Text) else None

    def number(self, *keys: str) -> float | None:
        """Return the number at this path, also when the template writes it as text; none as for `text`."""
        value = self.value(*keys)
        told = value.literal if isinstance(value, Text) else value
        if isinstance(told, bool) or not isinstance(told, NUMBERS):
            return None
        try:
            number = float(told)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    def is_true(self, *keys: str) -> bool:
        """Whether the value at this path is true, also when the template writes it as text."""
        value = self.value(*keys)
        return value is True or (isinstance(value, Text) and (value.literal or "").lower() == "true")

    def lacks(self, *keys: str) -> bool:
        """Whether nothing stands at this path by the defaults of the template; what is unknown does stand there."""
        raw: Any = self.raw
        for key in keys:
            if isinstance(raw, dict) and key in raw:
                raw = raw[key]
            elif isinstance(raw, dict) and not is_intrinsic(raw):
                return True
            else:
                break
        else:
            if raw is None or not is_intrinsic(raw):  # nothing that is written out can turn out to be absent
                return raw is None
        value = likely(self._at(keys))
        return value is None or isinstance(value, Absent)

    def keys(self, *keys: str) -> tuple[str, ...]:
        """Return the keys of the object at this path."""
        return tuple({key: None for each in self.values(*keys) if isinstance(each, dict) for key in each})

    @cached_property
    def name(self) -> Text:
        """Its physical name."""
        told = self.value(naming_of(self.type).name) if naming_of(self.type).name else None
        return told if isinstance(told, Text) and told.parts else Text((Symbol("name", self.id),))

    @cached_property
    def arn(self) -> Text:
        """Its ARN; a symbol of its own where the type does not tell."""
        return self._filled(naming_of(self.type).arn, "Arn")

    @cached_property
    def reference(self) -> Text:
        """What `Ref` gives."""
        return self._filled(naming_of(self.type).ref, "Ref")

    def attribute(self, name: str) -> Text:
        """Return what `Fn::GetAtt` gives."""
        return self._filled(naming_of(self.type).shape(name) or "", name)

    def _filled(self, shape: str, attribute: str) -> Text:
        if not shape:
            return Text((Symbol("attribute", self.id, attribute),))
        return Text.of(*[self._hole(each) if isinstance(each, str) else each for each in self.stack.shape(shape)])

    def _hole(self, name: str) -> Text:
        if name == "name":
            return self.name
        if name == "arn":
            return self.arn
        told = self.value(name)
        if isinstance(told, Text):
            return self.stack.assembly.arn_of(told, FUNCTION) if name == "FunctionName" else told
        return Text((Symbol("attribute", self.id, name),))

    def _at(self, keys: tuple[str, ...]) -> Value | Absent:
        raw: Any = self.raw
        for index, key in enumerate(keys):
            if isinstance(raw, dict) and key in raw:  # no path has the name of a function
                raw = raw[key]
            else:
                return _within(call(raw, self.stack), keys[index:]) if is_intrinsic(raw) else ABSENT
        return as_text(raw) if isinstance(raw, str) else resolve(raw, self.stack)


def _within(value: Value | Absent, keys: tuple[str, ...]) -> Value | Absent:
    """What stands at a path inside a resolved value."""
    for key in keys:
        if isinstance(value, OneOf):
            inside = tuple(_within(each, (key,)) for each in value.options)
            value = OneOf(inside, value.is_decided)
        elif isinstance(value, dict):
            value = value.get(key, Absent())
        elif not isinstance(value, Unknown):
            return Absent()
    return value


def _walk(raw: Any, keys: tuple[str, ...], stack: Stack) -> Iterator[Value]:
    """Go down a path through what the template has, resolving no more than is asked for."""
    if is_intrinsic(raw):
        yield from _descend(call(raw, stack), keys)
    elif not keys:
        yield from options(resolve(raw, stack))
    elif keys[0] == EVERY:
        inside = raw if isinstance(raw, list) else raw.values() if isinstance(raw, dict) else ()
        for each in inside:
            yield from _walk(each, keys[1:], stack)
    elif isinstance(raw, dict) and keys[0] in raw:
        yield from _walk(raw[keys[0]], keys[1:], stack)


def _descend(value: Value | Absent, keys: tuple[str, ...]) -> Iterator[Value]:
    """The same, through a value that is resolved."""
    for each in options(value):
        if not keys or isinstance(each, Unknown):
            yield each
        elif isinstance(each, list | dict) and keys[0] == EVERY:
            for inside in each if isinstance(each, list) else each.values():
                yield from _descend(inside, keys[1:])
        elif isinstance(each, dict) and keys[0] in each:
            yield from _descend(each[keys[0]], keys[1:])
