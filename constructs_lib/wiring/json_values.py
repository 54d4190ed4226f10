"""What goes into a template as data: nothing but JSON and tokens, since anything else would become something else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from constructs import Construct

from constructs_lib.wiring.kinds import satisfies

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals


def check_json(place: str, value: object, refusals: Refusals) -> bool:
    """Note everything in some data that JSON does not know, and say whether it is all right.

    Args:
        place: The argument.
        value: The data; tokens in it are left alone.
        refusals: Where problems are noted.
    """
    if isinstance(value, float) and not math.isfinite(value):
        refusals.refuse(f"{place} is {value}, which JSON does not know", fix="pass a number")
        return False
    if value is None or isinstance(value, str | int | float) or satisfies(value, cdk.IResolvable):
        return True
    if isinstance(value, Mapping):
        fields = [_check_field(place, key, each, refusals) for key, each in value.items()]
        return all(fields)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        items = [check_json(f"{place}[{at}]", each, refusals) for at, each in enumerate(value)]
        return all(items)
    fix = "pass its name or ARN" if isinstance(value, Construct) else "pass a string, number, list or dict"
    refusals.refuse(f"{place} is a {type(value).__name__}, which JSON does not know", fix=fix)
    return False


def _check_field(place: str, key: object, value: object, refusals: Refusals) -> bool:
    if isinstance(key, str):
        return check_json(f"{place}.{key}", value, refusals)
    refusals.refuse(f"a key of {place} is {key!r}, wanted a string", fix="write it in quotes")
    return False


def as_json(value: object) -> Any:
    """Data as the CDK takes it: what only behaves like a dict or a list becomes one."""
    if isinstance(value, Mapping):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [as_json(each) for each in value]
    return value
