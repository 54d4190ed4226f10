"""Somebody who takes some values and refuses all others."""

from __future__ import annotations

from collections.abc import Callable


class RefusedError(Exception):
    pass


def accepting(*accepted: str) -> Callable[[str], str]:
    def call(value: str) -> str:
        if value not in accepted:
            raise RefusedError
        return f"did it with {value}"

    return call
