"""Which way the arrows point: examples, constructs, wiring and bundling; readers of assemblies know no construct."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import constructs_lib
from tests.conftest import LONG

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "constructs_lib"
CONSTRUCTS = {file.stem for file in PACKAGE.glob("*.py")} - {"__init__", "cli", "defaults", "problem"}
READERS = ["assembly", "cost", "guards", "local", "openapi", "runbook"]
# The doors of the guards that CDK opens, each imported by those who use CDK.
DOORS = {"allow_recursion.py", "plugin.py", "testing.py"}


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_in(folder: str) -> list[Path]:
    files = sorted((PACKAGE / folder).rglob("*.py"))
    assert files
    return files


@pytest.mark.parametrize("folder", READERS)
def test_what_reads_an_assembly_knows_no_construct(folder: str) -> None:
    forbidden = {"aws_cdk", "constructs", "jsii", "constructs_lib.wiring", "constructs_lib.bundling"}
    forbidden |= {f"constructs_lib.{name}" for name in {*CONSTRUCTS, "defaults"}}
    for file in files_in(folder):
        if folder == "guards" and file.name in DOORS:
            continue
        for name in imports_of(file):
            assert not any(name == each or name.startswith(f"{each}.") for each in forbidden), f"{file} imports {name}"


@pytest.mark.parametrize("folder", ["wiring", "bundling"])
def test_what_constructs_are_made_of_knows_no_construct(folder: str) -> None:
    forbidden = {f"constructs_lib.{name}" for name in CONSTRUCTS} | {"constructs_lib.local", "constructs_lib.cli"}
    for file in files_in(folder):
        assert not forbidden & set(imports_of(file)), file


def test_constructs_read_no_environment_and_no_clock() -> None:
    for file in [*PACKAGE.glob("*.py"), *files_in("wiring")]:
        if file.stem == "cli":
            continue
        assert not {"os", "time", "datetime", "random", "uuid"} & set(imports_of(file)), file


def test_examples_use_the_front_door_only() -> None:
    for file in (ROOT / "examples").glob("*.py"):
        ours = {name for name in imports_of(file) if name.startswith("constructs_lib")}
        assert {name.split(".")[0] for name in ours} <= {"constructs_lib"}
        assert all(name.count(".") <= 1 for name in ours), file


@pytest.mark.parametrize("name", constructs_lib.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    public = getattr(constructs_lib, name)
    home = importlib.import_module(f"constructs_lib.{constructs_lib._HOMES[name]}")
    assert getattr(home, name) is public
    assert home.__doc__
    if isinstance(public, type) or inspect.isfunction(public):
        assert inspect.getdoc(public)


def test_the_front_door_lists_every_construct() -> None:
    assert set(dir(constructs_lib)) == set(constructs_lib.__all__)
    for name in CONSTRUCTS:
        assert "".join(part.title() for part in name.split("_")) in constructs_lib.__all__


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'QueueWroker'"):
        _ = constructs_lib.QueueWroker  # type: ignore[attr-defined] # mypy finds it too, which is the point


def test_the_long_files_that_begin_are_there() -> None:
    assert [each for each in LONG if not (ROOT / each).is_file()] == []


def test_no_file_does_two_jobs() -> None:
    long = [file for file in PACKAGE.rglob("*.py") if len(file.read_text().splitlines()) > 400]
    assert long == []
