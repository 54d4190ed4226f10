"""A second synth bundles nothing, and never serves what is out of date, damaged or half-written."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.process import Finished, launch
from constructs_lib.bundling.project import Project
from tests.bundling.conftest import CHECKOUT, Sandbox, index_js

PRICE, STOCK = "handlers/price.ts", "handlers/stock.ts"


class TestWarm:
    def test_starts_no_process(self, node_project: Sandbox) -> None:
        cold = node_project.node(PRICE, STOCK)
        warm = node_project.node(PRICE, STOCK)
        assert node_project.launcher.tools == ["esbuild"]
        assert [asset.hash for asset in warm] == [asset.hash for asset in cold]
        assert [index_js(asset) for asset in warm] == [index_js(asset) for asset in cold]

    def test_bundles_only_what_changed(self, node_project: Sandbox) -> None:
        node_project.node(PRICE, STOCK)
        asked: list[list[str]] = []

        def remember(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
            asked.append([word for word in argv if "/index=" in word])
            return launch(argv, cwd=cwd, env=env)

        node_project.write(STOCK, "export const handler = () => 1;")
        project = Project(node_project.folder, remember)
        bundle_node([NodeEntry(project.folder / PRICE), NodeEntry(project.folder / STOCK)], project)
        assert asked == [[f"0/index=./{STOCK}"]]

    def test_is_kept_where_git_does_not_look(self, node_project: Sandbox) -> None:
        node_project.node(PRICE)
        assert (node_project.cache / ".gitignore").read_text() == "*\n"

    def test_takes_well_under_a_fifth_of_a_second_for_fifty_functions(self, node_project: Sandbox) -> None:
        entries = []
        for number in range(50):
            entry = f"handlers/f{number}.ts"
            node_project.write(
                entry, f'import {{rate}} from "./rates"; export const handler = async () => rate() + {number};'
            )
            entries.append(entry)
        node_project.node(*entries)
        started = time.process_time()
        node_project.node(*entries)
        assert time.process_time() - started < 0.2
        assert node_project.launcher.tools == ["esbuild"]


class TestDamage:
    @pytest.mark.parametrize("kind", ["records", "blobs"])
    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"snapshot": 1}', b"\xff\xfe"])
    def test_is_found_and_made_again(self, node_project: Sandbox, kind: str, content: bytes) -> None:
        (before,) = node_project.node(PRICE)
        for path in (node_project.cache / kind).iterdir():
            path.write_bytes(content)
        (after,) = node_project.node(PRICE)
        assert (after.hash, index_js(after)) == (before.hash, index_js(before))
        assert node_project.launcher.tools == ["esbuild", "esbuild"]
        node_project.node(PRICE)
        assert node_project.launcher.tools == ["esbuild", "esbuild"]

    def test_one_lost_blob_is_made_again(self, node_project: Sandbox) -> None:
        (before,) = node_project.node(PRICE)
        (node_project.cache / "blobs" / before.files["index.js"].digest).unlink()
        assert node_project.node(PRICE)[0].hash == before.hash


class TestInterruption:
    def test_leaves_nothing_half_written(self, node_project: Sandbox) -> None:
        def interrupted(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
            launch(argv, cwd=cwd, env=env)
            raise KeyboardInterrupt

        project = Project(node_project.folder, interrupted)
        with pytest.raises(KeyboardInterrupt):
            bundle_node([NodeEntry(project.folder / PRICE)], project)
        left = [path for path in node_project.cache.rglob("*") if path.is_file()]
        assert left == [node_project.cache / ".gitignore"]
        assert len(node_project.node(PRICE)) == 1

    def test_by_kill_does_not_harm_the_next_run(self, node_project: Sandbox) -> None:
        script = (
            "import os, sys; from pathlib import Path\n"
            "from constructs_lib.bundling.cache import Cache\n"
            "from constructs_lib.bundling.node import NodeEntry, bundle_node\n"
            "from constructs_lib.bundling.project import Project\n"
            "Cache.keep_record = lambda *_: os._exit(9)\n"
            f"project = Project(Path.cwd()); bundle_node([NodeEntry(project.folder / {PRICE!r})], project)\n"
        )
        done = _python(script, node_project.folder)
        done.communicate()
        assert done.returncode == 9
        assert list((node_project.cache / "scratch").iterdir()) != []
        expected = Sandbox.copy_of("node", node_project.folder.parent / "fresh").node(PRICE)[0].hash
        assert node_project.node(PRICE)[0].hash == expected

    def test_leftovers_are_swept_after_a_day(self, node_project: Sandbox) -> None:
        old, new = node_project.cache / "scratch" / "old", node_project.cache / "scratch" / "new"
        for folder in (old, new):
            folder.mkdir(parents=True)
        two_days_ago = time.time() - 2 * 24 * 3600
        os.utime(old, (two_days_ago, two_days_ago))
        node_project.node(PRICE)
        assert not old.exists()
        assert new.exists()


class TestTwoProcessesAtOnce:
    def test_both_get_the_whole_bundle(self, node_project: Sandbox) -> None:
        script = (
            "from pathlib import Path\n"
            "from constructs_lib.bundling.node import NodeEntry, bundle_node\n"
            "from constructs_lib.bundling.project import Project\n"
            "for _ in range(5):\n"
            "    project = Project(Path.cwd())\n"
            f"    for asset in bundle_node([NodeEntry(project.folder / e) for e in ({PRICE!r}, {STOCK!r})], project):\n"
            "        print(asset.hash, len(list(asset.stage(project.folder / 'out').iterdir())))\n"
            "    for record in Path('.cache/constructs_lib/records').iterdir(): record.unlink(missing_ok=True)\n"
        )
        running = [_python(script, node_project.folder) for _ in range(2)]
        said = [process.communicate()[0] for process in running]
        assert [process.returncode for process in running] == [0, 0]
        assert said[0] == said[1]
        assert len(set(said[0].split("\n"))) == 3  # two assets of one file each, and the end
        assert [path.name for path in (node_project.folder / "out").iterdir() if path.name.startswith(".")] == []


class TestEditedWhileItIsBundled:
    def test_is_not_taken_for_up_to_date_later(self, node_project: Sandbox) -> None:
        text = (node_project.folder / PRICE).read_text()

        def edits(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
            done = launch(argv, cwd=cwd, env=env)
            node_project.write(PRICE, text.replace("* rate()", "+ 77"))
            return done

        project = Project(node_project.folder, edits)
        (stale,) = bundle_node([NodeEntry(project.folder / PRICE)], project)
        assert "77" not in index_js(stale)
        assert "77" in index_js(node_project.node(PRICE)[0])


def _python(script: str, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(
        [sys.executable, "-c", script], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
