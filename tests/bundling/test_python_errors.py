"""Whatever keeps a Python handler from being bundled reaches the user in three lines, with the place and the fix."""

from __future__ import annotations

import pytest

from constructs_lib.bundling.python_imports import standard_library
from constructs_lib.bundling.python_names import defined_names
from constructs_lib.bundling.python_requirements import read_requirements
from constructs_lib.problem import BundlingError
from tests.bundling.conftest import Sandbox
from tests.bundling.wheels_by_hand import make_wheel

ENTRY = "functions/orders/entry.py"
HANDLER = "def handler(event, context): ...\n"
OFFLINE = "--no-index\n--find-links ./wheels\n"


def _error(sandbox: Sandbox, *entries: str) -> str:
    with pytest.raises(BundlingError) as caught:
        sandbox.python(*(entries or (ENTRY,)))
    return str(caught.value)


def _three(what: str, where: str, fix: str) -> str:
    return f"{what}\n  at:  {where}\n  fix: {fix}"


class TestImports:
    def test_of_nothing_known(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"import json\nimport requests.adapters\n{HANDLER}")
        assert _error(python_project) == _three(
            '"requests.adapters" is not installed',
            f"{ENTRY}:2:1",
            "add the distribution that brings it to functions/requirements.txt, as name==1.2.3",
        )

    def test_of_nothing_known_where_requirements_are_compiled(self, python_project: Sandbox) -> None:
        python_project.write("functions/requirements.in", "")
        self._says_how_to_compile(python_project, "functions")

    def test_of_nothing_known_where_nothing_is_required_yet(self, python_project: Sandbox) -> None:
        (python_project.folder / "functions/requirements.txt").unlink()
        self._says_how_to_compile(python_project, "functions/orders")

    def _says_how_to_compile(self, python_project: Sandbox, folder: str) -> None:
        python_project.write(ENTRY, f"import requests\n{HANDLER}")
        source, target = f"{folder}/requirements.in", f"{folder}/requirements.txt"
        assert _error(python_project) == _three(
            '"requests" is not installed',
            f"{ENTRY}:1:1",
            f"list the distribution that brings it in {source}, then: uv pip compile {source} -o {target}",
        )

    def test_of_something_mistyped(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"import bote3\n{HANDLER}")
        assert _error(python_project) == _three(
            '"bote3" is not installed',
            f"{ENTRY}:1:1",
            "add the distribution that brings it to functions/requirements.txt, as name==1.2.3"
            ' (or did you mean "boto3"?)',
        )

    def test_of_a_neighbour_as_if_it_were_at_the_root(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"import tax\n{HANDLER}")
        assert _error(python_project) == _three(
            '"tax" is not installed',
            f"{ENTRY}:1:1",
            'did you mean "from orders import tax"? (imports start at functions)',
        )

    def test_of_a_local_module_that_is_not_there(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"from shared.mony import total\n{HANDLER}")
        assert _error(python_project) == _three(
            'no module "shared.mony" (searched: functions/shared/mony.py, functions/shared/mony/)',
            f"{ENTRY}:1:1",
            "correct the import",
        )

    def test_above_the_root(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"from ... import everything\n{HANDLER}")
        assert _error(python_project) == _three(
            "a relative import reaches above the root of the bundle",
            f"{ENTRY}:1:1",
            "import it by its absolute name, or move the root (its requirements.txt) up",
        )

    def test_of_what_the_target_no_longer_has(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"import telnetlib\n{HANDLER}")
        with pytest.raises(BundlingError, match='"telnetlib" is not installed'):
            python_project.python(ENTRY, python=(3, 14))
        assert len(python_project.python(ENTRY, python=(3, 12))) == 1

    @pytest.mark.parametrize(
        "source",
        [
            "try:\n    import orjson\nexcept ImportError:\n    orjson = None",
            "try:\n    import orjson\nexcept (ModuleNotFoundError, ValueError):\n    orjson = None",
            "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mypy_boto3_s3",
            "import typing\nif typing.TYPE_CHECKING:\n    import mypy_boto3_s3",
            "import boto3, botocore.config, dateutil.parser, urllib3",
            "import annotationlib",
        ],
    )
    def test_is_no_error_where_the_code_can_go_on(self, python_project: Sandbox, source: str) -> None:
        python_project.write(ENTRY, f"{source}\n{HANDLER}")
        assert len(python_project.python(ENTRY)) == 1

    def test_all_of_all_entries_at_once(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"import one\nimport two\n{HANDLER}")
        python_project.write("functions/orders/other.py", f"import three\n{HANDLER}")
        with pytest.raises(BundlingError) as caught:
            python_project.python(ENTRY, "functions/orders/other.py")
        assert [problem.what for problem in caught.value.problems] == [
            f'"{name}" is not installed' for name in ("one", "two", "three")
        ]


class TestSource:
    def test_syntax_error_in_a_file_it_imports(self, python_project: Sandbox) -> None:
        python_project.write("functions/shared/broken.py", "x = 1\ndef f(:\n")
        python_project.write(ENTRY, f"from shared import broken\n{HANDLER}")
        with pytest.raises(BundlingError) as caught:
            python_project.python(ENTRY, python=(3, 11))
        assert str(caught.value) == _three("invalid syntax", "functions/shared/broken.py:2:7", "mend the syntax")

    def test_null_byte(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, "x = 1\0")
        assert f"at:  {ENTRY}:1:" in _error(python_project)

    def test_a_warning_about_the_source_is_not_ours_to_raise(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f'x = "\\d"\n{HANDLER}')
        assert len(python_project.python(ENTRY)) == 1

    def test_no_handler(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, "def handle(event, context): ...\n_private = 1\n")
        assert _error(python_project) == _three(
            'no function "handler" (it defines: handle)',
            f"{ENTRY}:1:1",
            'def handler(event, context): ..., or handler="handle"',
        )

    @pytest.mark.parametrize(
        ("source", "names", "more"),
        [
            ("def a(): ...\nasync def b(): ...\nclass C:\n    def inner(self): ...", {"a", "b", "C"}, False),
            ("a = b = 1\nc: int = 2\n(d, [e]) = f()", {"a", "b", "c", "d", "e"}, False),
            ("import x.y\nfrom z import q as r", {"x", "r"}, False),
            ("if 1:\n    def a(): ...\nelse:\n    b = 1", {"a", "b"}, False),
            ("try:\n    a = 1\nexcept E:\n    b = 1\nfinally:\n    c = 1", {"a", "b", "c"}, False),
            ("from z import *", {"*"}, True),
            ("def __getattr__(name): ...", {"__getattr__"}, True),
        ],
    )
    def test_names_a_module_defines(self, source: str, names: set[str], *, more: bool) -> None:
        assert defined_names(source.encode()) == (frozenset(names), more)

    def test_standard_library_is_that_of_the_target(self) -> None:
        assert "distutils" in standard_library((3, 11))
        assert "distutils" not in standard_library((3, 12))
        assert "compression" in standard_library((3, 14))
        assert "compression" not in standard_library((3, 13))


class TestRequirements:
    @pytest.mark.parametrize(
        "line",
        [
            "requests",
            "requests>=2",
            "requests~=2.0",
            "requests==2.*",
            "-e ./mine",
            "./mine",
            "a @ https://example.org/a.whl",
        ],
    )
    def test_without_an_exact_version(self, python_project: Sandbox, line: str) -> None:
        python_project.write("functions/requirements.txt", f"# what we need\nboto3==1.0\n{line}  # why\n")
        python_project.write(ENTRY, HANDLER)
        assert _error(python_project) == _three(
            f'requirement "{line}" names no exact version: the bundle would depend on the day it is made',
            "functions/requirements.txt:3",
            "list what you want in functions/requirements.in, then:"
            " uv pip compile functions/requirements.in -o functions/requirements.txt",
        )

    def test_are_read_with_extras_markers_hashes_and_includes(self, python_project: Sandbox) -> None:
        python_project.write("functions/more.txt", "Other_Lib==3\n")
        path = python_project.write(
            "functions/requirements.txt",
            "-r more.txt\n--index-url https://example.org/simple\n"
            'Some.Lib[fast,x]==1.0.post1 ; python_version >= "3.9" \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n'
            "last===2.0+local # why\n",
        )
        read = read_requirements(path, python_project.project)
        assert [(pin.name, pin.version, pin.where.rpartition("/")[2]) for pin in read.pins] == [
            ("other-lib", "3", "more.txt:1"),
            ("some-lib", "1.0.post1", "requirements.txt:3"),
            ("last", "2.0+local", "requirements.txt:6"),
        ]
        assert read.options == ("--index-url https://example.org/simple",)
        assert "--hash=sha256:bb" in read.pins[1].text

    def test_that_do_not_pin_what_they_need(self, python_project: Sandbox) -> None:
        folder = python_project.folder / "functions" / "wheels"
        make_wheel(folder, "top", "1.0", {"top.py": ""}, requires=["below"])
        make_wheel(folder, "below", "1.0", {"below.py": ""})
        python_project.write("functions/requirements.txt", OFFLINE + "top==1.0\n")
        python_project.write(ENTRY, HANDLER)
        assert _error(python_project) == _three(
            "functions/requirements.txt does not pin all it installs; missing: below",
            "functions/requirements.txt",
            "uv pip compile functions/requirements.in -o functions/requirements.txt",
        )
        assert list((python_project.cache / "records").glob("*")) == []

    def test_without_a_wheel_for_the_machine(self, python_project: Sandbox) -> None:
        make_wheel(
            python_project.folder / "functions" / "wheels",
            "only-mac",
            "1.0",
            {"only_mac.py": ""},
            tag="cp314-cp314-macosx_11_0_arm64",
        )
        python_project.write("functions/requirements.txt", OFFLINE + "only-mac==1.0\n")
        python_project.write(ENTRY, HANDLER)
        assert _error(python_project) == _three(
            "only-mac 1.0 has no wheel for Lambda's linux arm64",
            "functions/requirements.txt:3",
            "pin a version of only-mac that has one, or put it in a Lambda layer built elsewhere",
        )

    def test_of_a_version_there_is_not(self, python_project: Sandbox) -> None:
        make_wheel(python_project.folder / "functions" / "wheels", "here", "1.0", {"here.py": ""})
        python_project.write("functions/requirements.txt", OFFLINE + "here==2.0\n")
        python_project.write(ENTRY, HANDLER)
        assert _error(python_project) == _three(
            "there is no version of here==2.0", "functions/requirements.txt:3", "correct the name or the version"
        )

    def test_that_contradict_each_other(self, python_project: Sandbox) -> None:
        folder = python_project.folder / "functions" / "wheels"
        make_wheel(folder, "top", "1.0", {"top.py": ""}, requires=["below>=2"])
        make_wheel(folder, "below", "1.0", {"below.py": ""})
        python_project.write("functions/requirements.txt", OFFLINE + "top==1.0\nbelow==1.0\n")
        python_project.write(ENTRY, HANDLER)
        message = _error(python_project)
        assert message.startswith("uv cannot install the requirements: Because ")
        assert "below>=2 and you require top==1.0" in message
        assert message.endswith(
            "\n  at:  functions/requirements.txt:3\n  fix: uv pip compile, so that the versions agree"
        )

    def test_in_a_pyproject_without_a_lock(self, python_project: Sandbox) -> None:
        (python_project.folder / "functions" / "requirements.txt").unlink()
        python_project.write("functions/pyproject.toml", '[project]\nname = "x"\ndependencies = ["requests"]\n')
        python_project.write(ENTRY, HANDLER)
        assert _error(python_project) == _three(
            "functions/pyproject.toml names dependencies without exact versions:"
            " the bundle would depend on the day it is made",
            "functions/pyproject.toml",
            "uv pip compile functions/pyproject.toml -o functions/requirements.txt",
        )

    def test_none_in_a_pyproject_are_fine(self, python_project: Sandbox) -> None:
        (python_project.folder / "functions" / "requirements.txt").unlink()
        python_project.write("functions/pyproject.toml", '[project]\nname = "x"\n')
        python_project.write(ENTRY, HANDLER)
        assert len(python_project.python(ENTRY)) == 1

    def test_a_local_file_that_a_distribution_brings_too(self, python_project: Sandbox) -> None:
        make_wheel(python_project.folder / "functions" / "wheels", "clash", "1.0", {"shared/money.py": ""})
        python_project.write("functions/requirements.txt", OFFLINE + "clash==1.0\n")
        python_project.write(ENTRY, f"import shared.money\n{HANDLER}")
        assert _error(python_project) == _three(
            "shared/money.py is also a file of a distribution", "functions/shared/money.py", "rename the file"
        )


def test_include_matches_nothing(python_project: Sandbox) -> None:
    python_project.write(ENTRY, HANDLER)
    with pytest.raises(BundlingError) as caught:
        python_project.python(ENTRY, include=("templates/*",))
    assert str(caught.value) == _three(
        'include "templates/*" matches no file (searched: functions)', ENTRY, "correct the pattern, or leave it out"
    )
