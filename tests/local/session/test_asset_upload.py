from __future__ import annotations

import io
import os
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from constructs_lib.assembly import FileAsset
from constructs_lib.local.asset_upload import packed, zipped
from constructs_lib.problem import LocalError

if TYPE_CHECKING:
    from pathlib import Path


def write_tree(folder: Path) -> Path:
    (folder / "lib" / "deep").mkdir(parents=True)
    (folder / "index.js").write_text("exports.handler = 1")
    (folder / "lib" / "deep" / "data.bin").write_bytes(bytes(range(256)))
    (folder / "bootstrap").write_text("#!/bin/sh")
    (folder / "bootstrap").chmod(0o755)
    return folder


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


class TestZip:
    def test_equal_trees_give_equal_bytes_whatever_their_place_age_and_order(self, tmp_path: Path) -> None:
        one = write_tree(tmp_path / "one")
        two = tmp_path / "a folder" / "two"
        for path in ("lib/deep/data.bin", "bootstrap", "index.js"):
            (two / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(one / path, two / path)
            os.utime(two / path, (1, 1))
        assert zipped(one) == zipped(two)

    def test_names_bytes_and_modes_survive(self, tmp_path: Path) -> None:
        archive = zipfile.ZipFile(io.BytesIO(zipped(write_tree(tmp_path / "one"))))
        modes = {each.filename: oct(each.external_attr >> 16) for each in archive.infolist()}
        assert modes == {"bootstrap": "0o100755", "index.js": "0o100644", "lib/deep/data.bin": "0o100644"}
        assert archive.read("lib/deep/data.bin") == bytes(range(256))

    def test_links_are_followed_but_not_in_circles(self, tmp_path: Path) -> None:
        folder = write_tree(tmp_path / "one")
        (folder / "again").symlink_to(folder)
        (folder / "library").symlink_to(folder / "lib")
        assert names(zipped(folder)) == ["bootstrap", "index.js", "lib/deep/data.bin", "library/deep/data.bin"]

    def test_an_asset_that_is_one_file_stays_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "code.jar").write_bytes(b"PK")
        assert packed(asset(tmp_path / "code.jar", packaging="file")) == b"PK"


class TestRefusals:
    def test_an_asset_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
        with pytest.raises(LocalError) as caught:
            packed(asset(tmp_path, packaging="zip"))
        assert str(caught.value) == (
            "asset a1 cannot be read: No such file or directory\n"
            f"  at:  {tmp_path / 'gone'}\n"
            "  fix: synthesize again, or make the file readable"
        )


def asset(source: Path, *, packaging: str) -> FileAsset:
    return FileAsset(
        asset_id="a1",
        source=source,
        packaging="zip" if packaging == "zip" else "file",
        bucket="b",
        key="k",
        region=None,
        manifest=source,
    )
