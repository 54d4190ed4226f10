"""A second synth bundles nothing, and never serves what is out of date, damaged or half-written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.process import Finished, launch
from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError
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


def _write(path: str, text: str) -> Callable[[Sandbox], object]:
    return lambda sandbox: sandbox.write(path, text)


class TestWhatChangesTheResolution:
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            pytest.param(_write("src/deep/a.ts", 'export const a = "edited";'), "edited", id="source"),
            pytest.param(_write("src/b.ts", 'export const b = "shadow";'), "shadow", id="file wins over folder"),
            pytest.param(_write("src/c.tsx", 'export const c = "shadow";'), "shadow", id="extension that wins"),
            pytest.param(
                _write("src/d.js", 'export const d = "shadow";'), "shadow", id="file named .js whose source was taken"
            ),
            pytest.param(
                _write("src/node_modules/far/index.js", 'exports.far = "shadow";'), "shadow", id="nearer node_modules"
            ),
            pytest.param(
                _write("node_modules/far/package.json", '{"name": "far", "version": "2.0.0", "main": "other.js"}'),
                "other",
                id="package.json of a package",
            ),
            pytest.param(
                _write("src/tsconfig.json", '{"compilerOptions": {"paths": {"@x/*": ["./elsewhere/*"]}}}'),
                "elsewhere",
                id="nearer tsconfig.json",
            ),
            pytest.param(_write("first/e.ts", 'export const e = "shadow";'), "shadow", id="path that wins"),
            pytest.param(
                _write("base.json", '{"compilerOptions": {"jsxFactory": "shadow"}}'), "shadow", id="extended tsconfig"
            ),
            pytest.param(_write("src/pages/new.js", 'module.exports = "shadow";'), "shadow", id="file a glob matches"),
            pytest.param(
                _write("node_modules/optional/index.js", 'module.exports = "shadow";'),
                "shadow",
                id="package that lacked",
            ),
        ],
    )
    def test_bundles_again(self, empty_project: Sandbox, change: Callable[[Sandbox], object], expected: str) -> None:
        sandbox = empty_project
        sandbox.write("base.json", "{}")
        sandbox.write(
            "tsconfig.json",
            '{"extends": "./base.json", "compilerOptions": {"paths": {"@x/*": ["./first/*", "./second/*"]}}}',
        )
        sandbox.write("second/e.ts", 'export const e = "e";')
        sandbox.write("src/elsewhere/e.ts", 'export const e = "elsewhere";')
        sandbox.write("src/deep/a.ts", 'export const a = "a";')
        sandbox.write("src/b/index.ts", 'export const b = "b";')
        sandbox.write("src/c.ts", 'export const c = "c";')
        sandbox.write("src/d.ts", 'export const d = "d";')
        sandbox.write("src/view.tsx", "declare const React: any; export const view = () => <p />;")
        sandbox.write("src/pages/old.js", 'module.exports = "old";')
        sandbox.package("far", {"index.js": 'exports.far = "far";', "other.js": 'exports.far = "other";'})
        sandbox.write(
            "src/entry.ts",
            'import { a } from "./deep/a"; import { b } from "./b"; import { c } from "./c";\n'
            'import { d } from "./d.js";'
            'import { e } from "@x/e"; import { far } from "far"; import { view } from "./view";\n'
            "let more; try { more = require('optional'); } catch {}\n"
            "const page = (name: string) => require(`./pages/${name}.js`);\n"
            "export const handler = () => [a, b, c, d, e, far, view, more, page];\n",
        )
        (before,) = sandbox.node("src/entry.ts")
        assert expected not in index_js(before)
        sandbox.node("src/entry.ts")
        assert sandbox.launcher.tools == ["esbuild"]
        change(sandbox)
        (after,) = sandbox.node("src/entry.ts")
        assert expected in index_js(after)

    def test_follows_a_link_to_its_new_target(self, empty_project: Sandbox) -> None:
        for version in ("one", "two"):
            empty_project.write(f"store/{version}/index.js", f'exports.v = "{version}";')
        link = empty_project.folder / "node_modules" / "linked"
        link.symlink_to(empty_project.folder / "store" / "one", target_is_directory=True)
        empty_project.write("entry.ts", 'import { v } from "linked"; export const handler = () => v;')
        assert '"one"' in index_js(empty_project.node("entry.ts")[0])
        link.unlink()
        link.symlink_to(empty_project.folder / "store" / "two", target_is_directory=True)
        assert '"two"' in index_js(empty_project.node("entry.ts")[0])

    def test_bundles_again_with_another_esbuild(self, node_project: Sandbox) -> None:
        node_project.node(PRICE)
        link = next((node_project.folder / "node_modules" / "@esbuild").iterdir())
        real = link.resolve()
        link.unlink()
        shutil.copytree(real, link)
        package = json.loads((link / "package.json").read_bytes())
        (link / "package.json").write_text(json.dumps({**package, "version": "99.0.0"}))
        node_project.node(PRICE)
        assert node_project.launcher.tools == ["esbuild", "esbuild"]

    def test_does_not_bundle_again_for_a_file_beside(self, node_project: Sandbox) -> None:
        node_project.node(PRICE)
        node_project.write("handlers/.price.ts.swp", "an editor's")
        node_project.write("handlers/brand_new.ts", "export const handler = () => 1;")
        node_project.node(PRICE)
        assert node_project.launcher.tools == ["esbuild"]


_PATHS = [
    *("src/a.ts", "src/a.js", "src/a.json", "src/a/index.ts", "src/a/package.json", "src/tsconfig.json"),
    *("tsconfig.json", "package.json", "src/package.json", "node_modules/p/index.js", "node_modules/p/package.json"),
    *("node_modules/p/lib.js", "src/node_modules/p/index.js", "lib/w.ts", "lib/w.js", "other/w.ts"),
]


def _content(path: str, variant: int) -> str:
    if path.endswith("tsconfig.json"):
        return [
            '{"compilerOptions": {"paths": {"@lib/*": ["./lib/*"]}}}',
            '{"compilerOptions": {"baseUrl": "..", "paths": {"@lib/*": ["./other/*", "./lib/*"]}}}',
            '{"compilerOptions": {"paths": {"@lib/*": ["./other/*"], "p": ["./lib/w"]}}}',
        ][variant]
    if path.endswith("package.json"):
        return ['{"main": "./lib.js"}', '{"type": "module"}', '{"sideEffects": false, "main": "./index.js"}'][variant]
    if path.endswith(".json"):
        return f'{{"v": "{path} {variant}"}}'
    return f'export const v = "{path} {variant}"; console.log(v);'


_change = st.tuples(st.sampled_from(_PATHS), st.integers(min_value=-1, max_value=2))


@settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@example(
    [[("src/node_modules/p/index.js", 0), ("src/node_modules/p/index.js", -1)], [("src/node_modules/p/index.js", 0)]]
)
@given(st.lists(st.lists(_change, min_size=1, max_size=2), min_size=1, max_size=5))
def test_a_warm_bundle_is_always_what_a_cold_one_would_be(steps: list[list[tuple[str, int]]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        sandbox = Sandbox(Path(name))
        for path in ("src/a.ts", "tsconfig.json", "node_modules/p/index.js", "lib/w.ts"):
            sandbox.write(path, _content(path, 0))
        sandbox.write(
            "src/entry.ts",
            'import * as a from "./a"; import * as p from "p"; import * as w from "@lib/w";\n'
            "export const handler = () => [a, p, w];",
        )
        for changes in [[], *steps]:
            for path, variant in changes:
                if variant >= 0:
                    sandbox.write(path, _content(path, variant))
                else:
                    (sandbox.folder / path).unlink(missing_ok=True)
            warm = _outcome(sandbox)
            kept = sandbox.cache.rename(Path(name, "kept"))
            cold = _outcome(sandbox)
            shutil.rmtree(sandbox.cache)
            kept.rename(sandbox.cache)
            assert warm == cold


def _outcome(sandbox: Sandbox) -> str:
    try:
        return sandbox.node("src/entry.ts")[0].hash
    except BundlingError as error:
        return str(error)


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
