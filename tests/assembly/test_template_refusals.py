from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.assembly.template_files import read, refusal, write


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "what", "line"),
        [
            (b"", "the file is empty", None),
            (b" \n\t\n", "the file is empty", None),
            (b"{", "the file is not JSON: expecting property name enclosed in double quotes (column 2)", 1),
            (b'{"a": 1,\n "b" 2}', "the file is not JSON: expecting ':' delimiter (column 6)", 2),
            (b'{"a": 1\n "b": 2}', "the file is not JSON: expecting ',' delimiter (column 2)", 2),
            (b'{"a": }', "the file is not JSON: expecting value (column 7)", 1),
            (b'{"Resources": {}} {}', "the file is not JSON: extra data (column 19)", 1),
            (b"a: [", "the file is not YAML: did not find expected node content", 2),
            (b"a: b: c", "the file is not YAML: mapping values are not allowed in this context", 1),
            (b"just text", "the file holds text, not a template", None),
            (b"5", "the file holds a number, not a template", None),
            (b"# nothing", "the file holds nothing, not a template", None),
            (b"[]", "the file holds a list, not a template", None),
            (b"{}", "the file has no Resources, so it is not a template", None),
            (b"Resources:", "Resources is nothing, not an object", None),
            (b"Resources: []", "Resources is a list, not an object", None),
            (b"Resources: {A: text}", "resource A is text, not an object", 1),
            (b"Resources:\n  A: [1]", "resource A is a list, not an object", 2),
            (b"Resources:\n  A: {}", "resource A has no Type", 2),
            (b"Resources:\n  A: {Type: [a]}", "the Type of resource A is a list, not text", 2),
            (b"Resources:\n  A: {Type: ~}", "the Type of resource A is nothing, not text", 2),
            (b'{"Resources":\n{"A": {"Type": "X", "Properties": 5}}}',
             "the Properties of resource A is a number, not an object", 2),
            (b"Resources:\n  A: {Type: X, Metadata: yes}",
             "the Metadata of resource A is true or false, not an object", 2),
            (b"Resources:\n  A: {Type: X, Condition: {}}", "the Condition of resource A is an object, not text", 2),
            (b"Resources:\n  A: {Type: X, DependsOn: [1]}",
             "the DependsOn of resource A is a list, not names of resources", 2),
            (b'Resources:\n  "A\\nB": {Type: X}', "the logical id 'A\\nB' is not made of letters and digits", 2),
            (b'Resources: {}\nOutputs: {"\\e[2J": {}}',
             "the name '\\x1b[2J' of Outputs is not made of letters and digits", None),
            (b"Resources: {}\nOutputs: text", "Outputs is text, not an object", None),
            (b"Resources: {}\nParameters: {P: 1}", "P of Parameters is a number, not an object", None),
            (b"Resources: {}\nMappings: {M: }", "M of Mappings is nothing, not an object", None),
            (b"Resources: {}\nGlobals: []", "Globals is a list, not an object", None),
            (b"a: 1\nb: 2\na: 3", "the key 'a' stands twice in one object", 3),
            (b'{"a": 1,\n"a": 2}', "the key 'a' stands twice in one object", 2),
            (b'{"Resources": {"A": {},\n"A": {}}}', "the key 'A' stands twice in one object", 2),
            (b'{"Resources": {\n"A": {"x": {"b": 1, "b": 2}}}}', "the key 'b' stands twice in one object", 2),
            (b"a: 1\n---\nb: 2", "the file holds more than one YAML document", 2),
            (b"a: !!python/object/apply:os.system [ls]",
             "the YAML tag !!python/object/apply:os.system is not a function of CloudFormation", 1),
            (b"a: !Rain::Embed x", "the YAML tag !Rain::Embed is not a function of CloudFormation", 1),
            (b"a: !<Ref> x", "the YAML tag Ref is not a function of CloudFormation", 1),
            (b"a: !!set {a: }", "the YAML tag !!set is not a function of CloudFormation", 1),
            (b"a: !!int x", "'x' is not of the YAML type int", 1),
            (b"a: !!pairs x", "'x' is not of the YAML type pairs", 1),
            (b"? {a: 1}\n: 2", "a key is something else than text", 1),
            (b"!Ref a: 2", "a key is something else than text", 1),
            (b"a: &a [1]\n*a : 2", "a key is something else than text", 2),
            (b"a: &a\n  b: *a", "the alias *a stands for something that holds it", 2),
            (b"a: *b", "the alias *b stands for nothing", 1),
            (b"a:\n  <<: 5", "`<<` can merge objects only", 3),
            (b'{"Resources": {}, "a": NaN}', "NaN is not a number that JSON knows", 1),
            (b'{"Resources": {},\n "a": -Infinity}', "-Infinity is not a number that JSON knows", 2),
            (b'{"a": 1e999}', "a number is too large", 1),
            (b'{"a": ' + b"9" * 5000 + b"}", "a number has more than 40 digits", 1),
            (b'{"a": "\\ud800"}', "a string holds half a character (a lone surrogate)", None),
            (b'{"a": "\n"}', "the file is not JSON: invalid control character at (column 8)", 1),
            (b"a: \0", "the file is not YAML: unacceptable character #x0000: control characters are not allowed", None),
            (b"a: \xff", "the file is not UTF-8: byte 4 is no part of a character", 1),
            ("{}".encode("utf-16"), "the file is not UTF-8: byte 1 is no part of a character", 1),
        ],
    )  # fmt: skip
    def test_what_is_no_template(self, tmp_path: Path, content: bytes, what: str, line: int | None) -> None:
        path = write(tmp_path, content, "shop.template")
        first, where, fix = refusal(path).split("\n")
        assert first == what
        assert where == f"  at:  {path}:{line}" if line else f"  at:  {path}"
        assert fix.startswith("  fix: ")

    def test_everything_that_is_wrong_is_said_at_once(self, tmp_path: Path) -> None:
        path = write(tmp_path, "Outputs: []\nResources:\n  A: 1\n  B: {}\n", "shop.yaml")
        fix = "  fix: mend the template: CloudFormation would refuse it too"
        assert refusal(path).split("\n") == [
            "Outputs is a list, not an object", f"  at:  {path}", fix,
            "resource A is a number, not an object", f"  at:  {path}:3", fix,
            "resource B has no Type", f"  at:  {path}:4", fix,
        ]  # fmt: skip

    def test_of_very_many_problems_the_first_are_shown(self, tmp_path: Path) -> None:
        path = write(tmp_path, json.dumps({"Resources": dict.fromkeys([f"R{n}" for n in range(100)], 1)}))
        assert "80 more of these\n" in refusal(path)

    @pytest.mark.parametrize("kind", ["folder", "missing", "loop", "pipe", "device", "nul", "long", "secret"])
    def test_what_is_no_file(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "shop.yaml"
        expected = {
            "folder": "this is a folder, and no template",
            "missing": "there is no such file",
            "loop": "the file cannot be read: Too many levels of symbolic links",
            "pipe": "this is not a file, and no template",
            "device": "this is not a file, and no template",
            "nul": "this cannot be the name of a file",
            "long": "the file cannot be read: File name too long",
            "secret": "the file cannot be read: Permission denied",
        }[kind]
        if kind == "folder":
            path.mkdir()
        elif kind == "loop":
            path.symlink_to(path)
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path = Path(os.devnull)
        elif kind == "nul":
            path = tmp_path / "a\0"
        elif kind == "long":
            path = tmp_path / ("a" * 5000)
        elif kind == "secret":
            path.write_text("Resources: {}")
            path.chmod(0)
            if os.access(path, os.R_OK):
                pytest.skip("this user may read everything")
        shown = str(path).replace("\0", "\\x00")
        assert refusal(path).startswith(f"{expected}\n  at:  {shown}\n  fix: name a file with a CloudFormation")


class TestHostile:
    """What would take a careless reader's memory, time or stack."""

    @pytest.mark.parametrize("name", ["a.json", "a.yaml"])
    @pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}")])
    @pytest.mark.parametrize("depth", [101, 1_000, 100_000])
    def test_nesting(self, tmp_path: Path, name: str, open_: str, close: str, depth: int) -> None:
        inner = open_ * depth + "1" + close * depth
        path = write(
            tmp_path, '{"Resources": {"A": {"Type": "X"},\n"B": {"Type": "X", "Properties": ' + inner + "}}}", name
        )
        assert refusal(path).startswith(f"objects and lists are nested more than 100 deep\n  at:  {path}:2\n")

    def test_a_hundred_levels_are_still_read(self, tmp_path: Path) -> None:
        levels = 100 - 4  # the template, its resources, the resource, its properties
        text = '{"Resources": {"A": {"Type": "X", "Properties": {"a": ' + "[" * levels + "]" * levels + "}}}}"
        assert read(tmp_path, text, "a.json").template == read(tmp_path, text, "a.yaml").template

    def test_functions_count_as_levels(self, tmp_path: Path) -> None:
        assert refusal(write(tmp_path, "a: " + "!Sub [" * 60 + "]" * 60)).startswith("objects and lists are nested")

    def test_aliases_of_aliases(self, tmp_path: Path) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
        assert refusal(write(tmp_path, "\n".join(lines))).startswith("aliases repeat more than 100,000 values\n")

    def test_aliases_that_nest(self, tmp_path: Path) -> None:
        lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [[*a{n - 1}]]" for n in range(1, 80))]
        assert refusal(write(tmp_path, "\n".join(lines))).startswith(
            "objects and lists are nested more than 100 deep\n"
        )

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"a" * 100 * 1024**2, "the file has more than 64 MiB"),
            (b"a: " + b"b" * 20 * 1024**2, "the file has 20,971,523 characters, and 16,777,216 are read of YAML"),
            (b"- \n" * 1_100_000, "the file holds more than 1,000,000 values"),
            (b'{"a": [' + b"1," * 5_100_000 + b"1]}", "the file holds more than 5,000,000 values"),
            (b"%TAG !a! b\n" * 1000, "the file holds more than 100 YAML directives"),
            (b"[" * 10_000_000, "objects and lists are nested more than 100 deep"),
            (b"? " * 1_000_000, "a key is something else than text"),
        ],
        ids=["junk", "long", "lines", "commas", "directives", "brackets", "questions"],
    )
    def test_much_of_anything(self, tmp_path: Path, content: bytes, what: str) -> None:
        begin = time.process_time()
        assert refusal(write(tmp_path, content, "shop.template")).startswith(f"{what}\n")
        assert time.process_time() - begin < 20
