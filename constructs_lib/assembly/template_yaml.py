"""A template written in YAML, as CloudFormation takes it: short functions, YAML 1.1 words, dates as text.

Built from the parser's events, not by PyYAML's constructors: that is five times as fast, nothing of it recurses, and
what an alias repeats is counted before it is copied.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.template_document import MAX_DEPTH, MAX_DIGITS, Document, MalformedTextError, too_deep

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 16 * 1024 * 1024  # CloudFormation itself takes 1 MiB
MAX_BYTES_WITHOUT_LIBYAML = 1024 * 1024  # PyYAML's own parser is fifty times as slow
MAX_VALUES = 1_000_000
MAX_DIRECTIVES = 100  # libyaml compares each with all before it
MAX_REPEATED = 100_000  # values that aliases stand for, all together
NEEDS_PYYAML = "the file is written in YAML, and PyYAML is not installed"

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
FUNCTIONS = {
    **{name: name for name in ("Ref", "Condition")},
    **{
        name: f"Fn::{name}"
        for name in (
            "And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "FindInMap",
            "ForEach", "GetAZs", "GetAtt", "GetStackOutput", "If", "ImportValue", "Join", "Length", "Not", "Or",
            "RefAll", "Select", "Split", "Sub", "ToJsonString", "Transform", "ValueOf", "ValueOfAll",
        )
    },
}  # fmt: skip
STANDARD = "tag:yaml.org,2002:"
YAML_TYPES: dict[str, tuple[type[Any], ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}
WORDS = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **{each: True for word in ("yes", "true", "on") for each in (word, word.title(), word.upper())},
    **{each: False for word in ("no", "false", "off") for each in (word, word.title(), word.upper())},
}
# YAML 1.1, but for octal and base sixty: 012345678901 is an account and 12:30 a time, wherever a template says so.
INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]*[0-9a-fA-F][0-9a-fA-F_]*")
BINARY = re.compile(r"[-+]?0b[01_]*[01][01_]*")
FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
DIRECTIVE = re.compile(r"^%", re.MULTILINE)
NUMBER_BEGINS = frozenset("0123456789+-.")
MERGE = "<<"
NOT_A_KEY = "a key is something else than text"


def parse_yaml(text: str) -> Document:
    """Read a template.

    Raises:
        MalformedTextError: It is not YAML, uses what CloudFormation does not know, or is larger than a template can be.
    """
    try:
        import yaml  # noqa: PLC0415 - comes with an extra; templates in JSON must not need it
    except ImportError as error:
        raise MalformedTextError(NEEDS_PYYAML) from error
    loader: type[yaml.CSafeLoader | yaml.SafeLoader] = yaml.SafeLoader
    limit = MAX_BYTES_WITHOUT_LIBYAML
    if yaml.__with_libyaml__:
        loader, limit = yaml.CSafeLoader, MAX_BYTES
    if len(text) > limit:
        raise MalformedTextError(f"the file has {len(text):,} characters, and {limit:,} are read of YAML")
    if len(DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
        raise MalformedTextError(f"the file holds more than {MAX_DIRECTIVES} YAML directives")
    try:
        return _Builder().build(loader(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise MalformedTextError(_not_yaml(error.problem or error.context), line) from error
    except yaml.YAMLError as error:
        raise MalformedTextError(_not_yaml(str(error).partition("\n")[0])) from error


def _not_yaml(why: str | None) -> str:
    return f"the file is not YAML: {why}" if why else "the file is not YAML"


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for: its value, how many values that holds, how deep it goes."""

    value: Any
    size: int
    depth: int


@dataclass(slots=True)
class _Open:
    """A list or an object whose end was not seen yet."""

    value: Any
    function: str | None
    anchor: str | None
    begin: int
    of_resources: bool
    deepest: int = 0
    key: str | None = None
    merges: bool = False  # the value to come is to be merged, and has no key
    merged: list[Any] = field(default_factory=list)

    @property
    def awaits_key(self) -> bool:
        return self.key is None and not self.merges and isinstance(self.value, dict)

    @property
    def levels(self) -> int:
        return 2 if self.function else 1


class _Builder:
    """Makes values of events."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: not read to its end yet
        self._lines: dict[str, int] = {}
        self._values = self._repeated = self._documents = self._depth = 0
        self._root: Any = None

    def build(self, loader: yaml.CSafeLoader | yaml.SafeLoader) -> Document:
        handlers = {
            "DocumentStartEvent": self._document,
            "ScalarEvent": self._scalar,
            "SequenceStartEvent": self._begin,
            "MappingStartEvent": self._begin,
            "SequenceEndEvent": self._end,
            "MappingEndEvent": self._end,
            "AliasEvent": self._alias,
        }
        while loader.check_event():
            event = loader.get_event()
            handle = handlers.get(event.__class__.__name__)
            if handle:
                handle(event)
        return Document(self._root, self._lines)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise MalformedTextError("the file holds more than one YAML document", _line(event))

    def _scalar(self, event: Any) -> None:
        self._count(1, event)
        text: str = event.value
        if self._open and self._open[-1].awaits_key:
            if event.tag not in {None, "!", f"{STANDARD}str"}:
                raise MalformedTextError(NOT_A_KEY, _line(event))
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(text, 1, 0)
            if text == MERGE and event.implicit[0]:
                self._open[-1].merges = True
            else:
                self._key(text, event)
            return
        if event.tag is None or event.tag == "!":
            value = _plain(text) if event.implicit[0] else text
        else:
            value = _tagged(event.tag, text, _line(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, 1 if isinstance(value, dict) else 0)
        self._put(value)

    def _key(self, key: str, event: Any) -> None:
        parent = self._open[-1]
        if key in parent.value:
            raise MalformedTextError(f"the key {key!r} stands twice in one object", _line(event))
        parent.key = key
        if parent.of_resources:
            self._lines[key] = _line(event)

    def _begin(self, event: Any) -> None:
        self._count(1, event)
        parent = self._open[-1] if self._open else None
        if parent and parent.awaits_key:
            raise MalformedTextError(NOT_A_KEY, _line(event))
        is_list = event.__class__.__name__ == "SequenceStartEvent"
        opened = _Open(
            value=[] if is_list else {},
            function=_function_of(event.tag, "seq" if is_list else "map", _line(event)),
            anchor=event.anchor,
            begin=self._values - 1,
            of_resources=not is_list and len(self._open) == 1 and parent is not None and parent.key == "Resources",
        )
        self._depth += opened.levels
        if self._depth > MAX_DEPTH:
            raise MalformedTextError(too_deep(), _line(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(opened)

    def _end(self, event: Any) -> None:
        closed = self._open.pop()
        self._depth -= closed.levels
        for merged in closed.merged:
            _merge(closed.value, merged, _line(event))
        value = _call(closed.function, closed.value) if closed.function else closed.value
        depth = closed.deepest + closed.levels
        if closed.anchor is not None:
            self._anchors[closed.anchor] = _Anchored(value, self._values - closed.begin, depth)
        self._put(value, depth)

    def _alias(self, event: Any) -> None:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            known = event.anchor in self._anchors
            what = "stands for something that holds it" if known else "stands for nothing"
            raise MalformedTextError(f"the alias *{event.anchor} {what}", _line(event))
        self._repeated += anchored.size
        if self._repeated > MAX_REPEATED:
            raise MalformedTextError(f"aliases repeat more than {MAX_REPEATED:,} values", _line(event))
        if self._depth + anchored.depth > MAX_DEPTH:
            raise MalformedTextError(too_deep(), _line(event))
        self._count(anchored.size, event)
        if not (self._open and self._open[-1].awaits_key):
            self._put(_copy(anchored.value), anchored.depth)
        elif isinstance(anchored.value, str):
            self._key(anchored.value, event)
        else:
            raise MalformedTextError(NOT_A_KEY, _line(event))

    def _put(self, value: Any, depth: int = 0) -> None:
        if not self._open:
            self._root = value
            return
        parent = self._open[-1]
        parent.deepest = max(parent.deepest, depth)
        if parent.merges:
            parent.merged.append(value)
        elif parent.key is None:
            parent.value.append(value)
        else:
            parent.value[parent.key] = value
        parent.key, parent.merges = None, False

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise MalformedTextError(f"the file holds more than {MAX_VALUES:,} values", _line(event))


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _plain(text: str) -> Any:
    """What a scalar without quotes means."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMBER_BEGINS or len(text) > MAX_DIGITS:
        return text
    digits = text.replace("_", "")
    if INT.fullmatch(text):
        return int(digits)
    if FLOAT.fullmatch(text):
        number = float(digits)
        return number if math.isfinite(number) else text
    if HEX.fullmatch(text):
        return int(digits, 16)
    return int(digits, 2) if BINARY.fullmatch(text) else text


def _tagged(tag: str, text: str, line: int) -> Any:
    if not tag.startswith(STANDARD):
        function = _function_of(tag, "str", line)
        return _call(function, text) if function else text
    kind = tag.removeprefix(STANDARD)
    if kind in {"str", "timestamp", "binary"}:
        return text
    value = _plain(text)
    wanted = YAML_TYPES.get(kind)
    if wanted is None or not isinstance(value, wanted) or (isinstance(value, bool) and kind != "bool"):
        raise MalformedTextError(f"{text!r} is not of the YAML type {kind}", line)
    return value


def _function_of(tag: str | None, kind: str, line: int) -> str | None:
    """The long name of the function a tag stands for; nothing when the tag only says what is plain to see."""
    if tag is None or tag in {"!", f"{STANDARD}{kind}"}:
        return None
    name = FUNCTIONS.get(tag[1:]) if tag.startswith("!") else None
    if name is None:
        shown = tag.replace(STANDARD, "!!")
        raise MalformedTextError(f"the YAML tag {shown} is not a function of CloudFormation", line)
    return name


def _call(function: str, value: Any) -> dict[str, Any]:
    if function == "Fn::GetAtt" and isinstance(value, str) and "." in value:
        value = value.split(".", 1)
    return {function: value}


def _merge(into: dict[str, Any], merged: Any, line: int) -> None:
    """Add the members of the objects merged, which give way to the object's own and to one another in order."""
    for each in merged if isinstance(merged, list) else [merged]:
        if not isinstance(each, dict):
            raise MalformedTextError(f"`{MERGE}` can merge objects only", line)
        for key, value in each.items():
            into.setdefault(key, value)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value
