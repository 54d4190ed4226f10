"""JSONata inside a step: which variables an expression reads, and the same expression under other names.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from constructs_lib.workflow_steps.jsonata import read
from constructs_lib.workflow_steps.jsonata_tokens import NotJsonata

# What a step sends: JSON, in which a string `{% ... %}` is an expression. Not typed more narrowly, since to the type
# checker a dictionary of several types, kept in a variable, is a `dict[str, object]`.
Value: TypeAlias = object

INPUT = "{% $states.input %}"
NULL = "{% null %}"  # a bare null would be lost: CDK leaves nulls out of JSON
TASK_TOKEN = "$states.context.Task.Token"  # noqa: S105 - where the token is, not a token

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


def fault_of(text: str) -> str | None:
    """Why an expression cannot be read, as the end of a sentence; none if it can, or if it is no expression."""
    if not is_expression(text):
        return None
    try:
        read(body_of(text))
    except NotJsonata as fault:
        return fault.why
    return None


def variables_of(text: str) -> set[str]:
    """The workflow's variables that an expression reads; not its own, and not JSONata's functions."""
    if not is_expression(text) or fault_of(text) is not None:
        return set()
    expression = read(body_of(text))
    return {each.text for each in expression.variables} - expression.bound - FUNCTIONS - {"states"}


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
    body, parts, done = body_of(text), list[str](), 0
    expression = read(body)
    for variable in expression.variables:
        if variable.text in names and variable.text not in expression.bound:
            parts += [body[done : variable.start], "$", names[variable.text]]
            done = variable.end
    return text if done == 0 else f"{{% {''.join(parts)}{body[done:]} %}}"
