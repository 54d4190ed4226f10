"""A line of a bundle is named as in its sources, whose map lies outside of the bundle."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from constructs_lib.bundling.machine import this_machine
from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.project import Project
from constructs_lib.local.executor.source_maps import Original, SourceMaps
from constructs_lib.local.executor.unfinished import read_unfinished

if TYPE_CHECKING:
    from constructs_lib.bundling.asset import Asset

CHECKOUT = Path(__file__).parents[3]
HANDLER = """import { save } from "./save.ts";

export const handler = async (): Promise<void> => {
  save("forgotten");
};
"""
SAVE = """export async function save(id: string): Promise<string> {
  await new Promise((done) => setTimeout(done, 1));
  throw new Error(id);
}
"""


@pytest.fixture
def bundled(tmp_path: Path) -> tuple[Path, Asset]:
    """The folder of an assembly, with one bundle in it."""
    (tmp_path / "node_modules").symlink_to(CHECKOUT / "node_modules")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "handler.ts").write_text(HANDLER)
    (tmp_path / "src" / "save.ts").write_text(SAVE)
    entry = NodeEntry(tmp_path / "src" / "handler.ts", machine=this_machine(), source_map=True)
    (asset,) = bundle_node([entry], Project(tmp_path))
    asset.stage(tmp_path / "cdk.out")
    return tmp_path / "cdk.out", asset


def position(text: str, part: str) -> tuple[int, int]:
    """Line and column of a part of a bundle, from 1."""
    before = text[: text.index(part)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def test_finds_the_map_of_a_bundle_that_was_unpacked_elsewhere(bundled: tuple[Path, Asset], tmp_path: Path) -> None:
    assembly, asset = bundled
    unpacked = tmp_path / "unpacked" / "index.js"
    unpacked.parent.mkdir()
    shutil.copy(assembly / asset.folder_name / "index.js", unpacked)
    line, column = position(unpacked.read_text(), "new Error(")
    maps = SourceMaps()
    assert maps.original(str(unpacked), line, column) is None
    maps.look_in([assembly])
    assert maps.original(str(unpacked), line, column) == Original("src/save.ts", 3, 9)


def test_does_not_take_the_map_of_another_bundle(bundled: tuple[Path, Asset], tmp_path: Path) -> None:
    assembly, asset = bundled
    unpacked = tmp_path / "index.js"
    content = (assembly / asset.folder_name / "index.js").read_text()
    unpacked.write_text(content.replace("forgotten", "remembers"))
    maps = SourceMaps()
    maps.look_in([assembly])
    assert maps.original(str(unpacked), *position(content, "new Error(")) is None


def test_reads_the_map_beside_a_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "index.js"
    bundle.write_text("a;\nb;\n")
    # line 2, column 1 comes from line 5, column 3 of the second source
    told = {"version": 3, "sources": ["one.ts", "two.ts"], "mappings": "AAAA;ACIE", "sourceRoot": ""}
    Path(f"{bundle}.map").write_text(json.dumps(told))
    assert SourceMaps().original(str(bundle), 2, 1) == Original("two.ts", 5, 3)
    assert SourceMaps().original(str(bundle), 1, 1) == Original("one.ts", 1, 1)
    assert SourceMaps().original(str(bundle), 3, 1) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"mappings": 3}', '{"mappings": "AAAA", "sources": []}'])
def test_a_broken_map_tells_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "index.js").write_text("x")
    (tmp_path / "index.js.map").write_text(content)
    assert SourceMaps().original(str(tmp_path / "index.js"), 1, 1) is None


def test_a_package_inside_a_bundle_is_no_code_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text("x")
    told = {"version": 3, "sources": ["node_modules/pool/index.js"], "mappings": "AAAA"}
    (tmp_path / "index.js.map").write_text(json.dumps(told))
    frame = {"file": str(tmp_path / "index.js"), "line": 1, "column": 1}
    entry = {"kind": "timer", "what": "a timer", "own": [frame], "made": []}
    assert read_unfinished([entry], tmp_path, SourceMaps()) == []
