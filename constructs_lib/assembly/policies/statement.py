"""The statements of every policy document in a template, in one shape.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from constructs_lib.assembly.value import Text, Unknown, Value, options, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.resource import Resource

EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody a statement speaks of.

    Args:
        kind: `AWS`, `Service`, `Federated`, `CanonicalUser`, or `*` for everybody.
        name: The account, ARN or service; `*` for everybody.
    """

    kind: str
    name: Text


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Args:
        source: The resource whose policy holds it.
        at: Where among that resource's properties.
        allows: Whether it allows, rather than denies.
        actions: The actions it names, in lower case, with wildcards; empty when it names those it does not mean.
        not_actions: The actions it does not mean.
        resources: The resources it names; empty when it names those it does not mean, or the policy is of a resource.
        not_resources: The resources it does not mean.
        principals: Whom it speaks of, in a resource's policy.
        not_principals: Whom it does not speak of.
        conditions: Values by operator and by key, the key in lower case.
        unknowns: What of it could not be resolved.
    """

    source: Resource
    at: tuple[str, ...]
    allows: bool
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[Text, ...] = ()
    not_resources: tuple[Text, ...] = ()
    principals: tuple[Principal, ...] = ()
    not_principals: tuple[Principal, ...] = ()
    conditions: Mapping[str, Mapping[str, tuple[Text, ...]]] = field(default_factory=dict)
    unknowns: tuple[Unknown, ...] = ()


def statements_at(source: Resource, *at: str) -> Iterator[Statement]:
    """Yield the statements of the policy documents at a path of a resource's properties; `"*"` is every item."""
    for document in source.values(*at):
        if isinstance(document, Unknown):
            yield Statement(source, at, allows=True, unknowns=(document,))
        elif isinstance(document, dict):
            yield from statements_in(source, at, document.get("Statement"))


def statements_in(source: Resource, at: tuple[str, ...], told: Value) -> Iterator[Statement]:
    """Yield the statements of the resolved value of `Statement`: one, or a list of them."""
    for each in options(told):
        if isinstance(each, list):
            for one in each:
                yield from statements_in(source, at, one)
        elif isinstance(each, Unknown):
            yield Statement(source, at, allows=True, unknowns=(each,))
        elif isinstance(each, dict):
            yield _statement(source, at, each)


def _statement(source: Resource, at: tuple[str, ...], told: Mapping[str, Value]) -> Statement:
    actions, not_actions = _list(told.get("Action")), _list(told.get("NotAction"))
    resources, not_resources = _list(told.get("Resource")), _list(told.get("NotResource"))
    everything = (*_all(told.get("Action")), *_all(told.get("Resource")), *_all(told.get("Effect")))
    return Statement(
        source,
        at,
        allows=all(each.literal != "Deny" for each in _list(told.get("Effect"))),
        actions=tuple(str(each).lower() for each in actions),
        not_actions=tuple(str(each).lower() for each in not_actions),
        resources=resources,
        not_resources=not_resources,
        principals=tuple(_principals(told.get("Principal"))),
        not_principals=tuple(_principals(told.get("NotPrincipal"))),
        conditions=_conditions(told.get("Condition")),
        unknowns=tuple(each for each in everything if isinstance(each, Unknown)),
    )


def _all(told: Value) -> tuple[Value, ...]:
    """Every value of what may be one or a list."""
    return tuple(
        one for each in options(told) for one in (_flat(each) if isinstance(each, list) else (each,)) if one is not None
    )


def _flat(told: list[Value]) -> Iterator[Value]:
    for each in told:
        for option in options(each):
            if isinstance(option, list):
                yield from _flat(option)
            else:
                yield option


def _list(told: Value) -> tuple[Text, ...]:
    return tuple(texts(_all(told)))


def _principals(told: Value) -> Iterator[Principal]:
    for each in options(told):
        if isinstance(each, dict):
            for kind, names in each.items():
                for name in _list(names):
                    yield Principal(EVERYBODY if kind == "AWS" and name.literal == EVERYBODY else kind, name)
        else:
            for name in _list(each):
                yield Principal(EVERYBODY if name.literal == EVERYBODY else "AWS", name)


def _conditions(told: Value) -> dict[str, dict[str, tuple[Text, ...]]]:
    found: dict[str, dict[str, tuple[Text, ...]]] = {}
    for each in options(told):
        for operator, keys in each.items() if isinstance(each, dict) else ():
            for one in options(keys):
                for key, values in one.items() if isinstance(one, dict) else ():
                    wanted = tuple(
                        value if isinstance(value, Text) else Text.of(str(value).lower()) for value in _all(values)
                    )
                    found.setdefault(operator, {})[key.lower()] = wanted
    return found
