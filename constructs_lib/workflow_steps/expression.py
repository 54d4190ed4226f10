"""JSONata inside a step: which variables an expression reads, and the same expression under other names.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

# What a step sends: JSON, in which a string `{% ... %}` is an expression. Not typed more narrowly, since to the type
# checker a dictionary of several types, kept in a variable, is a `dict[str, object]`.
Value: TypeAlias = object

INPUT = "{% $states.input %}"
NULL = "{% null %}"  # a bare null would be lost: CDK leaves nulls out of JSON
TASK_TOKEN = "$states.context.Task.Token"  # noqa: S105 - where the token is, not a token

# Text in which a dollar sign is no variable, then variables.
_PARTS = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|/\*.*?\*/)|(?P<variable>\$[A-Za-z_]\w*)""", re.DOTALL
)
_BOUND = re.compile(r"\$([A-Za-z_]\w*)\s*:=")
_PARAMETERS = re.compile(r"(?:\bfunction|λ)\s*\(([^)]*)\)")
_NAME = re.compile(r"\$([A-Za-z_]\w*)")

# https://docs.jsonata.org and the functions that Step Functions adds; called, or handed to another function.
FUNCTIONS = frozenset(
    {
        "abs",
        "append",
        "assert",
        "average",
        "base64decode",
        "base64encode",
        "boolean",
        "ceil",
        "clone",
        "contains",
        "count",
        "decodeUrl",
        "decodeUrlComponent",
        "distinct",
        "each",
        "encodeUrl",
        "encodeUrlComponent",
        "error",
        "exists",
        "filter",
        "floor",
        "formatBase",
        "formatInteger",
        "formatNumber",
        "fromMillis",
        "hash",
        "join",
        "keys",
        "length",
        "lookup",
        "lowercase",
        "map",
        "match",
        "max",
        "merge",
        "millis",
        "min",
        "not",
        "now",
        "number",
        "pad",
        "parse",
        "parseInteger",
        "partition",
        "power",
        "random",
        "range",
        "reduce",
        "replace",
        "reverse",
        "round",
        "shuffle",
        "sift",
        "single",
        "sort",
        "split",
        "spread",
        "sqrt",
        "string",
        "substring",
        "substringAfter",
        "substringBefore",
        "sum",
        "toMillis",
        "trim",
        "type",
        "uppercase",
        "uuid",
        "values",
        "zip",
    }
)


def is_expression(text: str) -> bool:
    """Whether a string is evaluated."""
    return text.startswith("{%") and text.endswith("%}")


def is_malformed(text: str) -> bool:
    """Whether a string looks evaluated and is not: Step Functions would send it as it stands."""
    return not is_expression(text) and ("{%" in text or "%}" in text)


def strings_of(value: Value) -> Iterator[str]:
    """Every string of a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from strings_of(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from strings_of(each)


def has_expression(value: Value) -> bool:
    """Whether anything of a value is evaluated, so that it can fail."""
    return any(is_expression(text) for text in strings_of(value))


def variables_of(text: str) -> set[str]:
    """The workflow's variables that an expression reads; not its own, and not JSONata's functions."""
    if not is_expression(text):
        return set()
    read = {each["variable"][1:] for each in _PARTS.finditer(text) if each["variable"]}
    return read - _own_names(text) - FUNCTIONS - {"states"}


def renamed(value: Value, names: Mapping[str, str]) -> Value:
    """The same value as Step Functions takes it, its expressions reading other variables."""
    if isinstance(value, str):
        return _renamed_text(value, names) if is_expression(value) else value
    if isinstance(value, Mapping):
        return {key: renamed(each, names) for key, each in value.items()}
    if isinstance(value, Sequence):
        return [renamed(each, names) for each in value]
    return NULL if value is None else value


def body_of(text: str) -> str:
    """What stands between the braces."""
    return text[2:-2].strip()


def _renamed_text(text: str, names: Mapping[str, str]) -> str:
    own = _own_names(text)

    def new(part: re.Match[str]) -> str:
        variable = part["variable"]
        if variable is None or variable[1:] in own:
            return part[0]
        return "$" + names.get(variable[1:], variable[1:])

    return _PARTS.sub(new, text)


def _own_names(text: str) -> set[str]:
    """What an expression binds itself, with `:=` or as parameters of a function."""
    own = set(_BOUND.findall(text))
    for parameters in _PARAMETERS.findall(text):
        own |= set(_NAME.findall(parameters))
    return own
