"""Parameters of Systems Manager: one, or all below a path; kept for a while, and read again when they are refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from constructs_lib.runtime.kept import (
    Kept,
    Once,
    Reading,
    Refused,
    in_time,
    refuse_coroutines,
    refuse_no_refusal,
    told_by,
)
from constructs_lib.runtime.secret_values import MAX_AGE

Result = TypeVar("Result")


class ParameterSource:
    """One parameter, decrypted.

    Args:
        arn: The parameter.
        client: Of Systems Manager.
    """

    def __init__(self, arn: str, client: Any) -> None:
        """Read nothing yet."""
        self._arn = arn
        self._client = client

    def read(self) -> Reading:
        """Return its newest version."""
        found = self._client.get_parameter(Name=self._arn, WithDecryption=True)["Parameter"]
        return Reading(found["Value"], str(found["Version"]))

    def read_instead(self, refused: Reading) -> Reading | None:
        """Return its newest version, if there is a newer one."""
        newest = self.read()
        return newest if newest.version != refused.version else None


def parameter_value(variable: str, *, max_age: timedelta = MAX_AGE) -> str:
    """Return the parameter that a variable names.

    Args:
        variable: The variable that `secrets=` has set.
        max_age: How long a value is kept before it is read again. Default: five minutes.

    Raises:
        ValueError: The variable names no parameter.
    """
    return _kept_of(variable).reading(max_age.total_seconds()).text


def with_parameter(
    variable: str, call: Callable[[str], Result], *, refused: Refused, max_age: timedelta = MAX_AGE
) -> Result:
    """Call with the parameter that a variable names; if it is refused, read it again and call once more.

    Args:
        variable: The variable that `secrets=` has set.
        call: Takes the value; may be called twice.
        refused: Which exceptions of `call` say that the value was wrong: a class, some of them, or what tells.
        max_age: How long a value is kept before it is read again. Default: five minutes.

    Raises:
        ValueError: The variable names no parameter.
        TypeError: `call` is a coroutine or generator function, or returns a coroutine; or `refused` tells nothing.
        Exception: What `call` raised: no refusal, or there is no newer value, or that was refused, too.
    """
    refuse_coroutines(call)
    refuse_no_refusal(refused)
    kept = _kept_of(variable)
    return kept.use(lambda reading: call(reading.text), refused, max_age.total_seconds())


def parameters_below(variable: str, *, max_age: timedelta = MAX_AGE) -> dict[str, str]:
    """Return all parameters below the path that a variable names, by what follows the path in their names.

    Args:
        variable: The variable that `secrets={"CONFIG": ParameterPath("/shop/prod")}` has set.
        max_age: How long they are kept before they are read again. Default: five minutes.

    Raises:
        ValueError: The variable names no path.
    """
    path = told_by(variable)
    if not path.startswith("/"):
        raise ValueError(
            f'the variable {variable} names no path: set it with secrets={{"{variable}": ParameterPath("/...")}}'
        )
    return dict(_path(path).values(max_age.total_seconds()))


class _Path:
    """Everything below a path."""

    def __init__(self, path: str, client: Any) -> None:
        self._path = path
        self._client = client
        self._kept = Kept(self)
        self._found: dict[str, str] = {}

    def values(self, max_age_s: float) -> dict[str, str]:
        self._kept.reading(max_age_s)
        return self._found

    def read(self) -> Reading:
        pages = self._client.get_paginator("get_parameters_by_path").paginate(
            Path=self._path, Recursive=True, WithDecryption=True
        )
        below = f"{self._path.rstrip('/')}/"
        self._found = {each["Name"].removeprefix(below): each["Value"] for page in pages for each in page["Parameters"]}
        return Reading("", self._path)

    def read_instead(self, _refused: Reading) -> None:
        return None


def _kept_of(variable: str) -> Kept:
    arn = told_by(variable)
    if not arn.startswith("arn:") or ":ssm:" not in arn:
        raise ValueError(f'the variable {variable} names no parameter: set it with secrets={{"{variable}": parameter}}')
    return _kept(arn)


@Once
def _kept(arn: str) -> Kept:
    return Kept(ParameterSource(arn, _client(arn.split(":")[3])))


@Once
def _path(path: str) -> _Path:
    return _Path(path, _client(os.environ["AWS_REGION"]))


@Once
def _client(region: str) -> Any:
    import boto3  # noqa: PLC0415 - a tenth of a second, which only the first value pays

    return boto3.client("ssm", region_name=region, config=in_time())
