from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.assembly.template_files import read, refusal, write

if TYPE_CHECKING:
    from pathlib import Path


def including(name: str, more: str = "") -> str:
    include = f"Fn::Transform: {{Name: AWS::Include, Parameters: {{Location: '{name}'}}}}"
    return f"Resources:\n  A: {{Type: T, Properties: {{Body: {{{more}{include}}}}}}}\n"


def body(folder: Path, text: str) -> Any:
    return read(folder, text).template["Resources"]["A"]["Properties"]["Body"]


class TestIncludes:
    @pytest.mark.parametrize("content", ["openapi: 3.0.1\npaths: {}\n", '{"openapi": "3.0.1", "paths": {}}'])
    def test_a_file_beside_the_template_stands_in_its_place(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "apis").mkdir()
        write(tmp_path / "apis", content, "web.yaml")
        assert body(tmp_path, including("apis/web.yaml")) == {"openapi": "3.0.1", "paths": {}}

    def test_members_that_stand_beside_it_stay(self, tmp_path: Path) -> None:
        write(tmp_path, "a: theirs\nb: theirs\n", "web.yaml")
        assert body(tmp_path, including("./web.yaml", "a: mine, ")) == {"a": "mine", "b": "theirs"}

    def test_whole_resources_and_the_top_of_a_template(self, tmp_path: Path) -> None:
        write(tmp_path, "B: {Type: T}\n", "more.yaml")
        write(tmp_path, "Outputs: {O: {Value: 1}}\n", "top.yaml")
        text = """\
        Fn::Transform: {Name: AWS::Include, Parameters: {Location: top.yaml}}
        Resources:
          Fn::Transform: {Name: AWS::Include, Parameters: {Location: more.yaml}}
        """
        assert read(tmp_path, text).template == {"Resources": {"B": {"Type": "T"}}, "Outputs": {"O": {"Value": 1}}}

    def test_what_a_file_includes_in_turn_stays_as_it_is(self, tmp_path: Path) -> None:
        inner = {"Name": "AWS::Include", "Parameters": {"Location": "web.yaml"}}
        write(tmp_path, "x: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: web.yaml}}}\n", "web.yaml")
        assert body(tmp_path, including("web.yaml")) == {"x": {"Fn::Transform": inner}}

    @pytest.mark.parametrize("name", ["s3://bucket/web.yaml", "https://bucket.s3.amazonaws.com/web.yaml"])
    def test_what_is_in_s3_stays(self, tmp_path: Path, name: str) -> None:
        file = read(tmp_path, including(name))
        assert list(file.template["Resources"]["A"]["Properties"]["Body"]) == ["Fn::Transform"]
        assert file.unread == {}

    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            ("gone.yaml", None, "there is no such file"),
            ("../web.yaml", "a: 1", "the file is outside of the template's folder"),
            ("web.yaml", "[1]", "the file holds no object"),
            ("web.yaml", "a: [", "the file is not YAML: did not find expected node content"),
            ("web.yaml", "a: " + "b" * 2_000_000, "the file has more than 1 MiB"),
            (".", None, "this is a folder, and no template"),
            ("a\\0b", None, "there is no such file"),
        ],
    )
    def test_a_file_that_cannot_be_included_is_named(
        self, tmp_path: Path, name: str, content: str | None, why: str
    ) -> None:
        folder = tmp_path / "shop"
        folder.mkdir()
        if content is not None:
            write(folder, content, name)
        file = read(folder, including(name))
        assert file.unread == {f"AWS::Include {name}": why}
        assert list(file.template["Resources"]["A"]["Properties"]["Body"]) == ["Fn::Transform"]


class TestRefusals:
    def test_very_many_files(self, tmp_path: Path) -> None:
        include = "{Fn::Transform: {Name: AWS::Include, Parameters: {Location: web.yaml}}}"
        path = write(tmp_path, f"Resources: {{}}\nX: [{', '.join([include] * 101)}]\n", "a.yaml")
        assert refusal(path).startswith(f"more than 100 files are included\n  at:  {path}\n")

    def test_nesting_of_a_template_and_its_files_together(self, tmp_path: Path) -> None:
        write(tmp_path, "a: " + "[" * 60 + "]" * 60, "web.yaml")
        include = "{Fn::Transform: {Name: AWS::Include, Parameters: {Location: web.yaml}}}"
        path = write(tmp_path, f"Resources: {{}}\nX: {'[' * 60}{include}{']' * 60}\n", "a.yaml")
        assert refusal(path).startswith(f"objects and lists are nested more than 100 deep\n  at:  {path}\n")

    @pytest.mark.parametrize(
        "transform",
        [
            "5",
            "[1]",
            "{Name: [AWS::Include]}",
            "{Name: AWS::Include, Parameters: 5}",
            "{Name: AWS::Include, Parameters: {Location: {Ref: P}}}",
        ],
    )
    def test_strange_transforms_stay(self, tmp_path: Path, transform: str) -> None:
        text = f"Resources: {{A: {{Type: T, Properties: {{Body: {{Fn::Transform: {transform}}}}}}}}}"
        assert list(body(tmp_path, text)) == ["Fn::Transform"]
