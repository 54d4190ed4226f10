"""The text of a template, once read: its values and where its resources stand; and how large a template may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

INCLUDE = "Fn::Transform"
MAX_DEPTH = 100  # objects and lists inside of each other; the deepest of 900 public templates has 24
MAX_DIGITS = 40  # of a whole number: longer ones are no number of CloudFormation, and Python is slow to print them


@dataclass(frozen=True, slots=True)
class Document:
    """What the text of a template says.

    Args:
        value: The values: objects, lists, strings, numbers, true, false and null.
        lines: The line each member of `Resources` begins at, by its key.
        may_include: Whether anything in it may include a file.
    """

    value: Any
    lines: dict[str, int] = field(default_factory=dict)
    may_include: bool = True


class MalformedTextError(ValueError):
    """A text is no template, and at which line that shows."""

    def __init__(self, what: str, line: int | None = None) -> None:
        """Keep what is wrong, as the first line of a problem, and the line it stands at."""
        super().__init__(what)
        self.what = what
        self.line = line


def refuse_deep_nesting(value: Any) -> None:
    """Refuse what would exhaust the stack of everything that walks through it.

    Raises:
        MalformedTextError: Objects and lists are nested deeper than `MAX_DEPTH`.
    """
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        # Classes are compared, not asked for: JSON has no others, and this line is a quarter of reading a template.
        level = [
            child
            for parent in level
            for child in (parent.values() if parent.__class__ is dict else parent)
            if child.__class__ is dict or child.__class__ is list
        ]
        if not level:
            return
    raise MalformedTextError(too_deep())


def too_deep() -> str:
    """Say that a text is nested too deeply."""
    return f"objects and lists are nested more than {MAX_DEPTH} deep"


def printed(text: str) -> str:
    """Return text that keeps to its line and drives no terminal: whoever wrote the file chose the names in it."""
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
