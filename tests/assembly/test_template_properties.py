"""Whatever a file holds, reading it gives a template or a refusal of three lines: nothing else, and no other error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.sam import read_deployable
from constructs_lib.assembly.template_file import read_template
from constructs_lib.assembly.template_json import parse_json
from constructs_lib.assembly.template_yaml import parse_yaml

SHOP: dict[str, Any] = {
    "Transform": ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"],
    "Globals": {"Function": {"Runtime": "python3.13", "CodeUri": "src"}},
    "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "a,b"}},
    "Conditions": {"Prod": {"Fn::Equals": ["a", "b"]}},
    "Resources": {
        "Web": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "prod", "DefinitionBody": {"paths": {}}}},
        "Buy": {
            "Type": "AWS::Serverless::Function",
            "Condition": "Prod",
            "DependsOn": ["Orders"],
            "Metadata": {"mine": 1},
            "Properties": {
                "Handler": "app.handler",
                "Policies": [{"DynamoDBReadPolicy": {"TableName": {"Ref": "Orders"}}}, "AWSXRayDaemonWriteAccess"],
                "Events": {
                    "Post": {
                        "Type": "Api",
                        "Properties": {"Path": "/a", "Method": "post", "RestApiId": {"Ref": "Web"}},
                    },
                    "Queue": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}},
                },
            },
        },
        "Orders": {"Type": "AWS::Serverless::SimpleTable"},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Fn::ForEach::Topics": ["X", {"Ref": "Names"}, {"T${X}": {"Type": "AWS::SNS::Topic"}}],
    },
    "Outputs": {"Url": {"Value": {"Fn::Sub": "${Web}"}}, "Fn::ForEach::Urls": ["X", {"Ref": "More"}, {}]},
}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e9, 1e9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
keys = st.sampled_from(["Resources", "Type", "Properties", "A", "B", "Fn::ForEach::L", "<<", "Ref"]) | texts
pieces = st.sampled_from(
    [
        *[
            "{",
            "}",
            "[",
            "]",
            ":",
            "?",
            '"',
            "'",
            "|",
            ">",
            "#",
            "~",
            "@",
            "`",
            ",",
            "\\",
            "---",
            "...",
            "Resources",
            "Type",
            "A",
            "1",
            "*a",
            "é",
        ],
        *(": ", "\n", "- ", "  ", "&a ", "*a ", "<<: ", "!Ref ", "!GetAtt a.b", "!!str ", "!!python/name:x "),
        *("%YAML 1.1\n", "\t", "\0", "\ufeff", "\u2028"),
    ]
)
quiet = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(folder: Path, content: bytes, name: str) -> None:
    path = folder / name
    path.write_bytes(content)
    try:
        file = read_deployable(path)
    except AssemblyError as error:
        for problem in error.problems:
            assert [line.isprintable() for line in str(problem).split("\n")] == [True] * 3, problem
        return
    assert all(text.isprintable() for entry in file.unread.items() for text in entry)
    for key, resource in file.template["Resources"].items():
        assert key.isprintable()
        assert isinstance(resource["Type"], str)
        assert isinstance(resource.get("Properties", {}), dict)
    json.dumps(file.template)


@quiet
@given(content=st.binary(max_size=200), name=st.sampled_from(["a.json", "a.yaml", "a"]))
def test_any_bytes(tmp_path: Path, content: bytes, name: str) -> None:
    check(tmp_path, content, name)


@quiet
@given(parts=st.lists(pieces, max_size=30), name=st.sampled_from(["a.json", "a.yaml", "a"]))
def test_any_pieces_of_yaml_and_json(tmp_path: Path, parts: list[str], name: str) -> None:
    check(tmp_path, "".join(parts).encode(), name)


@quiet
@given(resources=st.dictionaries(keys, st.dictionaries(keys, values, max_size=3) | values, max_size=3))
def test_any_resources(tmp_path: Path, resources: dict[str, Any]) -> None:
    check(tmp_path, json.dumps({"Resources": resources}).encode(), "a.json")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every member of every object and list: its parent, and its key or index."""
    found: list[tuple[Any, Any]] = []
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found += [(value, key), *places(value[key])]
    return found


@quiet
@given(data=st.data())
def test_a_template_with_anything_anywhere(tmp_path: Path, data: st.DataObject) -> None:
    template = json.loads(json.dumps(SHOP))
    for _ in range(data.draw(st.integers(1, 3))):
        if not (found := places(template)):
            break
        parent, key = data.draw(st.sampled_from(found))
        if data.draw(st.booleans()):
            parent[key] = data.draw(values)
        else:
            del parent[key]
    check(tmp_path, json.dumps(template).encode(), "a.json")


@quiet
@given(data=st.data())
def test_a_text_with_anything_anywhere(tmp_path: Path, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([json.dumps(SHOP, indent=1), yaml.safe_dump(SHOP)]))
    at = data.draw(st.integers(0, len(text)))
    gone = data.draw(st.integers(0, 5))
    check(tmp_path, (text[:at] + data.draw(pieces) + text[at + gone :]).encode(), "a.template")


@quiet
@given(value=st.dictionaries(texts, values, max_size=4))
def test_json_is_read_as_pythons_own_reader_reads_it(value: dict[str, Any]) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        assert parse_json(text).value == json.loads(text) == value


@quiet
@given(value=st.dictionaries(texts, values, max_size=4).filter(lambda value: "\\x85" not in repr(value)))
def test_yaml_gives_back_what_was_written(value: dict[str, Any]) -> None:
    # Without the line break of mainframes, which PyYAML's writer takes for a space.
    for text in (yaml.safe_dump(value), yaml.safe_dump(value, default_flow_style=True, allow_unicode=True)):
        assert parse_yaml(text).value == value


@pytest.mark.parametrize("text", [json.dumps(SHOP), yaml.safe_dump(SHOP)])
def test_the_template_that_is_changed_above_is_a_good_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.template").write_text(text)
    assert read_template(tmp_path / "a.template").template["Resources"]["Queue"] == {"Type": "AWS::SQS::Queue"}
    assert "BuyRole" in read_deployable(tmp_path / "a.template").template["Resources"]
