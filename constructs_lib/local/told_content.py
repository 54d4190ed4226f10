"""What a user hands to a command: the text itself, @FILE, or - for standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from constructs_lib.problem import LocalError, Problem


def content_of(told: str | None, what: str, *, otherwise: bytes = b"") -> bytes:
    """Return the content that is meant.

    Args:
        told: What the user typed. Default: `otherwise` is meant.
        what: What an error calls it.
        otherwise: The content when nothing was typed.

    Raises:
        LocalError: The file cannot be read.
    """
    if told is None:
        return otherwise
    if told == "-":
        return sys.stdin.buffer.read()
    if told.startswith("@"):
        return file_content(told[1:], what)
    return told.encode(errors="surrogateescape")  # as the shell handed it over


def file_content(path: str, what: str) -> bytes:
    """Return what a file holds.

    Raises:
        LocalError: It cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        problem = Problem(what=f"{what} cannot be read: {error}", where=path, fix="name a file that exists")
        raise LocalError(problem) from error
