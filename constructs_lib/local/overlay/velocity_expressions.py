"""The expressions of mapping templates: references with what follows them, literals and operators."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.velocity_values import call_method, property_of, shown

Scope = dict[str, Any]
Expression = Callable[[Scope], Any]

NAME = re.compile(r"[A-Za-z_][\w-]*")
REFERENCE = re.compile(r"\$(!?)(\{?)([A-Za-z_][\w-]*)")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
OPERATORS = (
    ("||", "or"), ("&&", "and"), ("==", "eq"), ("!=", "ne"), ("<=", "le"), (">=", "ge"), ("<", "lt"), (">", "gt"),
    ("+", ""), ("-", ""), ("*", ""), ("/", ""), ("%", ""),
)  # fmt: skip
BINDS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}


class TemplateError(Exception):
    """A text that is no template."""


class ExpressionReader(ABC):
    """Reads expressions from a position of a text onwards."""

    def __init__(self, text: str) -> None:
        """Begin at the beginning of the text."""
        self.text = text
        self.at = 0

    @abstractmethod
    def inner(self, text: str) -> ExpressionReader:
        """A reader of a part of the text."""

    @abstractmethod
    def interpolated(self, text: str) -> Expression:
        """What a text in double quotes is: a template in itself."""

    def reference(self) -> Expression:
        """A variable with what follows it."""
        found = REFERENCE.match(self.text, self.at)
        if found is None:
            raise TemplateError(f"no reference at {self.text[self.at : self.at + 20]!r}")
        self.at = found.end()
        steps, name = self.steps(), found[3]
        if found[2]:
            self.expect("}")

        def value(scope: Scope) -> Any:
            result = scope.get(name)
            for step in steps:
                if result is None:
                    return None
                result = step(scope, result)
            return result

        return value

    def steps(self) -> list[Step]:
        """What follows a variable."""
        steps: list[Step] = []
        while True:
            if self.text.startswith(".", self.at) and (found := NAME.match(self.text, self.at + 1)):
                self.at = found.end()
                is_call = self.text.startswith("(", self.at)
                steps.append(Step(found[0], self.arguments("(", ")") if is_call else None))
            elif self.text.startswith("[", self.at):
                steps.append(Step("", self.arguments("[", "]")))
            else:
                return steps

    def arguments(self, opening: str, closing: str) -> list[Expression]:
        """Expressions with commas in between."""
        self.expect(opening)
        found: list[Expression] = []
        self.skip()
        while not self.text.startswith(closing, self.at):
            found.append(self.expression())
            self.skip()
            if not self.text.startswith(closing, self.at):
                self.expect(",")
        self.at += 1
        return found

    def expression(self, binding: int = 1) -> Expression:
        """An expression whose operators bind at least so strongly."""
        left = self._operand()
        while True:
            self.skip()
            operator = self._operator()
            if not operator or BINDS[operator[0]] < binding:
                return left
            self.at += operator[1]
            left = _applied(operator[0], left, self.expression(BINDS[operator[0]] + 1))

    def _operator(self) -> tuple[str, int] | None:
        for sign, word in OPERATORS:
            if self.text.startswith(sign, self.at):
                return sign, len(sign)
            if word and re.compile(rf"{word}\b").match(self.text, self.at):
                return sign, len(word)
        return None

    def _operand(self) -> Expression:
        self.skip()
        text = self.text
        first = text[self.at : self.at + 1]
        if first == "$":
            return self.reference()
        if first == "(":
            self.at += 1
            inner = self.expression()
            self.expect(")")
            return inner
        if first == "!" or re.compile(r"not\b").match(text, self.at):
            self.at += 1 if first == "!" else 3
            inner = self._operand()
            return lambda scope: not holds(inner(scope))
        if first in {"'", '"'}:
            return self._string(first)
        if first == "[":
            return self._list()
        if first == "{":
            return self._map()
        if number := NUMBER.match(text, self.at):
            self.at = number.end()
            value = float(number[0]) if number[1] else int(number[0])
            return lambda _: value
        if word := re.compile(r"(true|false|null)\b").match(text, self.at):
            self.at = word.end()
            constant = {"true": True, "false": False, "null": None}[word[1]]
            return lambda _: constant
        raise TemplateError(f"no expression at {text[self.at : self.at + 20]!r}")

    def _string(self, quote: str) -> Expression:
        start, end = self.at + 1, self.at + 1
        while True:
            end = self.text.find(quote, end)
            if end < 0:
                raise TemplateError("a text has no end")
            if not self.text.startswith(quote * 2, end):
                break
            end += 2  # a quote twice is one
        content, self.at = self.text[start:end].replace(quote * 2, quote), end + 1
        if quote == "'":
            return lambda _: content
        return self.interpolated(content)

    def _list(self) -> Expression:
        start = self.at
        if (bounds := re.compile(r"\[\s*([^\[\],]+?)\s*\.\.\s*([^\[\],]+?)\s*\]").match(self.text, start)) is not None:
            first, last = (self.inner(bounds[each]).expression() for each in (1, 2))
            self.at = bounds.end()

            def numbers(scope: Scope) -> list[int]:
                low, high = int(first(scope)), int(last(scope))
                return list(range(low, high + 1)) if low <= high else list(range(low, high - 1, -1))

            return numbers
        items = self.arguments("[", "]")
        return lambda scope: [each(scope) for each in items]

    def _map(self) -> Expression:
        self.expect("{")
        entries: list[tuple[Expression, Expression]] = []
        self.skip()
        while not self.text.startswith("}", self.at):
            key = self._operand()
            self.expect(":")
            entries.append((key, self.expression()))
            self.skip()
            if not self.text.startswith("}", self.at):
                self.expect(",")
        self.at += 1
        return lambda scope: {shown(key(scope)): value(scope) for key, value in entries}

    def skip(self) -> None:
        """Go past white space."""
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def expect(self, sign: str) -> None:
        """Go past a sign that must come next."""
        self.skip()
        if not self.text.startswith(sign, self.at):
            raise TemplateError(f"{sign!r} is missing before {self.text[self.at : self.at + 20]!r}")
        self.at += len(sign)


@dataclass(frozen=True, slots=True)
class Step:
    """A property, the call of a method, or an index without a name."""

    name: str
    arguments: list[Expression] | None

    def __call__(self, scope: Scope, holder: Any) -> Any:
        """What it leads to."""
        if self.arguments is None:
            return property_of(holder, self.name)
        given = [each(scope) for each in self.arguments]
        return call_method(holder, self.name, given) if self.name else property_of(holder, given[0])

    def assign(self, scope: Scope, holder: Any, value: Any) -> None:
        """Put a value where this step leads to."""
        key: Any = self.name or (self.arguments or [lambda _: ""])[0](scope)
        if isinstance(holder, dict):
            holder[shown(key)] = value
        elif isinstance(holder, list) and isinstance(key, int) and key < len(holder):
            holder[key] = value


def holds(value: Any) -> bool:
    """Whether a condition holds: everything does but false and what is undefined."""
    return value is not None and value is not False


def _applied(sign: str, left: Expression, right: Expression) -> Expression:
    if sign == "||":
        return lambda scope: holds(left(scope)) or holds(right(scope))
    if sign == "&&":
        return lambda scope: holds(left(scope)) and holds(right(scope))
    if sign in {"==", "!="}:
        return lambda scope: _same(left(scope), right(scope)) is (sign == "==")
    return lambda scope: _computed(sign, left(scope), right(scope))


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, str) is isinstance(right, str):
        return bool(left == right)
    return left is not None and right is not None and shown(left) == shown(right)


def _computed(sign: str, left: Any, right: Any) -> Any:
    if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
        return shown(left) + shown(right)
    if not all(isinstance(each, int | float) for each in (left, right)):
        return None
    if sign in {"/", "%"} and right == 0:
        return None
    ways: dict[str, Callable[[], Any]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right if isinstance(left, float) or isinstance(right, float) else int(left / right),
        "%": lambda: left % right,
        "<": lambda: left < right,
        ">": lambda: left > right,
        "<=": lambda: left <= right,
        ">=": lambda: left >= right,
    }
    return ways[sign]()
