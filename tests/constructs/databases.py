"""What the tests of relational databases share."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import (
    PropError,
    SecureFunction,
    Waived,
)
from tests.templates import resources_of

ENTRY = "lambda_src/greeting/greet.ts"
OFF = Waived("a throw-away")


def function(stack: cdk.Stack, name: str = "Post", reserved: int | None = 20) -> SecureFunction:
    return SecureFunction(stack, name, entry=ENTRY, reserved_concurrency=reserved)


def only(template: dict[str, Any], kind: str, prefix: str = "") -> dict[str, Any]:
    """The one resource of a kind, whose logical id begins like this."""
    [found] = [each for name, each in resources_of(template, kind).items() if name.startswith(prefix)]
    return dict(found)


def refused(error: pytest.ExceptionInfo[PropError]) -> list[str]:
    return [problem.what for problem in error.value.problems]
