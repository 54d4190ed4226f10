"""`Fn::ForEach` of a template, written out as CloudFormation writes it out before it deploys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.template_document import MalformedTextError
from constructs_lib.assembly.template_shape import transforms_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
TRANSFORM = "AWS::LanguageExtensions"
LOOP = "Fn::ForEach::"
SECTIONS = ("Conditions", "Resources", "Outputs")
MAX_VALUES = 200_000  # written out; CloudFormation's own limits allow far less
PLACE = re.compile(r"(?P<kind>[$&])\{(?P<name>[A-Za-z0-9]+)\}")  # &{Name} leaves out what no logical id may hold


def write_out_loops(template: Any) -> dict[str, str]:
    """Write out the loops of a template that asks for it, wherever it is known what they loop over.

    Args:
        template: What was read, which is changed.

    Returns:
        The resources that came of it, each with the key of its loop.

    Raises:
        MalformedTextError: A loop gives one key twice, or more than a template can hold.
    """
    if not isinstance(template, dict) or TRANSFORM not in transforms_of(template):
        return {}
    loops = _Loops(_lists(template.get("Parameters")))
    origins: dict[str, str] = {}
    for section in SECTIONS:
        members = template.get(section)
        if not isinstance(members, dict):
            continue
        written: dict[str, Any] = {}
        for key, value in members.items():
            made = loops.write_out({key: value}, {})
            _add(written, made)
            if section == "Resources" and key.startswith(LOOP):
                origins.update(dict.fromkeys(made, key))
        template[section] = written
    return origins


def _lists(parameters: Any) -> dict[str, list[str]]:
    """The lists that parameters hold, when nobody gives them another."""
    found = {}
    for name, parameter in parameters.items() if isinstance(parameters, dict) else ():
        match parameter:
            case {"Type": "CommaDelimitedList", "Default": str(default)}:
                found[name] = [each.strip() for each in default.split(",")]
    return found


@dataclass(slots=True)
class _Loops:
    """Writes out values, and counts them."""

    lists: Mapping[str, Sequence[str]]
    written: int = field(default=0)

    def write_out(self, value: Any, names: Mapping[str, str]) -> Any:
        self.written += 1
        if self.written > MAX_VALUES:
            raise MalformedTextError(f"loops write out more than {MAX_VALUES:,} values")
        if isinstance(value, str):
            return _filled(value, names)
        if isinstance(value, list):
            return [self.write_out(each, names) for each in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"} and isinstance(value["Ref"], str) and value["Ref"] in names:
            return names[value["Ref"]]
        made: dict[str, Any] = {}
        for key, each in value.items():
            loop = self._loop(each, names) if key.startswith(LOOP) else None
            if loop is None:
                _add(made, {_filled(key, names): self.write_out(each, names)})
                continue
            name, items, body = loop
            for item in items:
                _add(made, self.write_out(body, {**names, name: item}))
        return made

    def _loop(self, value: Any, names: Mapping[str, str]) -> tuple[str, Sequence[str], dict[str, Any]] | None:
        """The name, the items and the body of a loop; nothing when it is not known what it loops over."""
        match value:
            case [str(name), {"Ref": str(parameter)}, dict(body)]:
                items = self.lists.get(parameter)
            case [str(name), list(given), dict(body)]:
                items = [str(each) for each in self.write_out(given, names) if isinstance(each, (str, int))]
                items = items if len(items) == len(given) else None
            case _:
                return None
        return None if items is None else (name, items, body)


def _filled(text: str, names: Mapping[str, str]) -> str:
    def fill(place: re.Match[str]) -> str:
        value = names.get(place["name"])
        if value is None:
            return place[0]
        return value if place["kind"] == "$" else re.sub(r"[^A-Za-z0-9]", "", value)

    return PLACE.sub(fill, text) if names else text


def _add(members: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if key not in members:
            members[key] = value
        elif not key.startswith(LOOP):  # a loop left as it is, and met again in each round of the loop around it
            raise MalformedTextError(f"loops give the key {key!r} twice")
