"""The words of JSONata, as Step Functions reads it: version 2.0.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["operator", "variable", "name", "number", "text", "constant", "regex", "end"]

BLANKS = " \t\n\r"
DOUBLE = ("..", ":=", "!=", ">=", "<=", "**", "~>")
SINGLE = frozenset(".[]{}(),@#;:?+-*/%|=<>^&!~")
ENDS_A_WORD = SINGLE | frozenset(BLANKS) | {"\v"}
WORDS = frozenset({"and", "or", "in"})
CONSTANTS = frozenset({"true", "false", "null"})
NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')


class NotJsonata(Exception):  # noqa: N818 - what it says, not that it is an error of ours
    """An expression that cannot be read.

    Args:
        why: What is wrong, as the end of a sentence.
        at: Where, from the start of the expression.
    """

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.why = why
        self.at = at


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression.

    Args:
        kind: What it is.
        text: An operator, a name without its dollar sign or backticks, or whatever else stands there.
        start: Where it begins.
        end: Where the next one may begin.
    """

    kind: Kind
    text: str
    start: int
    end: int


def token_at(text: str, position: int, *, after_value: bool) -> Token:
    """The next word.

    Args:
        text: The expression.
        position: Where to look.
        after_value: Whether a slash divides here; otherwise it begins a regular expression.

    Raises:
        NotJsonata: Something begins here and does not end, or is written as JSONata does not.
    """
    start = _past_blanks(text, position)
    if start >= len(text):
        return Token("end", "", start, start)
    first = text[start]
    if first == "/" and not after_value:
        return _regex(text, start)
    if text[start : start + 2] in DOUBLE:
        return Token("operator", text[start : start + 2], start, start + 2)
    if first in SINGLE:
        return Token("operator", first, start, start + 1)
    if first in "\"'":
        return _text(text, start)
    number = NUMBER.match(text, start)
    if number:
        return Token("number", number[0], start, number.end())
    if first == "`":
        end = text.find("`", start + 1)
        if end < 0:
            raise NotJsonata("a backtick is not closed", start)
        return Token("name", text[start + 1 : end], start, end + 1)
    return _word(text, start)


def _past_blanks(text: str, position: int) -> int:
    """Where blanks and comments end."""
    while position < len(text):
        if text[position] in BLANKS:
            position += 1
        elif text.startswith("/*", position):
            end = text.find("*/", position + 2)
            if end < 0:
                raise NotJsonata("a comment is not closed", position)
            position = end + 2
        else:
            break
    return position


def _text(text: str, start: int) -> Token:
    quote, position = text[start], start + 1
    while position < len(text):
        if text[position] == quote:
            return Token("text", text[start : position + 1], start, position + 1)
        if text[position] == "\\":
            escape = ESCAPE.match(text, position)
            if escape is None:
                raise NotJsonata(f"there is no escape {text[position : position + 2]}", position)
            position = escape.end()
        else:
            position += 1
    raise NotJsonata("a quote is not closed", start)


def _regex(text: str, start: int) -> Token:
    depth, position = 0, start + 1
    while position < len(text):
        here = text[position]
        if here == "\\":
            position += 2
            continue
        if here == "/" and depth == 0:
            if position == start + 1:
                raise NotJsonata("a regular expression is empty", start)
            end = position + 1
            while end < len(text) and text[end] in "im":
                end += 1
            return Token("regex", text[start:end], start, end)
        depth += (here in "([{") - (here in ")]}")
        position += 1
    raise NotJsonata("a regular expression is not closed", start)


def _word(text: str, start: int) -> Token:
    end = start
    while end < len(text) and text[end] not in ENDS_A_WORD:
        end += 1
    word = text[start:end]
    if word.startswith("$"):
        return Token("variable", word[1:], start, end)
    if word in WORDS:
        return Token("operator", word, start, end)
    return Token("constant" if word in CONSTANTS else "name", word, start, end)
