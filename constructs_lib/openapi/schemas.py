"""Models of API Gateway as OpenAPI 3.1 has them: JSON Schema draft 4, in the words of draft 2020-12.

https://spec.openapis.org/oas/v3.1.0#schema-object
"""

from __future__ import annotations

from typing import Any

SCHEMAS = "#/components/schemas/"


def as_component(schema: Any, name: str) -> Any:
    """Return a model as the component of that name; what it refers to within itself is found there."""
    if isinstance(schema, list):
        return [as_component(each, name) for each in schema]
    if not isinstance(schema, dict):
        return schema
    said: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$schema":
            continue
        if key == "$ref" and isinstance(value, str):
            said[key] = _reference(value, name)
        elif key in {"properties", "patternProperties", "definitions"} and isinstance(value, dict):
            said["$defs" if key == "definitions" else key] = {each: as_component(value[each], name) for each in value}
        elif key in {"enum", "default", "required", "exclusiveMinimum", "exclusiveMaximum", "dependencies"}:
            continue
        else:
            said[key] = as_component(value, name)
    said |= {key: schema[key] for key in ("enum", "default", "required") if key in schema}
    _bounds(schema, said)
    _tuples(said)
    _dependencies(schema, said, name)
    return said


def _reference(to: str, name: str) -> str:
    if to == "#":
        return f"{SCHEMAS}{name}"
    return to.replace("#/definitions/", f"{SCHEMAS}{name}/$defs/", 1)


def _bounds(schema: dict[str, Any], said: dict[str, Any]) -> None:
    for key, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if schema.get(exclusive) is True and key in said:
            said[exclusive] = said.pop(key)


def _tuples(said: dict[str, Any]) -> None:
    if isinstance(said.get("items"), list):
        said["prefixItems"] = said.pop("items")
        if "additionalItems" in said:
            said["items"] = said.pop("additionalItems")
    said.pop("additionalItems", None)  # it says nothing beside one schema for all items


def _dependencies(schema: dict[str, Any], said: dict[str, Any], name: str) -> None:
    needs = schema.get("dependencies")
    for key, need in needs.items() if isinstance(needs, dict) else ():
        home = "dependentRequired" if isinstance(need, list) else "dependentSchemas"
        said.setdefault(home, {})[key] = need if isinstance(need, list) else as_component(need, name)
