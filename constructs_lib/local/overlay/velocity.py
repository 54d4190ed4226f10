"""The language of mapping templates: Velocity, as far as API Gateway has it.

https://velocity.apache.org/engine/1.7/vtl-reference.html

A template is read once and rendered often. What is undefined stays as it is written, `$!name` is nothing then.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from constructs_lib.local.overlay.velocity_expressions import (
    REFERENCE,
    Expression,
    ExpressionReader,
    Scope,
    TemplateError,
    holds,
)
from constructs_lib.local.overlay.velocity_values import shown

__all__ = ["Scope", "Template", "TemplateError", "read"]

WORDS = "set|if|elseif|else|end|foreach|stop|break"
DIRECTIVE = re.compile(rf"#(?:\{{({WORDS})\}}|({WORDS})\b)")
END_OF_LINE = re.compile(r"[ \t]*\r?\n")
MOST_ITERATIONS = 1000  # of a #foreach, in API Gateway


class _StopError(Exception):
    """#stop, or #break within a loop."""


@dataclass(slots=True)
class Template:
    """A template that was read."""

    parts: list[Callable[[Scope, list[str]], None]] = field(default_factory=list)

    def render(self, scope: Scope) -> str:
        """The text with these variables, which the template may change."""
        out: list[str] = []
        with contextlib.suppress(_StopError):
            self.write(scope, out)
        return "".join(out)

    def write(self, scope: Scope, out: list[str]) -> None:
        """Append the text."""
        for part in self.parts:
            part(scope, out)


def read(text: str) -> Template:
    """Read a template.

    Raises:
        TemplateError: It is none.
    """
    reader = _Reader(text)
    template, ended_by = reader.block()
    if ended_by:
        raise TemplateError(f"#{ended_by} without its beginning")
    return template


class _Reader(ExpressionReader):
    """Reads blocks and directives."""

    def block(self) -> tuple[Template, str]:
        """Everything up to a directive that ends a block, and that directive; empty at the end of the text."""
        template, text = Template(), self.text
        while self.at < len(text):
            mark = min((i for i in (text.find("$", self.at), text.find("#", self.at)) if i >= 0), default=len(text))
            if mark > self.at:
                template.parts.append(_literal(text[self.at : mark]))
            self.at = mark
            if mark == len(text):
                break
            if text[mark] == "$":
                template.parts.append(self._reference_in_text())
            elif (ended_by := self._directive(template)) is not None:
                return template, ended_by
        return template, ""

    def _reference_in_text(self) -> Callable[[Scope, list[str]], None]:
        start = self.at
        found = REFERENCE.match(self.text, start)
        if found is None:
            self.at += 1
            return _literal("$")
        expression = self.reference()
        source, is_quiet = self.text[start : self.at], bool(found[1])

        def write(scope: Scope, out: list[str]) -> None:
            value = expression(scope)
            out.append(shown(value) if value is not None else "" if is_quiet else source)

        return write

    def _directive(self, template: Template) -> str | None:
        """Read a directive into the template; its name where it ends the block."""
        text, start = self.text, self.at
        for opening, closing in (("##", "\n"), ("#*", "*#"), ("#[[", "]]#")):
            if text.startswith(opening, start):
                end = text.find(closing, start + len(opening))
                self.at = len(text) if end < 0 else end + len(closing)
                if opening == "#[[":
                    template.parts.append(_literal(text[start + 3 : end if end >= 0 else len(text)]))
                return None
        found = DIRECTIVE.match(text, start)
        if found is None:
            self.at += 1
            template.parts.append(_literal("#"))
            return None
        name, self.at = found[1] or found[2], found.end()
        if name in {"end", "else"}:
            self._line_end()
            return name
        if name == "elseif":
            return name
        if name in {"stop", "break"}:
            template.parts.append(_stop)
        else:
            template.parts.append({"set": self._set, "if": self._if, "foreach": self._foreach}[name]())
        return None

    def _line_end(self) -> None:
        found = END_OF_LINE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _set(self) -> Callable[[Scope, list[str]], None]:
        self.expect("(")
        self.skip()
        found = REFERENCE.match(self.text, self.at)
        if found is None:
            raise TemplateError("#set wants a variable")
        self.at = found.end()
        steps = self.steps()
        if found[2]:
            self.expect("}")
        self.expect("=")
        value = self.expression()
        self.expect(")")
        self._line_end()
        name = found[3]

        def assign(scope: Scope, out: list[str]) -> None:
            del out
            result = value(scope)
            if not steps:
                if result is not None:  # Velocity leaves a variable as it was
                    scope[name] = result
                return
            holder = scope.get(name)
            for step in steps[:-1]:
                holder = step(scope, holder)
            steps[-1].assign(scope, holder, result)

        return assign

    def _if(self) -> Callable[[Scope, list[str]], None]:
        branches: list[tuple[Expression, Template]] = []
        otherwise: Template | None = None
        ended_by = "elseif"
        while ended_by == "elseif":
            self.expect("(")
            condition = self.expression()
            self.expect(")")
            self._line_end()
            body, ended_by = self.block()
            branches.append((condition, body))
        if ended_by == "else":
            otherwise, ended_by = self.block()
        if ended_by != "end":
            raise TemplateError("#if without #end")

        def write(scope: Scope, out: list[str]) -> None:
            chosen = next((body for condition, body in branches if holds(condition(scope))), otherwise)
            if chosen is not None:
                chosen.write(scope, out)

        return write

    def _foreach(self) -> Callable[[Scope, list[str]], None]:
        self.expect("(")
        self.skip()
        found = REFERENCE.match(self.text, self.at)
        if found is None:
            raise TemplateError("#foreach wants a variable")
        self.at = found.end()
        if found[2]:
            self.expect("}")
        self.skip()
        if not self.text.startswith("in", self.at):
            raise TemplateError("#foreach wants 'in'")
        self.at += 2
        items = self.expression()
        self.expect(")")
        self._line_end()
        body, ended_by = self.block()
        if ended_by != "end":
            raise TemplateError("#foreach without #end")
        name = found[3]

        def write(scope: Scope, out: list[str]) -> None:
            given = items(scope)
            values = list(given.values()) if isinstance(given, Mapping) else list(given or [])
            before = {each: scope.get(each) for each in (name, "foreach", "velocityCount")}
            for index, value in enumerate(values[:MOST_ITERATIONS]):
                has_next = index + 1 < len(values)
                loop = {
                    "index": index,
                    "count": index + 1,
                    "hasNext": has_next,
                    "first": index == 0,
                    "last": not has_next,
                }
                scope.update({name: value, "foreach": loop, "velocityCount": index + 1})
                try:
                    body.write(scope, out)
                except _StopError:
                    break
            scope.update(before)

        return write

    def inner(self, text: str) -> _Reader:
        """A reader of a part of the text."""
        return _Reader(text)

    def interpolated(self, text: str) -> Expression:
        """A text in double quotes is a template."""
        return read(text).render


def _literal(text: str) -> Callable[[Scope, list[str]], None]:
    return lambda _, out: out.append(text)


def _stop(_scope: Scope, _out: list[str]) -> None:
    raise _StopError
