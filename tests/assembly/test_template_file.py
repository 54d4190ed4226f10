from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly.template_file import read_template
from tests.assembly.template_files import read, refusal, write

if TYPE_CHECKING:
    from pathlib import Path

TOPIC = {"Type": "AWS::SNS::Topic"}


def properties(folder: Path, text: str) -> Any:
    """The properties of a resource, as YAML gives them."""
    body = textwrap.indent(textwrap.dedent(text), " " * 6)
    return read(folder, f"Resources:\n  A:\n    Type: X\n    Properties:\n{body}").template["Resources"]["A"][
        "Properties"
    ]


class TestReading:
    @pytest.mark.parametrize(
        ("name", "stack"),
        [
            ("shop.template.json", "shop"),
            ("shop.json", "shop"),
            ("template.yaml", "template"),
            ("shop.prod.yml", "shop.prod"),
            ("shop.template", "shop"),
            ("shop", "shop"),
        ],
    )
    def test_a_files_name_is_its_stack(self, tmp_path: Path, name: str, stack: str) -> None:
        assert read(tmp_path, json.dumps({"Resources": {"A": TOPIC}}), name).stack_name == stack

    @pytest.mark.parametrize("name", ["a.json", "a.yaml", "a"])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    def test_what_a_file_is_written_in_is_seen_by_its_content(self, tmp_path: Path, name: str, mark: bytes) -> None:
        template = {"Resources": {"Ä": TOPIC}}
        as_json = read(tmp_path, mark + json.dumps(template, ensure_ascii=False).encode(), name)
        as_yaml = read(tmp_path, mark + "Resources:\n  Ä:\n    Type: AWS::SNS::Topic\n".encode(), name)
        assert as_json.template == as_yaml.template == template

    def test_json_that_only_yaml_allows_is_read_when_the_file_says_yaml(self, tmp_path: Path) -> None:
        text = "{Resources: {A: {Type: 'AWS::SNS::Topic',}}}"
        assert read(tmp_path, text, "a.yaml").template == {"Resources": {"A": TOPIC}}
        assert refusal(write(tmp_path, text, "a.json")) == (
            "the file is not JSON: expecting property name enclosed in double quotes (column 2)\n"
            f"  at:  {tmp_path / 'a.json'}:1\n"
            "  fix: mend the file, or write it again with the tool that made it"
        )

    @pytest.mark.parametrize("name", ["shop.json", "shop.yaml"])
    def test_every_resource_knows_its_line(self, tmp_path: Path, name: str) -> None:
        text = """\
        {"Description": "Resources",
         "Resources":
         {"A": {"Type": "X", "Properties": {
            "Resources": {"no": 1} } },

          "B"
            : {"Type": "X"}, "C": {"Type": "X"}},
         "Outputs": {"Resources": {"Value": 1}}}
        """
        file = read(tmp_path, text, name)
        assert file.lines == {"A": 3, "B": 6, "C": 7}
        assert file.source("B") == f"{tmp_path / name}:6"
        assert file.source("Unheard") == str(tmp_path / name)

    def test_lines_of_block_yaml(self, tmp_path: Path) -> None:
        file = read(tmp_path, "# shop\nResources:\n\n  A:\n    Type: X\n  # more\n  B: {Type: X}\n")
        assert file.lines == {"A": 4, "B": 7}

    def test_what_is_null_is_as_if_it_were_not_there(self, tmp_path: Path) -> None:
        text = "Outputs:\nResources:\n  A:\n    Type: X\n    Properties:\n    DependsOn:\n    Metadata: ~\n"
        assert read(tmp_path, text).template == {"Resources": {"A": {"Type": "X"}}}

    def test_what_is_not_known_before_deployment_is_taken_out_and_named(self, tmp_path: Path) -> None:
        template = {
            "Transform": ["AWS::Serverless-2016-10-31", "Shout", {"Name": "Whisper"}],
            "Fn::Transform": {"Name": "More"},
            "Conditions": {"Fn::ForEach::C": ["X", {"Ref": "P"}, {}], "No": {"Fn::Equals": [1, 2]}},
            "Resources": {"Fn::ForEach::R": ["X", {"Ref": "P"}, {"T${X}": TOPIC}], "A": TOPIC},
            "Outputs": {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}},
        }
        file = read(tmp_path, json.dumps(template))
        assert file.template == {
            "Transform": template["Transform"],
            "Conditions": {"No": {"Fn::Equals": [1, 2]}},
            "Resources": {"A": TOPIC},
            "Outputs": {},
        }
        assert list(file.unread) == [
            "Outputs.Fn::Transform", "Conditions.Fn::ForEach::C", "Resources.Fn::ForEach::R",
            "Transform Shout", "Transform Whisper", "Fn::Transform",
        ]  # fmt: skip

    def test_ten_thousand_resources_are_read_at_once(self, tmp_path: Path) -> None:
        function = {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Environment": {"Variables": {"A": {"Ref": "T"}}}},
            "Metadata": {"aws:cdk:path": "Shop/Function/Resource"},
        }
        path = write(tmp_path, json.dumps({"Resources": {f"F{n}": function for n in range(10_000)}}, indent=1))
        begin = time.process_time()
        file = read_template(path)
        assert time.process_time() - begin < 1  # 0.15 s on a quiet machine
        assert len(file.lines) == len(file.template["Resources"]) == 10_000


class TestYaml:
    def test_short_functions_become_long_ones(self, tmp_path: Path) -> None:
        text = """\
        A: !Ref Topic
        B: !GetAtt Topic.Nested.Arn
        C: !GetAtt [Topic, Arn]
        D: !Sub "${A}-x"
        E: !Sub ["${B}", {B: !ImportValue 12}]
        F: !Join [",", [!Select [0, !GetAZs ""], !Split ["-", a-b]]]
        G: !If [Prod, !FindInMap [A, B, C], !Ref "AWS::NoValue"]
        H: !And [!Condition Prod, !Not [!Equals [1, 1]], !Or [a, b]]
        I: !Base64
          Fn::Sub: x
        J: !Cidr [!Ref Block, 2, 8]
        K: !Transform {Name: AWS::Include, Parameters: {Location: s3://b/k}}
        L: !Length [1]
        M: !ToJsonString {a: 1}
        """
        assert properties(tmp_path, text) == {
            "A": {"Ref": "Topic"},
            "B": {"Fn::GetAtt": ["Topic", "Nested.Arn"]},
            "C": {"Fn::GetAtt": ["Topic", "Arn"]},
            "D": {"Fn::Sub": "${A}-x"},
            "E": {"Fn::Sub": ["${B}", {"B": {"Fn::ImportValue": "12"}}]},
            "F": {
                "Fn::Join": [
                    ",",
                    [{"Fn::Select": [0, {"Fn::GetAZs": ""}]}, {"Fn::Split": ["-", "a-b"]}],
                ]
            },
            "G": {"Fn::If": ["Prod", {"Fn::FindInMap": ["A", "B", "C"]}, {"Ref": "AWS::NoValue"}]},
            "H": {
                "Fn::And": [
                    {"Condition": "Prod"},
                    {"Fn::Not": [{"Fn::Equals": [1, 1]}]},
                    {"Fn::Or": ["a", "b"]},
                ]
            },
            "I": {"Fn::Base64": {"Fn::Sub": "x"}},
            "J": {"Fn::Cidr": [{"Ref": "Block"}, 2, 8]},
            "K": {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}},
            "L": {"Fn::Length": [1]},
            "M": {"Fn::ToJsonString": {"a": 1}},
        }

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("2012-10-17", "2012-10-17"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
            ("yes", True),
            ("Off", False),
            ("TRUE", True),
            ("y", "y"),
            ("'yes'", "yes"),
            ("!!str yes", "yes"),
            ("", None),
            ("~", None),
            ("12", 12),
            ("-1_000", -1000),
            ("0x1F", 31),
            ("0b101", 5),
            ("012345670123", "012345670123"),
            ("12:30", "12:30"),
            ("1.5", 1.5),
            (".5", 0.5),
            ("1.5e+3", 1500.0),
            ("1.0e+999", "1.0e+999"),
            (".inf", ".inf"),
            (".NaN", ".NaN"),
            ("9" * 50, "9" * 50),
            ("10.0.0.0", "10.0.0.0"),
            ("-", "-"),
            ("=", "="),
            ("!!int 5", 5),
            ("!!float 5", 5),
            ("!!timestamp 2012-10-17", "2012-10-17"),
            ("!!map {a: 1}", {"a": 1}),
            ("|\n  two\n  lines", "two\nlines\n"),
        ],
    )
    def test_words_are_taken_as_cloudformation_takes_them(self, tmp_path: Path, text: str, value: object) -> None:
        got = properties(tmp_path, f"A: {text}\nB: 1" if text != "-" else "A: '-'\nB: 1")["A"]
        assert (got, type(got)) == (value, type(value))

    def test_keys_are_text_as_written(self, tmp_path: Path) -> None:
        assert properties(tmp_path, "111122223333: a\nyes: b\n~: c\n01: d\n2012-10-17: e\n") == {
            "111122223333": "a", "yes": "b", "~": "c", "01": "d", "2012-10-17": "e",
        }  # fmt: skip

    def test_aliases_are_copies(self, tmp_path: Path) -> None:
        got = properties(tmp_path, "A: &a {x: [1]}\nB: *a\nC: &t text\n*t : *t\n")
        assert got == {"A": {"x": [1]}, "B": {"x": [1]}, "C": "text", "text": "text"}
        got["A"]["x"].append(2)
        assert got["B"] == {"x": [1]}

    def test_merged_objects_give_way_to_the_objects_own_members(self, tmp_path: Path) -> None:
        text = """\
        A: &a {x: 1, y: 1}
        B: &b {y: 2, z: 2}
        C: {<<: *a, x: 9}
        D: {x: 9, <<: [*b, *a]}
        E: {"<<": kept}
        """
        got = properties(tmp_path, text)
        assert (got["C"], got["D"], got["E"]) == ({"x": 9, "y": 1}, {"x": 9, "y": 2, "z": 2}, {"<<": "kept"})


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json_needs_no_package_and_yaml_says_which(tmp_path: Path) -> None:
    as_json = write(tmp_path, '{"Resources": {}}', "a.json")
    as_yaml = write(tmp_path, "Resources: {}", "a.yaml")
    code = """
    import sys
    sys.modules["yaml"] = None
    from constructs_lib.assembly.json_document import AssemblyError
    from constructs_lib.assembly.template_file import read_template
    assert "aws_cdk" not in sys.modules
    print(read_template(sys.argv[1]).template)
    try:
        read_template(sys.argv[2])
    except AssemblyError as error:
        print(error)
    """
    assert run(code, str(as_json), str(as_yaml)) == (
        "{'Resources': {}}\n"
        "the file is written in YAML, and PyYAML is not installed\n"
        f"  at:  {as_yaml}\n"
        '  fix: pip install "constructs-lib[check]"\n'
    )


def test_yaml_is_read_the_same_without_libyaml(tmp_path: Path) -> None:
    path = write(tmp_path, "Resources:\n  A: {Type: !Sub x}\n  B: &b [1, *b]\n", "a.yaml")
    code = """
    import sys
    import yaml
    yaml.__with_libyaml__ = False
    from constructs_lib.assembly.json_document import AssemblyError
    from constructs_lib.assembly.template_file import read_template
    try:
        read_template(sys.argv[1])
    except AssemblyError as error:
        print(error)
    """
    assert run(code, str(path)).split("\n")[:2] == [
        "the alias *b stands for something that holds it",
        f"  at:  {path}:3",
    ]
