"""What a target gets of an event by `InputPath` and `InputPathsMap`: indices of arrays and stars, too.

Stock follows names alone, so that `$.detail.items[0].id` is empty in a template and the whole event as an input.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]|\['([^']+)'\]")


class MissingError(Exception):
    """The event has nothing there."""


def at(path: str, event: Any) -> Any:
    """What stands in the event at a path.

    Raises:
        MissingError: Nothing does, or it is no path.
    """
    position, found, is_many = 1, [event], False
    while position < len(path):
        step = STEP.match(path, position)
        if step is None:
            raise MissingError(path)
        position = step.end()
        name = step[1] or step[3]
        if name == "*" or step[2] == "*":
            is_many = True
            found = [each for value in found for each in (value.values() if isinstance(value, dict) else value)]
        else:
            key: Any = name if name is not None else int(step[2])
            found = [value[key] for value in found if _has(value, key)]
    if not found and not is_many:
        raise MissingError(path)
    return found if is_many else found[0]


def _has(value: Any, key: Any) -> bool:
    if isinstance(key, int):
        return isinstance(value, list) and key < len(value)
    return isinstance(value, dict) and key in value


def _wrap_transform(stock: Any) -> Any:
    def transform(transformer: Any, rule: Any, view: Any) -> str:
        paths = transformer.get("InputPathsMap") or {}
        if not any("[" in path or "*" in path for path in paths.values()):
            return str(stock(transformer, rule, view))
        return str(stock({**transformer, "InputPathsMap": _flat(paths)}, rule, _View(view, paths)))

    return transform


def _flat(paths: dict[str, str]) -> dict[str, str]:
    return {name: f"$.{name}" for name in paths}


class _View:
    """The event as stock reads it, with each value of a path under the name of its variable."""

    def __init__(self, view: Any, paths: dict[str, str]) -> None:
        self._view = view
        self._paths = paths

    def envelope(self) -> Any:
        return self._view.envelope()

    def event_with_detail(self) -> Any:
        event = self._view.event_with_detail()
        return _Values(event, {name: _or_nothing(path, event) for name, path in self._paths.items()})


class _Values(dict[str, Any]):
    """An event that has its variables as well, unseen when it is written."""

    def __init__(self, event: dict[str, Any], variables: dict[str, Any]) -> None:
        super().__init__(event)
        self._variables = variables

    def __getitem__(self, name: str) -> Any:
        if name in self._variables:
            return self._variables[name]
        return super().__getitem__(name)


def _or_nothing(path: str, event: Any) -> Any:
    try:
        return at(path, event)
    except MissingError:
        return ""


def _wrap_target(stock: Any) -> Any:
    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        path = target.get("InputPath") or ""
        if "[" in path or "*" in path:
            view = view or base("services.eventbridge")._pattern_event_view(event)
            try:
                given = json.dumps(at(path, view.event_with_detail()))
            except MissingError:
                return stock(target, event, rule, view)
            target = {name: value for name, value in target.items() if name != "InputPath"} | {"Input": given}
        return stock(target, event, rule, view)

    return invoke_target


PATCHES = (
    Patch("services.eventbridge", "_apply_input_transformer", ("transformer", "rule", "view"), _wrap_transform),
    Patch("services.eventbridge", "_invoke_target", ("target", "event", "rule", "view"), _wrap_target),
)
