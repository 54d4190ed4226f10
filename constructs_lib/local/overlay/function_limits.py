"""What Lambda refuses of a function's settings, in its own words.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.executor.variables import RESERVED
from constructs_lib.local.overlay.base import base

VARIABLES_LIMIT_BYTES = 4096
ACCOUNT_CONCURRENCY, LEAST_UNRESERVED = 1000, 100
NAME = re.compile(r"(arn:[^\s]+:function:)?[a-zA-Z0-9-_]{1,64}")
_NUMBERS = {"Timeout": (1, 900), "MemorySize": (128, 10_240)}
_ARCHITECTURES = ("x86_64", "arm64")
# Lambda lets a function set these itself, though it sets them too.
_SETTABLE = frozenset({"AWS_LAMBDA_LOG_LEVEL", "LAMBDA_RUNTIME_DIR", "_X_AMZN_TRACE_ID"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Lambda does not take a setting.

    Args:
        message: What it says.
        code: AWS's name of the error.
    """

    message: str
    code: str = "InvalidParameterValueException"

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The answer of the API."""
        told = {"Type": "User", "message": self.message}
        return 400, {"Content-Type": "application/json", "x-amzn-ErrorType": self.code}, json.dumps(told).encode()


def refusal_of(settings: Mapping[str, Any]) -> Refusal | None:
    """What of the settings of a function Lambda does not take, the first of it."""
    for refuse in (_name, _numbers, _runtime, _architectures, _variables):
        found = refuse(settings)
        if found is not None:
            return found
    return None


def reserved_refusal(name: str, reserved: Any) -> Refusal | None:
    """Whether what a function reserves leaves the account too little."""
    functions = base("services.lambda_svc")._functions
    others = sum(int(each.get("concurrency") or 0) for key, each in functions.items() if key != name)
    if reserved is None or others + int(reserved) <= ACCOUNT_CONCURRENCY - LEAST_UNRESERVED:
        return None
    told = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
    return Refusal(f"{told} below its minimum value of [{LEAST_UNRESERVED}].")


def _name(settings: Mapping[str, Any]) -> Refusal | None:
    name = settings.get("FunctionName")
    if name is None or NAME.fullmatch(str(name)):
        return None
    return _invalid("functionName", name, f"Member must satisfy regular expression pattern: {NAME.pattern}")


def _numbers(settings: Mapping[str, Any]) -> Refusal | None:
    for setting, (least, most) in _NUMBERS.items():
        value = settings.get(setting)
        if value is not None and not least <= int(value) <= most:
            bound = f"less than or equal to {most}" if int(value) > most else f"greater than or equal to {least}"
            return _invalid(setting[0].lower() + setting[1:], value, f"Member must have value {bound}")
    return None


def _runtime(settings: Mapping[str, Any]) -> Refusal | None:
    runtime = settings.get("Runtime")
    if not runtime or runtime in _runtimes():
        return None
    known = ", ".join(_runtimes())
    told = f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{known}]"
    return Refusal(f"{told} or be a valid ARN")


@functools.cache
def _runtimes() -> tuple[str, ...]:
    """The runtimes the SDK knows, those that are past their end included."""
    return tuple(base("core.iam_actions")._load_botocore_model("lambda")["shapes"]["Runtime"]["enum"])


def _architectures(settings: Mapping[str, Any]) -> Refusal | None:
    for each in settings.get("Architectures") or ():
        if each not in _ARCHITECTURES:
            return _invalid("architectures", f"[{each}]", "Member must satisfy enum value set: [x86_64, arm64]")
    return None


def _invalid(member: str, value: Any, told: str) -> Refusal:
    message = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {told}"
    return Refusal(message, "ValidationException")


def _variables(settings: Mapping[str, Any]) -> Refusal | None:
    variables = (settings.get("Environment") or {}).get("Variables") or {}
    told = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided"
    )
    reserved = [name for name in variables if name in RESERVED - _SETTABLE]
    if reserved:
        used = ", ".join(reserved)
        told = f"{told} contains reserved keys that are currently not supported for modification."
        return Refusal(f"{told} Reserved keys used in this request: {used}")
    if sum(len(f"{name}{value}".encode()) for name, value in variables.items()) > VARIABLES_LIMIT_BYTES:
        measured = json.dumps(variables, separators=(",", ":"))
        return Refusal(f"{told} exceeded the 4KB limit. String measured: {measured}")
    return None
