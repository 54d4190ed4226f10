"""Resources can be made one after the other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.intrinsics import VARIABLE
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.assembly.stack import Stack
    from constructs_lib.guards.finding import Finding, Unknown

NESTED, OUTPUTS = "AWS::CloudFormation::Stack", "Outputs."
SHOWN = 6  # resources of a circle that are named
Needs = dict[str, set[str]]


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """No resource of a stack waits for itself by way of others.

    Why it matters: CloudFormation makes what is referred to first. Where each waits for the other it makes none of
    them, and says so only when it is deployed. A nested stack waits for all that one of its resources refers to, and
    whoever refers to one of its resources waits for all of it.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html

    Refuses: resources that refer to each other in a circle, by `Ref`, `Fn::GetAtt`, `Fn::Sub` or `DependsOn`, in their
    properties or in an `UpdatePolicy`.

    Accepts: any order that ends; circles that a condition may open are told as unknown.
    """
    for stack in assembly.stacks:
        told: set[str] = set()
        for certain in (True, False):
            needs = _needs(stack, certain=certain)
            while circle := _circle({name: each for name, each in needs.items() if name not in told}):
                told |= set(circle)
                resources = [stack.resources[name] for name in circle]
                if certain:
                    yield _found(resources)
                else:
                    what = f"whether {_spelled(resources)} wait for each other"
                    yield unknown(resources[0], what=what, reason="a condition may leave one of them out")


def _found(circle: Sequence[Resource]) -> Finding:
    inside = [text for one, other in pairwise([circle[-1], *circle, circle[0]]) for text in _within(one, other)]
    inside = list(dict.fromkeys(inside))
    nested = [each for each in circle if each.type == NESTED]
    fix = "leave out one of the references, or let a resource of its own hold it, as a policy stands beside its role"
    if nested:
        who = f"one of them ({', '.join(inside[:SHOWN])})" if inside else "what the others need"
        fix = f"a nested stack is made as one: define {who} outside of it, or in a nested stack of its own"
    return finding(
        next((each for each in circle if each.type != NESTED), circle[0]),
        problem=f"{_spelled(circle)} wait for each other, and CloudFormation makes none of them",
        fix=fix,
        through=tuple(circle),
    )


def _spelled(circle: Sequence[Resource]) -> str:
    names = [_path(each) for each in circle[:SHOWN]]
    more = f" and {len(circle) - SHOWN} more" if len(circle) > SHOWN else ""
    return f"{names[0]} and itself" if len(circle) == 1 else f"{' -> '.join(names)}{more} -> {names[0]}"


def _path(resource: Resource) -> str:
    """How its author knows a resource; a nested stack of the CDK's by its construct."""
    return resource.path.partition(".NestedStack/")[0]


def _within(one: Resource, other: Resource) -> Iterator[str]:
    """What inside of a nested stack ties two neighbours of a circle together."""
    if other.type == NESTED and (below := other.stack.nested.get(other.logical_id)) is not None:
        outputs = below.template.get("Outputs")
        for name in sorted(_referred(one.raw, certain=False)):
            resource, _, attribute = name.partition(".")
            if resource == other.logical_id and attribute.startswith(OUTPUTS) and isinstance(outputs, dict):
                yield from _owners(below, _names(outputs.get(attribute.removeprefix(OUTPUTS)), certain=False))
    if one.type == NESTED and (below := one.stack.nested.get(one.logical_id)) is not None:
        given = one.raw.get("Parameters")
        passed = {
            name
            for name, value in (given.items() if isinstance(given, dict) else ())
            if other.logical_id in _names(value, certain=False)
        }
        yield from _owners(
            below, {name for name, each in below.resources.items() if _names(each.raw, certain=False) & passed}
        )


def _owners(stack: Stack, names: set[str]) -> Iterator[str]:
    """The constructs of a nested stack that some of its resources belong to."""
    home = f"{_path(stack.parent)}/" if stack.parent is not None else ""
    for name in sorted(names & stack.resources.keys()):
        path = stack.resources[name].path
        yield path.removeprefix(home).partition("/")[0] if path.startswith(home) else path


def _needs(stack: Stack, *, certain: bool) -> Needs:
    """What each resource waits for, of its own stack."""
    known = stack.resources
    found: Needs = {}
    for name, resource in known.items():
        if certain and resource.condition is not None:
            found[name] = set()
            continue
        told = _names(resource.raw, certain=certain) | _names(_update_policy(resource), certain=certain)
        found[name] = (told | set(resource.depends_on)) & known.keys()
    return found


def _update_policy(resource: Resource) -> object:
    """What an update of it takes: an alias waits for the deployment group that moves it."""
    resources = resource.stack.template.get("Resources")
    told = resources.get(resource.logical_id) if isinstance(resources, dict) else None
    return told.get("UpdatePolicy") if isinstance(told, dict) else None


def _circle(needs: Mapping[str, set[str]]) -> list[str]:
    """Some circle, from the first of its resources on; none when there is an order that ends."""
    waiting = {name: {each for each in told if each in needs} for name, told in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for name, told in waiting.items():
        for each in told:
            needed_by.setdefault(each, []).append(name)
    ready = [name for name, told in waiting.items() if not told]
    while ready:
        done = ready.pop()
        del waiting[done]
        for name in needed_by.get(done, ()):
            waiting[name].discard(done)
            if not waiting[name]:
                ready.append(name)
    if not waiting:
        return []
    path = [min(waiting)]
    while (later := min(waiting[path[-1]])) not in path:  # whoever is left waits for another who is left
        path.append(later)
    circle = path[path.index(later) :]
    first = circle.index(min(circle))
    return circle[first:] + circle[:first]


def _names(raw: Any, *, certain: bool) -> set[str]:
    return {each.partition(".")[0] for each in _referred(raw, certain=certain)}


def _referred(raw: Any, *, certain: bool) -> set[str]:
    """The names a value refers to, with their attributes; without those that a condition decides on, where asked."""
    found: set[str] = set()
    todo = [raw]
    while todo:
        each = todo.pop()
        if isinstance(each, list):
            todo.extend(each)
        elif isinstance(each, dict):
            if len(each) == 1:
                [(name, value)] = each.items()
                if name == "Ref" and isinstance(value, str):
                    found.add(value)
                    continue
                if name == "Fn::GetAtt":
                    parts = value if isinstance(value, list) else [value]
                    found.add(".".join(part for part in parts if isinstance(part, str)))
                elif name == "Fn::Sub":
                    found |= _substituted(value)
                elif name == "Fn::If" and certain:
                    continue
            todo.extend(each.values())
    return found


def _substituted(value: Any) -> set[str]:
    text, own = (value, {}) if isinstance(value, str) else (*value, {}, {})[:2] if isinstance(value, list) else ("", {})
    names = VARIABLE.findall(text) if isinstance(text, str) else []
    return {each for each in names if not each.startswith("!") and each not in (own if isinstance(own, dict) else {})}
