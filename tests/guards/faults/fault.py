"""A single fault: one change to the hardened template, and what has to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.guards.faults.parts import Template


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Args:
        name: What is wrong, as its author would say.
        rule: The rule that has to find it.
        at: The resource it has to be found at; none for the stack.
        make: Puts the fault into the template.
        also: Rules that are right to speak of it too; every other one has to stay silent.
    """

    name: str
    rule: str
    at: str | None
    make: Callable[[Template], None] = field(repr=False)
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def change(
    name: str, rule: str, at: str, *way: str | int, to: Any, found_at: str | None = None, also: Iterable[str] = ()
) -> Fault:
    """A property of a resource gets another value."""

    def make(template: Template) -> None:
        *before, last = way
        holder: Any = template["Resources"][at]["Properties"]
        for key in before:
            holder = holder[key] if isinstance(key, int) else holder.setdefault(key, {})
        holder[last] = to

    return Fault(name, rule, at if found_at is None else found_at, make, tuple(also))


def drop(
    name: str, rule: str, at: str, *way: str | int, found_at: str | None = None, also: Iterable[str] = ()
) -> Fault:
    """A property of a resource is left out."""

    def make(template: Template) -> None:
        *before, last = way
        holder: Any = template["Resources"][at]["Properties"]
        for key in before:
            holder = holder[key]
        del holder[last]

    return Fault(name, rule, at if found_at is None else found_at, make, tuple(also))


def add(name: str, rule: str, at: str | None, also: Iterable[str] = (), /, **resources: Template) -> Fault:
    """Resources are there beside the others, or instead of those of their names."""
    return Fault(name, rule, at, lambda template: template["Resources"].update(resources), tuple(also))


def section(name: str, rule: str, at: str | None, title: str, also: Iterable[str] = (), /, **entries: Any) -> Fault:
    """There is more in a section beside the resources, or something else under the same name."""
    return Fault(name, rule, at, lambda template: template.setdefault(title, {}).update(entries), tuple(also))


def grant(name: str, rule: str, to: str, statement: Template, *, also: Iterable[str] = ()) -> Fault:
    """The role of a function or workflow allows one thing more."""

    def make(template: Template) -> None:
        held = template["Resources"][f"{to}Role"]["Properties"]["Policies"]
        held[0]["PolicyDocument"]["Statement"].append(statement)

    return Fault(name, rule, f"{to}Role", make, tuple(also))


def let(name: str, rule: str, policy: str, statement: Template, also: Iterable[str] = ()) -> Fault:
    """The policy of a queue, topic or bucket lets one more in."""

    def make(template: Template) -> None:
        template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"].append(statement)

    return Fault(name, rule, policy, make, tuple(also))


def remove(name: str, rule: str, at: str, *gone: str, also: Iterable[str] = ()) -> Fault:
    """Resources are missing."""

    def make(template: Template) -> None:
        for each in gone:
            del template["Resources"][each]
        for each in template["Resources"].values():
            if each.get("DependsOn") in gone:
                del each["DependsOn"]

    return Fault(name, rule, at, make, tuple(also))


def forget(name: str, rule: str, at: str, *attributes: str) -> Fault:
    """What stands beside the properties of a resource, such as its DeletionPolicy, is left out."""

    def make(template: Template) -> None:
        for each in attributes:
            del template["Resources"][at][each]

    return Fault(name, rule, at, make)


def together(first: Fault, *others: Fault) -> Fault:
    """What is one fault to its author takes several changes; the first one says what is wrong."""

    def make(template: Template) -> None:
        for each in (first, *others):
            each.make(template)

    return Fault(first.name, first.rule, first.at, make, first.also)
