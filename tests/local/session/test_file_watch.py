from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.file_watch import FileWatch, WatchedTree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with an app, and with what is no part of one."""
    for name in ("app.py", "lib/stack.py", "data/prices.json"):
        write(tmp_path / name)
    return tmp_path


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestFiles:
    def test_what_is_written_replaced_or_removed_is_told_once(self, app: Path) -> None:
        written, replaced, removed, same = (write(app / name) for name in ("a", "b", "c", "d"))
        watch = FileWatch([written, replaced, removed, same])
        assert watch.changed() == set()
        written.write_text("longer")
        write(app / "aside", "y").replace(replaced)
        removed.unlink()
        assert watch.changed() == {written, replaced, removed}
        assert watch.changed() == set()
        write(removed)
        assert watch.changed() == {removed}

    def test_more_can_be_watched_from_then_on(self, app: Path) -> None:
        watch = FileWatch([])
        watch.also([app / "app.py"])
        assert watch.changed() == set()
        (app / "app.py").write_text("longer")
        assert watch.changed() == {app / "app.py"}


class TestTree:
    def test_files_come_and_go(self, app: Path) -> None:
        watch = FileWatch([app / "app.py"], WatchedTree(app, without=app / "state"))
        new = write(app / "lib" / "new.py")
        (app / "data" / "prices.json").unlink()
        assert watch.changed(everywhere=True) == {new, app / "data" / "prices.json"}
        assert watch.changed(everywhere=True) == set()

    def test_new_ones_are_looked_for_less_often_and_found_all_the_same(self, app: Path) -> None:
        watch = FileWatch([], WatchedTree(app, without=app / "state"))
        new = write(app / "lib" / "new.py")
        deadline, looks = time.monotonic() + 90, 0
        while not (found := watch.changed()):
            assert time.monotonic() < deadline
            time.sleep(watch.pause)
            looks += 1
        assert (found, looks > 1) == ({new}, True)

    def test_what_is_no_part_of_an_app_is_left_out(self, app: Path) -> None:
        for name in (
            ".git/index", "node_modules/zod/index.js", "lib/__pycache__/stack.pyc", "cdk.out/manifest.json",
            "environment/pyvenv.cfg", "environment/lib/site.py", "state/functions.jsonl", "lib/stack.py~",
            "lib/.stack.py.swp", "lib/#stack.py#", "lib/4913", "README.md", "older/manifest.json", "older/cdk.out",
        ):  # fmt: skip
            write(app / name)
        found = {path.relative_to(app).as_posix() for path in WatchedTree(app, without=app / "state").files()}
        assert found == {"app.py", "lib/stack.py", "data/prices.json"}

    @pytest.mark.parametrize(
        ("settings", "left"),
        [
            ({"include": ["lib/**"]}, {"lib/stack.py"}),
            ({"include": "**/*.py"}, {"app.py", "lib/stack.py"}),
            ({"exclude": ["data", "*.py"]}, {"lib/stack.py", "cdk.json"}),
            ({"exclude": "**/*.json"}, {"app.py", "lib/stack.py"}),
            ({"exclude": ["./lib/"], "include": 3}, {"app.py", "data/prices.json", "cdk.json"}),
            ("nothing", {"app.py", "lib/stack.py", "data/prices.json", "cdk.json"}),
        ],
    )
    def test_the_settings_of_cdk_watch_are_kept_to(self, app: Path, settings: object, left: set[str]) -> None:
        write(app / "out" / "Shop.template.json")
        write(app / "cdk.json", json.dumps({"watch": settings, "output": "out"}))
        assert {path.relative_to(app).as_posix() for path in WatchedTree(app, without=app).files()} == left


class TestCost:
    def test_two_thousand_files_take_less_than_a_hundredth_of_a_core(self, tmp_path: Path) -> None:
        files = [write(tmp_path / f"{number % 100}" / f"{number}.py") for number in range(2_000)]
        watch = FileWatch(files[:300], WatchedTree(tmp_path, without=tmp_path / "state"))
        began, cpu = time.monotonic(), time.thread_time()
        while time.monotonic() - began < 4:
            time.sleep(watch.pause)
            assert watch.changed() == set()
        share = (time.thread_time() - cpu) / (time.monotonic() - began)
        assert share < 0.01
        assert watch.pause < 0.5
