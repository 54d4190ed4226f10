"""What may stand in what a step sends: JSON, and CDK's tokens, which become JSON in the template."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from constructs_lib.workflow_steps.expression import Value

# Numbers travel as JavaScript's, which are exact up to here.
LARGEST_WHOLE = 2**53 - 1
TOKEN = "${Token["  # noqa: S105 - how CDK writes into text what is not known yet

Misfit: TypeAlias = tuple[str, str]  # what is wrong at which place, and the fix


def shown(value: object) -> str:
    """A value as an error says it: itself if it is short and plain, or what it is."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, str | bool | int | float):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - what fits into a line
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def is_token(value: object) -> bool:
    """Whether CloudFormation, or CDK at its very end, says what this is."""
    if isinstance(value, str):
        return TOKEN in value
    if isinstance(value, float):
        return math.isfinite(value) and bool(cdk.Token.is_unresolved(value))  # NaN would end the CDK's kernel
    is_of_cdk = hasattr(value, "__jsii_ref__") or hasattr(type(value), "__jsii_ifaces__")
    return is_of_cdk and not isinstance(value, Construct) and callable(getattr(value, "resolve", None))


def misfits(value: Value, place: str) -> Iterator[Misfit]:
    """Everything in a value that JSON, or Step Functions, has no form for, by its place."""
    if value is None or isinstance(value, bool) or (is_token(value) and not isinstance(value, str)):
        return
    if isinstance(value, str):
        yield from _text_misfits(value, place)
    elif isinstance(value, int | float):
        yield from _number_misfits(value, place)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            misfit = _key_misfit(key, place)
            yield from [misfit] if misfit else misfits(each, f"{place}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        for number, each in enumerate(value):
            yield from misfits(each, f"{place}[{number}]")
    else:
        fix = "send text, numbers, true, false, null, lists and dictionaries"
        if isinstance(value, cdk.Duration):
            fix = "send a number: cdk.Duration.minutes(5).to_seconds()"
        yield f"{place} is {shown(value)}, which JSON has no form for", fix


def _key_misfit(key: object, place: str) -> Misfit | None:
    if not isinstance(key, str):
        return f"{place} has the key {shown(key)}", "write keys as text"
    if key.endswith(".$"):
        return f"{place} has the key {key!r}, which is JSONPath", f'write {key[:-2]!r}: "{{% $states.input... %}}"'
    if "{%" in key:
        return f"{place} has the key {key!r}, and only values are evaluated", "compute the whole: $merge([...])"
    return None


def _text_misfits(value: str, place: str) -> Iterator[Misfit]:
    if TOKEN in value and sfn.JsonPath.is_encoded_json_path(value):
        yield f"{place} is a JSONPath, and workflows speak JSONata", 'write an expression: "{% $states.input... %}"'
    if any("\ud800" <= each <= "\udfff" for each in value):
        yield f"{place} holds half a character", "write text that can be encoded as UTF-8"


def _number_misfits(value: float, place: str) -> Iterator[Misfit]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place} is {value}, which JSON has no form for", "send null, or text"
    elif abs(value) > LARGEST_WHOLE and isinstance(value, int):
        yield f"{place} is {value}, which JSON rounds", f"send it as text: {str(value)!r}"
