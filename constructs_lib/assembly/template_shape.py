"""What every template is made of: sections of named objects, and resources with a type. Says all that is not so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.template_document import printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECTIONS_OF_OBJECTS = ("Parameters", "Mappings", "Outputs", "Rules")
SECTIONS = (*SECTIONS_OF_OBJECTS, "Conditions", "Metadata", "Globals")
ATTRIBUTES: dict[str, type[Any]] = {"Properties": dict, "Metadata": dict, "Condition": str}
FUNCTION = (
    "Fn::"  # CloudFormation has members added here when the template is deployed: Fn::ForEach::<name>, Fn::Transform
)
NOT_A_NAME = "is not made of letters and digits"
NAMES = ((dict, "an object"), (list, "a list"), (str, "text"), (bool, "true or false"), ((int, float), "a number"))
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros.html
MACROS_THAT_ADD = {"AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"}  # read here, or by sam.py


@dataclass(slots=True)
class Shape:
    """What was found.

    Args:
        wrong: What is wrong, each with the key of the resource it is wrong about.
        unread: Parts of the template that nobody knows before it is deployed, each with the reason.
    """

    wrong: list[tuple[str, str | None]] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


def take_shape(template: Any) -> Shape:
    """Look at a template, drop what is null, and take out of it what no reader could make sense of.

    Args:
        template: The template, which is changed.
    """
    shape = Shape()
    if not isinstance(template, dict):
        shape.wrong.append((f"the file holds {_kind(template)}, not a template", None))
        return shape
    for section in SECTIONS:
        _take_section(template, section, shape)
    resources = template.get("Resources")
    if isinstance(resources, dict):
        _take_functions(resources, "Resources", shape)
        for key, resource in resources.items():
            shape.wrong += [(what, key) for what in _wrong_with(key, resource)]
    elif "Resources" in template:
        shape.wrong.append((f"Resources is {_kind(resources)}, not an object", None))
    else:
        shape.wrong.append(("the file has no Resources, so it is not a template", None))
    _take_transforms(template, shape)
    return shape


def _take_section(template: dict[str, Any], section: str, shape: Shape) -> None:
    if section not in template:
        return
    members = template[section]
    if members is None:
        del template[section]
    elif not isinstance(members, dict):
        shape.wrong.append((f"{section} is {_kind(members)}, not an object", None))
    elif section in SECTIONS_OF_OBJECTS:
        _take_functions(members, section, shape)
        shape.wrong += [
            (f"{each} of {section} is {_kind(value)}, not an object", None)
            for each, value in members.items()
            if not isinstance(value, dict)
        ]
    elif section == "Conditions":
        _take_functions(members, section, shape)
    if isinstance(members, dict):
        shape.wrong += [(f"the name {each!r} of {section} {NOT_A_NAME}", None) for each in members if _is_odd(each)]


def _take_functions(members: dict[str, Any], section: str, shape: Shape) -> None:
    for key in [each for each in members if each.startswith(FUNCTION)]:
        del members[key]
        shape.unread[printed(f"{section}.{key}")] = "what it becomes is known when the template is deployed"


def _take_transforms(template: dict[str, Any], shape: Shape) -> None:
    for name in transforms_of(template):
        if name not in MACROS_THAT_ADD:
            shape.unread[printed(f"Transform {name}")] = "a macro, which may change the template when it is deployed"
    if f"{FUNCTION}Transform" in template:
        del template[f"{FUNCTION}Transform"]
        shape.unread[f"{FUNCTION}Transform"] = "what it becomes is known when the template is deployed"


def transforms_of(template: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the macros a template names at its top."""
    named = template.get("Transform")
    names = named if isinstance(named, list) else [named]
    found = (each.get("Name") if isinstance(each, dict) else each for each in names)
    return tuple(name for name in found if isinstance(name, str))


def _wrong_with(key: str, resource: Any) -> Iterator[str]:
    if _is_odd(key):
        yield f"the logical id {key!r} {NOT_A_NAME}"
    elif not isinstance(resource, dict):
        yield f"resource {key} is {_kind(resource)}, not an object"
    else:
        yield from _wrong_within(key, resource)


def _wrong_within(key: str, resource: dict[str, Any]) -> Iterator[str]:
    if "Type" not in resource:
        yield f"resource {key} has no Type"
    elif not isinstance(resource["Type"], str):
        yield f"the Type of resource {key} is {_kind(resource['Type'])}, not text"
    for attribute, wanted in ATTRIBUTES.items():
        value = resource.get(attribute)
        if value is None:
            resource.pop(attribute, None)
        elif not isinstance(value, wanted):
            yield f"the {attribute} of resource {key} is {_kind(value)}, not {_kind(wanted())}"
    needed = resource.get("DependsOn")
    if needed is None:
        resource.pop("DependsOn", None)
    elif not isinstance(needed, str) and not (
        isinstance(needed, list) and all(isinstance(each, str) for each in needed)
    ):
        yield f"the DependsOn of resource {key} is {_kind(needed)}, not names of resources"


def _is_odd(key: str) -> bool:
    """Whether a name would leave its line, or drive a terminal, when it is printed."""
    return not key.isprintable()


def _kind(value: object) -> str:
    return next((name for kind, name in NAMES if isinstance(value, kind)), "nothing")
