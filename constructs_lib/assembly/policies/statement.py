"""The statements of every policy document in a template, in one shape.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.value import Absent, OneOf, Text, Unknown, Value, options, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.resource import Resource

EVERYBODY = "*"
EVERY = "*"  # in a path of properties: every item of a list


@frozen
class Principal:
    """Somebody a statement speaks of.

    Args:
        kind: `AWS`, `Service`, `Federated`, `CanonicalUser`, or `*` for everybody.
        name: The account, ARN or service; `*` for everybody.
    """

    kind: str
    name: Text


@frozen
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
        is_sure: Whether it is there by the defaults of the template's parameters.
        unsure: Those of its resources that are not, by these defaults. Of what denies, nothing unsure is kept.
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
    is_sure: bool = True
    unsure: tuple[Text, ...] = ()
    unknowns: tuple[Unknown, ...] = ()


def statements_at(source: Resource, *at: str) -> tuple[Statement, ...]:
    """Return the statements of the policy documents at a path of a resource's properties; `"*"` is every item.

    Many rules ask, and each document is read once.
    """
    known: dict[tuple[str, ...], tuple[Statement, ...]] = vars(source).setdefault("_statements", {})
    if at not in known:
        known[at] = tuple(_statements_at(source, at))
    return known[at]


def _statements_at(source: Resource, at: tuple[str, ...]) -> Iterator[Statement]:
    before = at[: at.index(EVERY)] if EVERY in at else at
    possible = source.values(*before)
    chosen = source.value(*before) if len(possible) > 1 else None
    for each in possible:
        is_sure = source.is_there_by_default and (each == chosen if len(possible) > 1 else not source.lacks(*before))
        for document, is_document_sure in _documents(each, at[len(before) + 1 :], is_sure=is_sure):
            if isinstance(document, Unknown):
                yield Statement(source, at, allows=True, unknowns=(document,))
            elif isinstance(document, dict):
                yield from statements_in(source, at, document.get("Statement"), is_sure=is_document_sure)


def _documents(told: Value, keys: tuple[str, ...], *, is_sure: bool) -> Iterator[tuple[Value, bool]]:
    """What stands under keys of a value, or of each item of a list."""
    for each, is_each_sure in _with_surety(told, is_sure=is_sure):
        if not keys or isinstance(each, Unknown):
            yield each, is_each_sure
        elif isinstance(each, dict):
            yield from _documents(each.get(keys[0]), keys[1:], is_sure=is_each_sure)


def statements_in(source: Resource, at: tuple[str, ...], told: Value, *, is_sure: bool = True) -> Iterator[Statement]:
    """Yield the statements of the resolved value of `Statement`: one, or a list of them."""
    for each, is_each_sure in _with_surety(told, is_sure=is_sure):
        if isinstance(each, Unknown):
            yield Statement(source, at, allows=True, unknowns=(each,))
        elif isinstance(each, dict):
            statement = _statement(source, at, each, is_sure=is_each_sure)
            if statement is not None:
                yield statement


def _statement(source: Resource, at: tuple[str, ...], told: Mapping[str, Value], *, is_sure: bool) -> Statement | None:
    allows = all(each.literal != "Deny" for each in _list(told.get("Effect")))
    if not allows and not is_sure:
        return None
    actions, not_actions = _list(told.get("Action"), sure=not allows), _list(told.get("NotAction"))
    resources, not_resources = _list(told.get("Resource"), sure=not allows), _list(told.get("NotResource"))
    if not allows and not ((actions or not_actions) and (resources or not_resources or "Resource" not in told)):
        return None
    everything = (*_all(told.get("Action")), *_all(told.get("Resource")), *_all(told.get("Effect")))
    sure = _list(told.get("Resource"), sure=True)
    return Statement(
        source,
        at,
        allows=allows,
        actions=tuple(str(each).lower() for each in actions),
        not_actions=tuple(str(each).lower() for each in not_actions),
        resources=resources,
        not_resources=not_resources,
        principals=tuple(_principals(told.get("Principal"))),
        not_principals=tuple(_principals(told.get("NotPrincipal"))),
        conditions=_conditions(told.get("Condition")),
        is_sure=is_sure,
        unsure=tuple(each for each in resources if each not in sure) if len(sure) < len(resources) else (),
        unknowns=tuple(each for each in everything if isinstance(each, Unknown)),
    )


def _all(told: Value) -> tuple[Value, ...]:
    """Every value of what may be one or a list."""
    plain = _plain(told)
    if plain is not None:
        return plain
    return tuple(
        one for each in options(told) for one in (_flat(each) if isinstance(each, list) else (each,)) if one is not None
    )


def _plain(told: Any) -> tuple[Text, ...] | None:
    """The texts where this is one, a list of them, or nothing, as nearly everywhere; none where it is less plain."""
    if told is None:
        return ()
    if isinstance(told, Text):
        return (told,)
    if not isinstance(told, list):
        return None
    for each in told:
        if not isinstance(each, Text):
            return None
    return tuple(told)


def _flat(told: list[Value]) -> Iterator[Value]:
    for each in told:
        for option in options(each):
            if isinstance(option, list):
                yield from _flat(option)
            else:
                yield option


def _list(told: Value, *, sure: bool = False) -> tuple[Text, ...]:
    """The texts among one value or a list; only those that are there by the defaults, when they must be sure."""
    plain = _plain(told)
    if plain is not None:
        return plain
    if not sure:
        return tuple(texts(_all(told)))
    return tuple(texts(each for each, is_sure in _with_surety(told, is_sure=True) if is_sure))


def _with_surety(told: Value | Absent, *, is_sure: bool) -> Iterator[tuple[Value, bool]]:
    """Every value of what may be one or a list, and whether it is there by the defaults of the template."""
    if isinstance(told, OneOf):
        for at, option in enumerate(told.options):
            yield from _with_surety(option, is_sure=is_sure and told.is_decided and at == 0)
    elif isinstance(told, list):
        for each in told:
            yield from _with_surety(each, is_sure=is_sure)
    elif told is not None and not isinstance(told, Absent):
        yield told, is_sure


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
