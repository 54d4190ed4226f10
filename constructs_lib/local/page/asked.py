"""What the page was asked: values out of a query or a JSON body, each of the kind it must be."""

from __future__ import annotations

from typing import Any

from constructs_lib.problem import LocalError, Problem

Asked = dict[str, Any]


def text(asked: Asked, name: str, *, default: str | None = None) -> str:
    """Return a text that was told.

    Raises:
        LocalError: It is missing, or no text.
    """
    value = asked.get(name, default)
    if isinstance(value, str) and (value or default is not None):
        return value
    raise LocalError(
        Problem(what=f"{name} is {value!r}, where a text is wanted", where="the page", fix=f"tell {name} as a text")
    )


def whole(asked: Asked, name: str, *, default: int, most: int) -> int:
    """Return a number that was told, between 1 and the most there may be.

    Raises:
        LocalError: It is no such number.
    """
    value = asked.get(name, default)
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
    if isinstance(number, int) and 1 <= number <= most:
        return number
    raise LocalError(
        Problem(what=f"{name} is {value!r}, where 1 to {most} is wanted", where="the page", fix=f"tell another {name}")
    )
