"""A JSON Schema of any draft, as API Gateway takes it: draft 4.

What means the same in other words is said in those; what draft 4 cannot say is refused, never left out: a request that
should have been turned away would reach the function.
https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from constructs_lib.wiring.draft_4 import InexpressibleError, check_values
from constructs_lib.wiring.refusals import did_you_mean

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
LARGEST = 400 * 1024  # bytes of one model, https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html

SAME = frozenset(
    [
        "title", "description", "default", "type", "enum", "format", "multipleOf", "maxLength", "minLength", "pattern",
        "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required",
    ]
)  # fmt: skip
SILENT = frozenset(  # they describe, and refuse nothing
    [
        "$schema", "$id", "id", "$comment", "$vocabulary", "examples", "example", "deprecated", "readOnly", "writeOnly",
        "contentEncoding", "contentMediaType", "contentSchema", "discriminator", "externalDocs", "xml",
    ]
)  # fmt: skip
LISTS = frozenset(["allOf", "anyOf", "oneOf"])
MAPPINGS = frozenset(["properties", "patternProperties"])
REST = frozenset(  # said in other words
    [
        "$ref", "$defs", "definitions", "const", "nullable", "not", "items", "prefixItems", "additionalItems",
        "additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "if", "then", "else",
        "dependentRequired", "dependentSchemas", "dependencies", "propertyNames",
    ]
)  # fmt: skip
UNKNOWN_TO_DRAFT_4 = frozenset(
    [
        "contains", "minContains", "maxContains", "unevaluatedProperties", "unevaluatedItems", "$anchor",
        "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef",
    ]
)  # fmt: skip
KNOWN = SAME | SILENT | LISTS | MAPPINGS | REST


def as_draft_4(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that means the same, in draft 4.

    Raises:
        InexpressibleError: There is none.
    """
    try:
        text = json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InexpressibleError(f"is not JSON: {error}", "write it with strings, numbers, lists and dicts") from None
    try:
        converted = {"$schema": DRAFT_4, **_schema(json.loads(text), "#")}
        check_values(converted)
    except RecursionError:
        raise InexpressibleError("is nested too deep", "say what is below in $defs") from None
    size = len(json.dumps(converted).encode())
    if size > LARGEST:
        raise InexpressibleError(
            f"has {size:,} bytes, and API Gateway takes {LARGEST:,}", "check the rest in the function"
        )
    return converted


def _schema(schema: Any, at: str) -> dict[str, Any]:
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if not isinstance(schema, dict):
        raise InexpressibleError(f"has {schema!r} at {at}, where a schema belongs", "write a dict there")
    _check_keywords(schema, at)
    said = {key: value for key, value in schema.items() if key in SAME}
    for key in sorted(MAPPINGS & schema.keys()):  # a set has another order every time, and the template would have it
        said[key] = _each(schema[key], f"{at}/{key}")
    for key in sorted(LISTS & schema.keys()):
        said[key] = _all(schema[key], f"{at}/{key}")
    for say in (_definitions, _const, _bounds, _negation, _items, _additional, _dependencies, _names, _condition):
        say(schema, said, at)
    return _nullable(schema, _reference(schema, said, at))


def _check_keywords(schema: Mapping[str, Any], at: str) -> None:
    for key in schema:
        if key in UNKNOWN_TO_DRAFT_4:
            raise InexpressibleError(
                f"says {key} at {at}, which JSON Schema draft 4 does not know and API Gateway would pass over",
                "leave it out of the schema, and check it in the function",
            )
        if key not in KNOWN and not key.startswith("x-"):
            raise InexpressibleError(
                f"has {key!r} at {at}, which is no keyword of JSON Schema{did_you_mean(key, KNOWN)}",
                "mend it: a keyword that is not known refuses nothing",
            )


def _each(schemas: Any, at: str) -> dict[str, Any]:
    if not isinstance(schemas, dict):
        raise InexpressibleError(f"has {schemas!r} at {at}, wanted schemas by name", "write a dict there")
    return {name: _schema(each, f"{at}/{name}") for name, each in schemas.items()}


def _all(schemas: Any, at: str) -> list[Any]:
    if not isinstance(schemas, list) or not schemas:
        raise InexpressibleError(f"has {schemas!r} at {at}, wanted a list of schemas", "write a list there")
    return [_schema(each, f"{at}/{number}") for number, each in enumerate(schemas)]


def _definitions(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> None:
    for key in ("$defs", "definitions"):
        if key in schema:
            if at != "#":
                raise InexpressibleError(f"has {key} at {at}", "define them at the top of the schema")
            said["definitions"] = {**said.get("definitions", {}), **_each(schema[key], f"{at}/{key}")}


def _const(schema: Mapping[str, Any], said: dict[str, Any], _at: str) -> None:
    if "const" in schema:
        also(said, {"enum": [schema["const"]]})


def also(said: dict[str, Any], more: dict[str, Any]) -> None:
    """Ask for one thing more, whatever is asked for already."""
    if said.keys().isdisjoint(more):
        said.update(more)
    else:
        said["allOf"] = [*said.get("allOf", []), more]


def _bounds(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> None:
    for key, exclusive, stricter in (("minimum", "exclusiveMinimum", max), ("maximum", "exclusiveMaximum", min)):
        pick: Callable[..., Any] = stricter
        bound, beyond = schema.get(key), schema.get(exclusive)
        if isinstance(beyond, bool):  # draft 4's own way
            beyond, bound = (bound, None) if beyond else (None, bound)
        for told in (bound, beyond):
            if told is not None and (isinstance(told, bool) or not isinstance(told, int | float)):
                raise InexpressibleError(f"has {told!r} at {at}, where {key} is a number", "write a number there")
        if beyond is not None and (bound is None or pick(bound, beyond) == beyond):
            said |= {key: beyond, exclusive: True}
        elif bound is not None:
            said[key] = bound


def _negation(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> None:
    if "not" in schema:
        said["not"] = _schema(schema["not"], f"{at}/not")


def _items(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> None:
    items = schema.get("items")
    if "prefixItems" in schema:
        said["items"] = _all(schema["prefixItems"], f"{at}/prefixItems")
        if "items" in schema:
            said["additionalItems"] = _loose(items, f"{at}/items")
        return
    if "items" in schema:
        said["items"] = _all(items, f"{at}/items") if isinstance(items, list) else _schema(items, f"{at}/items")
    if "additionalItems" in schema:
        said["additionalItems"] = _loose(schema["additionalItems"], f"{at}/additionalItems")


def _additional(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> None:
    if "additionalProperties" in schema:
        said["additionalProperties"] = _loose(schema["additionalProperties"], f"{at}/additionalProperties")


def _loose(schema: Any, at: str) -> Any:
    """A schema where draft 4 also takes True and False."""
    return schema if isinstance(schema, bool) else _schema(schema, at)


def _dependencies(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> None:
    for key in ("dependencies", "dependentRequired", "dependentSchemas"):
        told = schema.get(key, {})
        if not isinstance(told, dict):
            raise InexpressibleError(f"has {told!r} at {at}/{key}, wanted a dict", "write a dict there")
        for name, needs in told.items():
            need = needs if isinstance(needs, list) else _schema(needs, f"{at}/{key}/{name}")
            known = said.setdefault("dependencies", {})
            if name in known:
                also(said, {"dependencies": {name: need}})
            else:
                known[name] = need


def _names(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> None:
    if "propertyNames" not in schema:
        return
    names = schema["propertyNames"]
    rest = {key: value for key, value in names.items() if key not in SILENT} if isinstance(names, dict) else names
    if rest in ({"type": "string"}, {}, True):
        return  # every name is a string
    if isinstance(rest, dict) and rest.keys() <= {"type", "pattern"} and MAPPINGS.isdisjoint(schema):
        said["patternProperties"] = {str(rest.get("pattern", "")): said.pop("additionalProperties", {})}
        said["additionalProperties"] = False
        return
    raise InexpressibleError(
        f"says propertyNames at {at}, of which draft 4 can only say a pattern, and not beside properties",
        "use patternProperties, or check the names in the function",
    )


def _condition(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> None:
    if "if" not in schema or not {"then", "else"} & schema.keys():
        return  # neither says anything without the other
    asked = _schema(schema["if"], f"{at}/if")
    then, otherwise = (_schema(schema.get(key, True), f"{at}/{key}") for key in ("then", "else"))
    choice = {"anyOf": [{"allOf": [asked, then]}, {"allOf": [{"not": asked}, otherwise]}]}
    also(said, choice)


def _reference(schema: Mapping[str, Any], said: dict[str, Any], at: str) -> dict[str, Any]:
    """Draft 4 passes over whatever stands beside a reference."""
    if "$ref" not in schema:
        return said
    to = str(schema["$ref"])
    place = to.replace("#/$defs/", "#/definitions/", 1)
    if place != "#" and not place.startswith("#/definitions/"):
        raise InexpressibleError(f"refers to {to} at {at}", "put what it refers to into $defs of the same schema")
    reference = {"$ref": place}
    beside = {
        key: value for key, value in said.items() if key not in {"title", "description", "default", "definitions"}
    }
    kept = {"definitions": said["definitions"]} if "definitions" in said else {}
    return {"allOf": [reference, *([beside] if beside else [])], **kept} if beside or kept else reference


def _nullable(schema: Mapping[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI 3.0 says of a value that may be null."""
    if schema.get("nullable") is not True:
        return said
    if isinstance(said.get("type"), str) and "enum" not in said and LISTS.isdisjoint(said):
        return {**said, "type": [said["type"], "null"]}
    return {"anyOf": [said, {"type": "null"}]}
