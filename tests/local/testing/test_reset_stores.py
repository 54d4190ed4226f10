from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local.overlay.reset_files import ObjectFiles
from constructs_lib.local.overlay.reset_stores import Data, Taken, merged

TABLES = ("dynamodb", "_tables")


class TestTaken:
    def test_a_copy_has_nothing_to_do_with_the_original_nor_with_another_copy(self) -> None:
        data: Data = {TABLES: {"t": {"items": [1]}}}
        taken = Taken(data)
        data[TABLES]["t"]["items"].append(2)
        taken.data()[TABLES]["t"]["items"].append(3)
        assert taken.data() == {TABLES: {"t": {"items": [1]}}}

    def test_what_two_places_share_stays_shared(self) -> None:
        shared = {"n": 1}
        copied = Taken({TABLES: {"a": shared, "b": shared}}).data()[TABLES]
        assert copied["a"] is copied["b"]

    def test_large_bytes_are_not_copied(self) -> None:
        body = b"x" * 100_000
        assert Taken({TABLES: {"o": body}}).data()[TABLES]["o"] is body


class TestMerged:
    @pytest.mark.parametrize(
        ("start", "before", "after", "expected"),
        [
            pytest.param({"a": 1}, {"a": 1, "mine": 2}, {"a": 1, "mine": 2}, {"a": 1}, id="what a user added goes"),
            pytest.param({"a": 1}, {"a": 5}, {"a": 5}, {"a": 1}, id="what a user changed comes back"),
            pytest.param({"a": 1}, {}, {}, {"a": 1}, id="what a user removed comes back"),
            pytest.param({"a": 1}, {"a": 1}, {"a": 1, "new": 2}, {"a": 1, "new": 2}, id="what is deployed comes"),
            pytest.param({"a": 1}, {"a": 1}, {"a": 3}, {"a": 3}, id="what a deployment changed stays changed"),
            pytest.param({"a": 1}, {"a": 1}, {}, {}, id="what a deployment removed is gone"),
            pytest.param(
                {"t": {"items": {}, "ttl": 1}},
                {"t": {"items": {"mine": 1}, "ttl": 1}},
                {"t": {"items": {"mine": 1}, "ttl": 2}},
                {"t": {"items": {}, "ttl": 2}},
                id="settings of a table change, its data does not",
            ),
            pytest.param(
                {"q": {"messages": []}}, {"q": {"messages": [1]}}, {"q": {"messages": [1]}}, {"q": {"messages": []}},
                id="a list is one value",
            ),
        ],
    )  # fmt: skip
    def test_what_a_deployment_changed_is_carried_over(
        self, start: Any, before: Any, after: Any, expected: Any
    ) -> None:
        assert merged(start, before, after) == expected


class TestObjectFiles:
    def write(self, path: Path, text: str) -> None:
        """As the base does: a new file takes the place of the old one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".tmp").write_text(text)
        path.with_suffix(".tmp").replace(path)

    def read(self, folder: Path) -> dict[str, str]:
        return {str(each.relative_to(folder)): each.read_text() for each in folder.rglob("*") if each.is_file()}

    def test_files_come_back_as_they_were(self, tmp_path: Path) -> None:
        folder = tmp_path / "s3"
        files = ObjectFiles(folder, tmp_path / "copies")
        for name in ("b/one", "b/two"):
            self.write(folder / name, name)
        files.keep(None)
        self.write(folder / "b/one", "changed")
        (folder / "b/two").unlink()
        self.write(folder / "b/three", "new")
        files.put_back()
        assert self.read(folder) == {"b/one": "b/one", "b/two": "b/two"}

    def test_a_deployment_adds_and_removes_what_is_its_own(self, tmp_path: Path) -> None:
        folder = tmp_path / "s3"
        files = ObjectFiles(folder, tmp_path / "copies")
        self.write(folder / "b/old", "old")
        self.write(folder / "b/both", "deployed")
        files.keep(None)
        self.write(folder / "b/mine", "mine")
        self.write(folder / "b/both", "mine")
        before = files.take()
        self.write(folder / "b/new", "new")
        (folder / "b/old").unlink()
        files.keep(before)
        files.put_back()
        assert self.read(folder) == {"b/both": "deployed", "b/new": "new"}

    def test_assets_of_deployments_stay(self, tmp_path: Path) -> None:
        folder, asset = tmp_path / "s3", "000000000000/cdk-hnb659fds-assets-000000000000-us-east-1/abc.zip"
        files = ObjectFiles(folder, tmp_path / "copies")
        files.keep(None)
        self.write(folder / asset, "zip")
        files.put_back()
        assert self.read(folder) == {asset: "zip"}
