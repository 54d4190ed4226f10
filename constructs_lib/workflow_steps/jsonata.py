"""Reads JSONata as far as it takes to know that it can be read, and which variables stand where.

Nothing is evaluated. The grammar is that of https://docs.jsonata.org, and the way of reading Vaughan Pratt's: each
operator binds as strongly as its number says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from constructs_lib.workflow_steps.jsonata_tokens import Kind, NotJsonata, Token, token_at

BINDS = {
    **dict.fromkeys(("[", "(", "@", "#"), 80),
    ".": 75,
    "{": 70,
    **dict.fromkeys(("*", "/", "%"), 60),
    **dict.fromkeys(("+", "-", "&"), 50),
    **dict.fromkeys(("=", "<", ">", "!=", "<=", ">=", "~>", "in", "^"), 40),
    "and": 30,
    "or": 25,
    "?": 20,
    ":=": 10,
}
FUNCTION = ("function", "λ")

# What only the deployment knows may be anything: it is read as the name of a field.
CDK_TOKEN = re.compile(r"\$\{Token\[[^\]]*\]\}")


@dataclass(frozen=True, slots=True)
class Read:
    """What stands in an expression.

    Args:
        variables: The variables, in their order.
        bound: The names it gives to variables itself.
        called: The variables it calls.
        states_fields: What it reads of `$states`.
    """

    variables: tuple[Token, ...]
    bound: frozenset[str]
    called: frozenset[str]
    states_fields: frozenset[str]


@lru_cache(maxsize=4096)
def read(text: str) -> Read:
    """Read an expression, without its `{%` and `%}`.

    Raises:
        NotJsonata: It cannot be read.
    """
    reader = _Reader(CDK_TOKEN.sub(lambda token: "T" * len(token[0]), text))
    try:
        reader.whole()
    except RecursionError as error:
        raise NotJsonata("it is nested too deeply", 0) from error
    return Read(
        tuple(reader.variables), frozenset(reader.bound), frozenset(reader.called), frozenset(reader.states_fields)
    )


class _Reader:
    """Reads one expression; each method reads a part of it, and the kind of a part is what comes back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = token_at(text, 0, after_value=False)
        self.variables: list[Token] = []
        self.bound = set[str]()
        self.called = set[str]()
        self.states_fields = set[str]()

    def whole(self) -> None:
        """All of it."""
        if self._ended():
            raise NotJsonata("it is empty", 0)
        self._part(0)
        if not self._ended():
            raise self._unexpected(self._next)

    def _ended(self) -> bool:
        return self._next.kind == "end"

    def _take(self, *, after_value: bool = False) -> Token:
        taken = self._next
        self._next = token_at(self._text, taken.end, after_value=after_value)
        return taken

    def _is(self, operator: str) -> bool:
        return self._next.kind == "operator" and self._next.text == operator

    def _expect(self, operator: str, *, after_value: bool = False) -> None:
        if not self._is(operator):
            there = "it ends" if self._ended() else f"there is {self._shown(self._next)}"
            raise NotJsonata(f"{operator!r} is missing, {there}", self._next.start)
        self._take(after_value=after_value)

    def _shown(self, token: Token) -> str:
        return repr(self._text[token.start : token.end])

    def _unexpected(self, token: Token) -> NotJsonata:
        if token.kind == "end":
            return NotJsonata("it ends where a value belongs", token.start)
        return NotJsonata(f"{self._shown(token)} does not belong there", token.start)

    def _part(self, weaker: int) -> Token:
        """A value, and what binds to it more strongly than what stands before it; the token that says what it is."""
        token = self._take(after_value=True)
        left = self._value(token)
        while self._next.kind == "operator" and BINDS.get(self._next.text, 0) > weaker:
            left = self._operation(left, self._take())
        return left

    def _value(self, token: Token) -> Token:
        if token.kind == "end":
            raise self._unexpected(token)
        if token.kind == "variable" and token.text:
            self.variables.append(token)
        if token.kind != "operator" or token.text in {"*", "**", "%", "and", "or", "in"}:
            return token
        match token.text:
            case "-":
                self._part(70)
            case "(":
                self._block()
            case "[":
                self._array()
            case "{":
                self._object()
            case "|":
                self._transform()
            case _:
                raise self._unexpected(token)
        return token

    def _block(self) -> None:
        while not self._is(")"):
            self._part(0)
            if not self._is(";"):
                break
            self._take()
        self._expect(")", after_value=True)

    def _array(self) -> None:
        while not self._is("]"):
            self._part(0)
            if self._is(".."):
                self._take()
                self._part(0)
            if not self._is(","):
                break
            self._take()
            self._must_go_on("]")
        self._expect("]", after_value=True)

    def _object(self) -> None:
        while not self._is("}"):
            self._part(0)
            self._expect(":")
            self._part(0)
            if not self._is(","):
                break
            self._take()
            self._must_go_on("}")
        self._expect("}", after_value=True)

    def _must_go_on(self, closing: str) -> None:
        if self._is(closing):
            raise self._unexpected(self._next)

    def _transform(self) -> None:
        self._part(0)
        self._expect("|")
        self._part(0)
        if self._is(","):
            self._take()
            self._part(0)
        self._expect("|")

    def _operation(self, left: Token, operator: Token) -> Token:
        """What stands to the right of an operator."""
        match operator.text:
            case ".":
                self._path(left, self._part(75))
            case "[":
                return self._subscript(left)
            case "(":
                self._call(left)
            case "{":
                self._object()
            case "^":
                self._order()
            case "?":
                self._part(0)
                if self._is(":"):
                    self._take()
                    self._part(0)
            case ":=":
                self._bind(left, "what stands before ':='")
                self._part(9)
            case "@" | "#":
                self._bind(self._part(80), f"what follows {operator.text!r}")
                return left
            case _:
                self._part(BINDS[operator.text])
        return operator

    def _path(self, left: Token, right: Token) -> None:
        for step in (left, right):
            if step.kind in {"number", "constant"}:
                raise NotJsonata(f"{self._shown(step)} is no field; write [0] for the first", step.start)
        if left.kind == "variable" and left.text == "states" and right.kind == "name":
            self.states_fields.add(right.text)

    def _subscript(self, left: Token) -> Token:
        if self._is("]"):
            self._take()
            return left
        self._part(0)
        self._expect("]", after_value=True)
        return left

    def _call(self, called: Token) -> None:
        if called.kind == "variable":
            self.called.add(called.text)
        arguments: list[Token] = []
        while not self._is(")"):
            if self._is("?"):
                arguments.append(self._take())
            else:
                arguments.append(self._part(0))
            if not self._is(","):
                break
            self._take()
            self._must_go_on(")")
        self._expect(")", after_value=True)
        if called.kind == "name" and called.text in FUNCTION:
            for argument in arguments:
                self._bind(argument, "a parameter")
            self._signature()
            self._expect("{")
            self._part(0)
            self._expect("}")

    def _signature(self) -> None:
        """What a function takes and gives, between angle brackets, which may stand in one another."""
        if not self._is("<"):
            return
        depth = 0
        while not self._ended() and not self._is("{"):
            depth += self._is("<") - self._is(">")
            if depth == 0:
                break
            self._take()
        self._expect(">")

    def _order(self) -> None:
        self._expect("(")
        while True:
            if self._is("<") or self._is(">"):
                self._take()
            self._part(0)
            if not self._is(","):
                break
            self._take()
        self._expect(")")

    def _bind(self, variable: Token, what: str) -> None:
        kind: Kind = variable.kind
        if kind != "variable":
            raise NotJsonata(f"{what} is no variable", variable.start)
        self.bound.add(variable.text)
