"""Schemas of bodies in draft 4: they take and refuse what they did, or are refused themselves."""

from __future__ import annotations

import enum
import json
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import aws_cdk as cdk
import jsonschema  # type: ignore[import-untyped] # its types are a package of their own, for this one test
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from constructs_lib.openapi.schemas import SCHEMAS, as_component
from constructs_lib.wiring.draft_4 import InexpressibleError
from constructs_lib.wiring.json_schema import KNOWN, LARGEST, as_draft_4

VALUES = [
    None, True, False, 0, 1, 2, 3, 4.5, -1, 10, "", "a", "ab", "abc", "x-1", [], [1], ["a"], [1, "a"], [1, "a", 2], {},
    {"a": 1}, {"a": "x"}, {"b": 1}, {"a": 1, "b": 2}, {"a": None}, {"x-1": 1}, {"a": {"a": {"a": 1}}}, {"c": [1, 1]},
]  # fmt: skip

SCHEMAS_OF_TODAY: list[dict[str, Any]] = [
    {"const": 1},
    {"const": None},
    {"enum": [1, "a"], "const": "a"},
    {"exclusiveMinimum": 1, "exclusiveMaximum": 4},
    {"minimum": 1, "exclusiveMinimum": 1},
    {"minimum": 2, "exclusiveMinimum": 1},
    {"minimum": 0, "exclusiveMinimum": 1, "maximum": 3, "exclusiveMaximum": 10},
    {"prefixItems": [{"type": "integer"}, {"type": "string"}]},
    {"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
    {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
    {"items": {"type": "integer"}, "uniqueItems": True},
    {"properties": {"a": True, "b": False}},
    {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "integer", "title": "A"}}},
    {"properties": {"a": {"$ref": "#/$defs/A", "minimum": 2}}, "$defs": {"A": {"type": "integer"}}},
    {"type": ["object", "integer"], "properties": {"a": {"$ref": "#"}}},
    {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}}},
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "integer"}},
    {"if": {"type": "string"}, "then": {"minLength": 2}},
    {"if": {"type": "string"}, "else": {"type": "integer"}, "anyOf": [{}, {"type": "object"}]},
    {"then": {"type": "string"}},
    {"dependentRequired": {"a": ["b"]}},
    {"dependentSchemas": {"a": {"properties": {"b": {"const": 2}}, "required": ["b"]}}},
    {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": {"maxProperties": 1}}},
    {"propertyNames": {"type": "string"}},
    {"propertyNames": {"pattern": "^[a-c]$"}},
    {"propertyNames": {"pattern": "^[a-c]$"}, "additionalProperties": {"type": "integer"}},
    {"not": {"anyOf": [{"type": "string"}, {"type": "array"}]}},
    {"oneOf": [{"type": "integer"}, {"minimum": 2}]},
    {"allOf": [{"minimum": 1}, True]},
    {"additionalProperties": False, "patternProperties": {"^x-": {}}},
]


def takes(schema: Any, value: object, draft: Any) -> bool:
    return bool(draft(schema).is_valid(value))


@pytest.mark.parametrize("schema", SCHEMAS_OF_TODAY, ids=json.dumps)
def test_takes_and_refuses_the_same_in_draft_4(schema: dict[str, Any]) -> None:
    converted = as_draft_4(schema)
    jsonschema.Draft4Validator.check_schema(converted)
    for value in VALUES:
        before = takes(schema, value, jsonschema.Draft202012Validator)
        assert takes(converted, value, jsonschema.Draft4Validator) is before, value


@pytest.mark.parametrize(
    ("schema", "refused"),
    [
        ({"minimum": 2, "exclusiveMinimum": False}, [0, 1, -1]),  # draft 4's own way
        ({"minimum": 2, "exclusiveMinimum": True}, [0, 1, 2, -1]),
        ({"maximum": 2, "exclusiveMaximum": False}, [3, 4.5, 10]),
        ({"type": "string", "nullable": True}, [value for value in VALUES if not isinstance(value, str | None)]),
        ({"enum": ["a"], "type": "string", "nullable": True}, [value for value in VALUES if value not in ("a", None)]),
        (
            {"anyOf": [{"type": "string"}], "type": "string", "nullable": False},
            [v for v in VALUES if type(v) is not str],
        ),
    ],
    ids=json.dumps,
)
def test_words_of_draft_4_and_of_openapi_mean_what_they_mean_there(schema: dict[str, Any], refused: list[Any]) -> None:
    converted = as_draft_4(schema)
    assert [value for value in VALUES if not takes(converted, value, jsonschema.Draft4Validator)] == refused


@pytest.mark.parametrize("schema", SCHEMAS_OF_TODAY, ids=json.dumps)
def test_takes_and_refuses_the_same_in_an_openapi_document(schema: dict[str, Any]) -> None:
    component = json.loads(json.dumps(as_component(as_draft_4(schema), "Body")).replace(f"{SCHEMAS}Body", "#"))
    jsonschema.Draft202012Validator.check_schema(component)
    for value in VALUES:
        before = takes(schema, value, jsonschema.Draft202012Validator)
        assert takes(component, value, jsonschema.Draft202012Validator) is before, value


def schemas() -> st.SearchStrategy[Any]:
    """Schemas of draft 2020-12, within one another."""
    simple = st.sampled_from(
        [each for each in SCHEMAS_OF_TODAY if "$ref" not in json.dumps(each)]
        + [{"type": "string"}, {"minimum": 2}, {"maxLength": 2}, {"required": ["a"]}, True, False]
    )

    def within(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(
            st.builds(lambda a, b: {"properties": {"a": a}, "additionalProperties": b}, inner, inner),
            st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
            st.builds(lambda a, b: {"allOf": [a, {"not": b}]}, inner, inner),
            st.builds(lambda a, b, c: {"if": a, "then": b, "else": c}, inner, inner, inner),
            st.builds(lambda a, b: {"prefixItems": [a], "items": b}, inner, inner),
            st.builds(lambda a: {"dependentSchemas": {"a": a}}, inner),
        )

    return st.recursive(simple, within, max_leaves=6)


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(schemas())
def test_made_up_schemas_mean_the_same_in_draft_4(schema: Any) -> None:
    whole = {"allOf": [schema]}
    converted = as_draft_4(whole)
    for value in VALUES:
        assert takes(converted, value, jsonschema.Draft4Validator) is takes(
            whole, value, jsonschema.Draft202012Validator
        )


JUNK: list[Any] = [
    None, True, 0, -1, 1.0, 1.5, "a", "(", "object", "#/definitions/A", [], ["a"], ["a", "a"], [1], [1, 1.0], {},
    {"a": []}, {"a": ["b"]}, {"A": {}}, {"a": {"type": "x"}}, {"(": {}}, ["object", "null", "object"],
]  # fmt: skip


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.sampled_from(sorted(KNOWN)), st.sampled_from(JUNK), min_size=1, max_size=4))
def test_api_gateway_takes_whatever_is_not_refused(schema: Any) -> None:
    """It takes what the schema of draft 4 takes, and says no more than "Invalid model schema specified"."""
    try:
        converted = as_draft_4(schema)
    except InexpressibleError:
        return
    jsonschema.Draft4Validator.check_schema(converted)


def test_leaves_out_what_says_nothing_and_api_gateway_would_not_take() -> None:
    told = {
        "required": [],
        "enum": ["a", "b", "a", 1, 1.0],
        "dependentRequired": {"a": []},
        "minLength": 1.0,
        "format": "uuid",
        "properties": {"at": {"format": "date-time"}, "required": {"required": []}},
    }
    assert {key: value for key, value in as_draft_4(told).items() if key != "$schema"} == {
        "enum": ["a", "b", 1],
        "minLength": 1,
        "properties": {"at": {"format": "date-time"}, "required": {}},
    }


def test_numbers_that_are_not_known_yet() -> None:
    number = cdk.Token.as_number({"Ref": "Most"})
    assert cdk.Token.is_unresolved(as_draft_4({"maxLength": number, "minimum": number})["maxLength"])


@pytest.mark.parametrize(
    "pattern", [r"[*+]+", r"a\++", r"\\A", "(?:a)(?=b)(?!c)", r"[^\]]+", r"^\d{3}-\w+\/$", "a}+", "^[[a-z]$"]
)
def test_takes_the_patterns_of_ecma_262(pattern: str) -> None:
    assert as_draft_4({"pattern": pattern})["pattern"] == pattern


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Card(BaseModel):
    kind: Literal["card"]
    number: str = Field(pattern="^[0-9]{4}$")


class Cash(BaseModel):
    kind: Literal["cash"]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = Field(min_length=1, max_length=8, examples=["a1"])
    at: datetime
    color: Color = Color.RED
    price: Decimal = Field(gt=0)
    pair: tuple[int, str]
    by_name: dict[str, Annotated[int, Field(ge=0)]] = {}
    parts: list[Order] = Field(default_factory=list, max_length=3)
    payment: Annotated[Card | Cash, Field(discriminator="kind")]
    note: str | None = None


FITS: dict[str, Any] = {
    "id": "a1",
    "at": "2026-11-23T10:00:00Z",
    "price": "9.50",
    "pair": [1, "a"],
    "payment": {"kind": "card", "number": "4242"},
}


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"note": None, "color": "blue", "by_name": {"a": 1}}, True),
        ({"parts": [FITS]}, True),
        ({"payment": {"kind": "cash"}}, True),
        ({"pair": [1]}, False),
        ({"pair": [1, "a", 2]}, False),
        ({"price": 0}, False),
        ({"color": "green"}, False),
        ({"by_name": {"a": -1}}, False),
        ({"parts": [{**FITS, "id": ""}]}, False),
        ({"payment": {"kind": "card", "number": "x"}}, False),
        ({"payment": {"kind": "check"}}, False),
        ({"more": 1}, False),
    ],
)
def test_a_pydantic_model_takes_what_pydantic_takes(change: dict[str, Any], fits: bool) -> None:
    value: dict[str, Any] = {**FITS, **change}
    assert takes(as_draft_4(Order.model_json_schema()), value, jsonschema.Draft4Validator) is fits
    if fits:
        Order.model_validate(value)
    else:
        with pytest.raises(ValueError, match="validation error"):
            Order.model_validate(value)


def test_a_schema_is_written_in_the_same_order_by_every_process() -> None:
    schema: dict[str, object] = {"properties": {}, "patternProperties": {}, "oneOf": [{}], "anyOf": [{}], "allOf": [{}]}
    program = f"from constructs_lib.wiring.json_schema import as_draft_4; print(as_draft_4({schema}))"
    said = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_a_type_adapter_of_pydantic() -> None:
    schema = as_draft_4(TypeAdapter(list[int]).json_schema())
    values: list[Any] = [[1, 2], ["a"], {}]
    assert [takes(schema, value, jsonschema.Draft4Validator) for value in values] == [True, False, False]


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({"contains": {}}, "says contains at #"),
        ({"properties": {"a": {"unevaluatedProperties": False}}}, "says unevaluatedProperties at #/properties/a"),
        ({"tpye": "string"}, "no keyword of JSON Schema: did you mean type?"),
        ({"$ref": "other.json"}, "refers to other.json at #"),
        ({"properties": {"a": {"$defs": {}}}}, "has $defs at #/properties/a"),
        ({"properties": []}, "wanted schemas by name"),
        ({"anyOf": []}, "wanted a list of schemas"),
        ({"not": 5}, "has 5 at #/not, where a schema belongs"),
        ({"enum": [float("nan")]}, "is not JSON"),
        ({"enum": [object()]}, "is not JSON"),
        ({"enum": ["a" * LARGEST]}, "and API Gateway takes 409,600"),
        ({"propertyNames": {"maxLength": 3}}, "says propertyNames at #"),
        ({"propertyNames": {"pattern": "a"}, "properties": {}}, "says propertyNames at #"),
        ({"properties": {"a": {"type": "str"}}}, "has type 'str' at #/properties/a"),
        ({"enum": []}, "has enum [] at #, wanted a list of one value at least"),
        ({"minLength": -1}, "has minLength -1 at #, wanted 0 or more"),
        ({"minimum": "a", "exclusiveMinimum": 1}, "has 'a' at #, where minimum is a number"),
        ({"multipleOf": 0}, "has multipleOf 0 at #, wanted a number above 0"),
        ({"required": True}, "has required True at #, wanted a list of names"),
        ({"$ref": "#/$defs/Gone"}, "refers to #/definitions/Gone at #, which is not there"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, "leads back to itself"),
        ({"$ref": "#/$defs/A b", "$defs": {"A b": {}}}, "refers to #/definitions/A b"),
        ({"pattern": r"^a\Z"}, r"has the pattern '^a\\Z' at #: API Gateway takes those of ECMA 262, which has no \Z"),
        ({"pattern": "(?i)a"}, "which has no (?i"),
        ({"pattern": "(?P<year>[0-9]+)"}, "which has no (?P"),
        ({"pattern": "(?<!a)b"}, "which has no (?<"),
        ({"pattern": r"[\p{L}]"}, r"which has no \p"),
        ({"pattern": "[0-9]++"}, "which has no ++"),
        ({"pattern": r"^[\u{1F600}]$"}, r"which has no \u{"),
        ({"patternProperties": {"a(b": {}}}, "missing ), unterminated subpattern"),
    ],
)
def test_refuses_what_draft_4_cannot_say(schema: dict[str, Any], what: str) -> None:
    with pytest.raises(InexpressibleError) as caught:
        as_draft_4(schema)
    assert what in str(caught.value)
    assert caught.value.fix
