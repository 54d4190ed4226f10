from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.assembly.template_files import read, refusal, write

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "Transform: AWS::LanguageExtensions\n"


def resources(folder: Path, text: str) -> dict[str, Any]:
    found: dict[str, Any] = read(folder, HEAD + textwrap.dedent(text)).template["Resources"]
    return found


class TestLoops:
    def test_a_loop_over_what_is_written(self, tmp_path: Path) -> None:
        text = """\
        Resources:
          Fn::ForEach::Topics:
            - Name
            - [Paid, Failed]
            - Topic${Name}:
                Type: AWS::SNS::Topic
                Properties:
                  TopicName: !Join [".", [!Ref Name, fifo]]
                  DisplayName: !Sub "${Name} of ${AWS::StackName}"
        """
        assert resources(tmp_path, text) == {
            f"Topic{name}": {
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "TopicName": {"Fn::Join": [".", [name, "fifo"]]},
                    "DisplayName": {"Fn::Sub": f"{name} of ${{AWS::StackName}}"},
                },
            }
            for name in ("Paid", "Failed")
        }

    def test_a_loop_over_a_parameter_with_what_no_id_may_hold(self, tmp_path: Path) -> None:
        text = """\
        Parameters:
          Hosts: {Type: CommaDelimitedList, Default: "10.0.0.1, 10.0.0.2"}
        Resources:
          Fn::ForEach::Records: [Host, !Ref Hosts, {"R&{Host}": {Type: X, Properties: {A: "${Host}"}}}]
        """
        assert resources(tmp_path, text) == {
            "R10001": {"Type": "X", "Properties": {"A": "10.0.0.1"}},
            "R10002": {"Type": "X", "Properties": {"A": "10.0.0.2"}},
        }

    def test_loops_within_loops_and_within_properties(self, tmp_path: Path) -> None:
        text = """\
        Resources:
          Fn::ForEach::A:
            - X
            - [a, b]
            - Fn::ForEach::B:
                - Y
                - [1, !Ref X]
                - R${X}${Y}:
                    Type: T
                    Properties: {Fn::ForEach::C: [Z, [p, q], {"${Z}": !Ref Y}]}
        """
        found = resources(tmp_path, text)
        assert list(found) == ["Ra1", "Raa", "Rb1", "Rbb"]
        assert found["Rbb"]["Properties"] == {"p": "b", "q": "b"}

    def test_conditions_and_outputs(self, tmp_path: Path) -> None:
        text = """\
        Conditions:
          Fn::ForEach::C: [X, [a, b], {"Is${X}": !Equals [!Ref X, a]}]
        Resources: {}
        Outputs:
          Fn::ForEach::O: [X, [a, b], {"Out${X}": {Value: !GetAtt ["T${X}", Arn]}}]
        """
        template = read(tmp_path, HEAD + textwrap.dedent(text)).template
        assert template["Conditions"]["Isb"] == {"Fn::Equals": ["b", "a"]}
        assert template["Outputs"]["Outb"] == {"Value": {"Fn::GetAtt": ["Tb", "Arn"]}}

    def test_what_comes_of_a_loop_has_its_line(self, tmp_path: Path) -> None:
        text = "Resources:\n  A: {Type: T}\n  Fn::ForEach::B:\n  - X\n  - [a, b]\n  - {'T${X}': {Type: T}}\n"
        lines = read(tmp_path, HEAD + text).lines
        assert (lines["A"], lines["Ta"], lines["Tb"]) == (3, 4, 4)

    @pytest.mark.parametrize("over", ["!Ref Unknown", "!FindInMap [A, B, C]", "[!Ref Unknown]", "text"])
    def test_a_loop_over_what_is_not_known_is_named(self, tmp_path: Path, over: str) -> None:
        text = f"{HEAD}Resources:\n  A: {{Type: T}}\n  Fn::ForEach::B: [X, {over}, {{'T${{X}}': {{Type: T}}}}]\n"
        file = read(tmp_path, text)
        assert file.template["Resources"] == {"A": {"Type": "T"}}
        assert list(file.unread) == ["Resources.Fn::ForEach::B"]

    def test_without_the_transform_nothing_is_written_out(self, tmp_path: Path) -> None:
        file = read(tmp_path, "Resources:\n  Fn::ForEach::B: [X, [a], {'T${X}': {Type: T}}]\n")
        assert (file.template["Resources"], list(file.unread)) == ({}, ["Resources.Fn::ForEach::B"])


class TestRefusals:
    def test_a_key_that_comes_twice(self, tmp_path: Path) -> None:
        path = write(tmp_path, f"{HEAD}Resources:\n  Fn::ForEach::B: [X, [a, b], {{T: {{Type: T}}}}]\n", "a.yaml")
        assert refusal(path) == (
            f"loops give the key 'T' twice\n  at:  {path}\n  fix: mend the template: CloudFormation would refuse it too"
        )

    def test_loops_that_multiply(self, tmp_path: Path) -> None:
        body = "{'T${A}${B}${C}${D}${E}': {Type: T}}"
        for name in "EDCBA":
            body = f"{{Fn::ForEach::{name}: [{name}, [{', '.join('abcdefghijklmnopqrst')}], {body}]}}"
        path = write(tmp_path, f"{HEAD}Resources: {body}", "a.yaml")
        begin = time.process_time()
        assert refusal(path).startswith("loops write out more than 200,000 values\n")
        assert time.process_time() - begin < 10
