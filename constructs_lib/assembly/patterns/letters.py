"""The letters that strings and patterns are spelled with, and which of them read well."""

from __future__ import annotations

import enum
import string
from typing import TYPE_CHECKING, Final, TypeAlias

from constructs_lib.assembly.value import Symbol

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


class Wild(enum.Enum):
    """What stands for characters of any kind."""

    ONE = "?"
    MANY = "*"


ONE: Final = Wild.ONE
MANY: Final = Wild.MANY

# A character, a choice of characters, any one character, any text, or a text nobody knows yet.
Token: TypeAlias = str | frozenset[str] | Wild | Symbol

READABLE: Final = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_./"
_RANK: Final = {letter: rank for rank, letter in enumerate(READABLE)}


def rank(letter: Token) -> tuple[int, str]:
    """Return where a letter stands when the most readable come first."""
    text = str(letter)
    return (-1, text) if isinstance(letter, Symbol) else (_RANK.get(text, len(_RANK)), text)


def fresh_letter(taken: Container[Token]) -> str:
    """Return the most readable letter that is not taken."""
    for letter in READABLE:
        if letter not in taken:
            return letter
    return next(chr(code) for code in range(0x21, 0x110000) if chr(code) not in taken)


def written(letters: Iterable[Token]) -> str:
    """Write letters in a row, symbols as a template does."""
    return "".join(str(letter) for letter in letters)
