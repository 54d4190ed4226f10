"""Every secret that a template holds in plain text: where, and what kind; the value is left where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.remembered import remembered
from constructs_lib.guards.finding import Place
from constructs_lib.guards.literals import LiteralNames, literals_of, named_values, places_of, strings_of
from constructs_lib.guards.secret_assignments import HINT, assigned_in
from constructs_lib.guards.secret_names import (
    AUTHORIZATION,
    KINDS,
    RANDOM_KEY,
    SHORTEST_KEY,
    Certainty,
    judged,
    looks_random,
    secret_named,
)
from constructs_lib.guards.secret_patterns import secrets_in, without_secrets

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.assembly.stack import Stack
    from constructs_lib.guards.finding import Subject
    from constructs_lib.guards.literals import Named

ENVIRONMENTS = ("Environment", "EnvironmentVariables", "RuntimeEnvironmentVariables", "DefaultArguments")
CODE = ("ZipFile", "InlineCode", "UserData", "DefinitionString", "BuildSpec", "Command", "Commands", "EntryPoint")
SECTIONS = {"Outputs": "Output", "Mappings": "Mapping", "Parameters": "Parameter", "Conditions": "Condition"}
POLICY_WORDS = ("Condition", "PolicyDocument", "AssumeRolePolicyDocument", "EventPattern", "FilterCriteria")
ROLE_OF_AN_API = ("x-amazon-apigateway-integration", "credentials")
GENERATED = frozenset({"schema", "schemas", "properties", "definitions", "components"})  # of an API's description
OWN_RULES = ("AWS::SecretsManager::Secret",)  # types whose values other rules look at


class Area(Enum):
    """What part of a template a secret stands in; each has a rule of its own."""

    ENVIRONMENT = "environment"
    PROPERTY = "property"
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - the area of secrets' own values
    PARAMETER = "parameter"


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret in plain text.

    Args:
        area: What part of the template it stands in.
        subject: The resource or part of the template.
        at: Where in it.
        name: The name it goes under.
        kind: What it is.
        certainty: How sure that is.
    """

    area: Area
    subject: Subject
    at: tuple[str, ...]
    name: str
    kind: str
    certainty: Certainty = Certainty.SURE


Guilty = Mapping[str, tuple[tuple[str, str], ...]]  # strings, each with the names and kinds of the secrets in it


def leaks_of(assembly: Assembly, area: Area) -> Iterator[Leak]:
    """Yield every secret in plain text in one part of an assembly's templates."""
    return (leak for leak in _all_leaks(assembly) if leak.area is area)


@remembered
def _all_leaks(assembly: Assembly) -> tuple[Leak, ...]:
    return tuple(leak for stack in assembly.stacks for leak in _leaks(stack))


def _leaks(stack: Stack) -> Iterator[Leak]:
    resources = stack.resources.values()
    others = [raw for section, raw in stack.template.items() if section != "Resources"]
    strings = strings_of([*others, *([resource.raw, resource.metadata] for resource in resources)])
    forms, promises, names = _by_form(strings), _promises(strings, stack.resources), LiteralNames(stack)
    for resource in resources:
        own = strings_of(resource.raw) if forms or promises else set()
        told: set[tuple[str, ...]] = set()
        if resource.type in VALUE_OF or not promises.isdisjoint(own):
            for leak in _by_name(resource, names):
                if leak.at not in told:
                    told.add(leak.at)
                    yield leak
        if not forms:
            continue
        for leak in _placed(resource, resource.raw, forms) if not forms.keys().isdisjoint(own) else ():
            if not any(at[: len(leak.at)] == leak.at for at in told):
                yield leak
        yield from _placed(resource, resource.metadata, forms, ("Metadata",))
    for section, raw in stack.template.items() if forms else ():
        if section == "Resources":
            continue
        for name, each in raw.items() if isinstance(raw, dict) and section in SECTIONS else [("", raw)]:
            place = Place(stack, SECTIONS.get(section, "Stack"), str(name))
            yield from _placed(place, each, forms, () if section in SECTIONS else (section,))


def _promises(strings: set[str], logical_ids: Container[str]) -> set[str]:
    """The strings for which a resource is looked at closely: names of secrets, what may hold one, and keys."""
    return {
        each
        for each in strings
        if secret_named(each)
        or (len(each) >= SHORTEST_KEY and each not in logical_ids and looks_random("", each) is not None)
        or ('"' in each and HINT.search(each))
        or ("uthorization" in each.lower() and AUTHORIZATION.fullmatch(each))
    }


# Types whose value is secret by what they are, whatever its name says: the property, and the name that judges it.
VALUE_OF: Mapping[str, tuple[str, str]] = {
    "AWS::ApiGateway::ApiKey": ("Value", "ApiKey"),
    "AWS::SSM::Parameter": ("Value", ""),
    "AWS::SecretsManager::Secret": ("SecretString", "SecretString"),
}


def _by_name(resource: Resource, names: LiteralNames) -> Iterator[Leak]:
    """The values of a resource that are secrets by what they are called."""
    generated = resource.text("GenerateSecretString", "GenerateStringKey")  # AWS puts the value there itself
    for named in named_values(resource.raw):
        if secret_named(named.name) or AUTHORIZATION.fullmatch(named.name):
            if named.name != generated and not _is_no_place(named.at):
                yield from _judged(resource, named.name, named.at, named.raw, names)
        elif any(word in named.at[:-1] for word in ENVIRONMENTS) and not named.is_function:
            yield from _random(resource, named, names)
    told = VALUE_OF.get(resource.type)
    if told is not None and told[0] in resource.raw:
        own_name = str(resource.text("Name") or "").rpartition("/")[2]
        name = told[1] or own_name or resource.logical_id
        yield from _judged(resource, name, (told[0],), resource.raw[told[0]], names)


def _random(resource: Resource, named: Named, names: LiteralNames) -> Iterator[Leak]:
    """What stands in an environment and looks like a key, whatever it is called."""
    found = {looks_random(named.name, value) for value in literals_of(named.raw, names) if isinstance(value, str)}
    for certainty in found - {None}:
        if certainty is not None:
            yield Leak(Area.ENVIRONMENT, resource, named.at, _shown(named.name), RANDOM_KEY, certainty)


def _judged(resource: Resource, name: str, at: tuple[str, ...], raw: Any, names: LiteralNames) -> Iterator[Leak]:
    verdicts = {judged(name, value) for value in literals_of(raw, names) if not _is_json(value)}
    for certainty in (Certainty.SURE, Certainty.MAYBE):
        if certainty in verdicts:
            kind = KINDS[secret_named(name) or "token"]
            yield Leak(_area(resource, at), resource, at, _shown(name), kind, certainty)
            return


def _is_json(value: object) -> bool:
    """Whether this is an object written as text: what it holds is judged by its own names."""
    return isinstance(value, str) and value.lstrip().startswith(("{", "["))


def _is_no_place(at: tuple[str, ...]) -> bool:
    """Whether names stand for something else here: in conditions, schemas, and where an API names its role."""
    return at[-2:] == ROLE_OF_AN_API or any(word in GENERATED or word in POLICY_WORDS for word in at)


def _placed(subject: Any, raw: Any, forms: Guilty, start: tuple[str, ...] = ()) -> Iterator[Leak]:
    """The secrets by their form inside of a value, at each place they stand at."""
    if not forms or not raw:
        return
    for at, text in places_of(raw, forms):
        place = tuple(map(_shown, (*start, *at)))
        for name, kind in forms[text]:
            yield Leak(_area(subject, place), subject, place, name or (place[-1] if place else ""), kind)


def _by_form(strings: set[str]) -> Guilty:
    """Every string that holds a secret by its form, or gives one to a name: each with that name and the kind."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    if any(True for _ in secrets_in("\n".join(strings))):
        for text in strings:
            kinds = {("", hit.kind): None for hit in secrets_in(text)}
            if kinds:
                found[text] = tuple(kinds)
    for text in strings:
        if ("=" in text or ":" in text or "--" in text) and text not in found and not _is_json(text):
            names = {(each.name, KINDS[secret_named(each.name) or "secret"]): None for each in assigned_in(text)}
            if names:
                found[text] = tuple(names)
    return found


def _area(subject: Any, at: tuple[str, ...]) -> Area:
    if isinstance(subject, Place) and subject.type == "Parameter":
        return Area.PARAMETER
    if isinstance(subject, Place) or at[:1] == ("Metadata",):
        return Area.TEXT
    if subject.type in OWN_RULES:
        return Area.SECRET
    if any(word in at for word in ENVIRONMENTS):
        return Area.ENVIRONMENT
    return Area.TEXT if any(word in at for word in CODE) else Area.PROPERTY


def _shown(name: str) -> str:
    """A name that can be shown: without a secret, should one stand in it."""
    return without_secrets(name)
