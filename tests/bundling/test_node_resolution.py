"""Whatever would make esbuild find another file makes a kept bundle stale."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from constructs_lib.problem import BundlingError
from tests.bundling.conftest import Sandbox, index_js

PRICE = "handlers/price.ts"


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

    @pytest.mark.parametrize(
        ("link", "one", "two"),
        [
            ("src/lib", "../one/lib", "../two/lib"),
            ("src/lib/v.ts", "../../one/lib/v.ts", "../../two/lib/v.ts"),
            ("node_modules/@acme", "../one", "../two"),
            ("node_modules/@acme/lib", "../../one/lib", "../../two/lib"),
            ("src/node_modules", "../one/nested", "../two/nested"),
            ("node_modules/plain/deep", "../../one/lib", "../../two/lib"),
            ("src/entry.ts", "../one/entry.ts", "../two/entry.ts"),
        ],
    )
    def test_follows_every_link_on_the_way_to_its_new_target(
        self, empty_project: Sandbox, link: str, one: str, two: str
    ) -> None:
        text = (
            'import { v } from "./lib/v"; import { v as p } from "@acme/lib"; import { v as d } from "plain";'
            "export const handler = () => [v, p, d];"
        )
        empty_project.package("plain", {"index.js": 'export * from "./deep/v";', "deep/v.ts": "export const v = 0;"})
        empty_project.write("src/entry.ts", text)
        for place in ("src/lib", "node_modules/@acme/lib", "one/lib", "two/lib", "one/nested/@acme/lib"):
            empty_project.write(f"{place}/v.ts", f'export const v = "{place}";')
            empty_project.write(f"{place}/index.ts", f'export const v = "{place}";')
        shutil.copytree(empty_project.folder / "one" / "nested", empty_project.folder / "two" / "nested")
        empty_project.write("two/nested/@acme/lib/index.ts", 'export const v = "two";')
        for version in ("one", "two"):
            empty_project.write(f"{version}/entry.ts", text.replace("./lib/v", f"../{version}/lib/v"))
        path = empty_project.folder / link
        for target in (one, two, one):
            if path.is_symlink() or path.is_file():
                path.unlink()
            elif path.is_dir():
                shutil.rmtree(path)
            path.symlink_to(target)
            seen = index_js(empty_project.node("src/entry.ts")[0])
            assert ('"two' in seen, '"one' in seen) == (target == two, target == one)

    @pytest.mark.parametrize(
        ("package", "files", "change"),
        [
            ({"module": "dist/i.mjs", "main": "src/i.ts"}, ["src/i.ts"], "dist/i.mjs"),
            ({"module": "dist/i.mjs", "main": "./src/i"}, ["src/i.ts"], "src/i.js"),
            ({"main": "dist/i.js"}, ["index.js"], "dist/i.js"),
            ({"main": "./dist"}, ["dist/index.js"], "dist.js"),
            ({"exports": "./dist/i.js"}, ["dist/i.ts"], "dist/i.js"),
            ({"exports": {"./*": "./other/*", ".": {"node": "./dist/i.js"}}}, ["dist/i.ts"], "dist/i.js"),
        ],
    )
    @pytest.mark.parametrize("home", ["packages/lib", "node_modules/@acme/lib"])
    def test_sees_what_a_package_means_once_it_is_built(
        self, empty_project: Sandbox, home: str, package: object, files: list[str], change: str
    ) -> None:
        empty_project.write("src/entry.ts", 'import { v } from "@acme/lib"; export const handler = () => v;')
        empty_project.write(f"{home}/package.json", json.dumps(package))
        (empty_project.folder / home / "dist").mkdir()
        for name in files:
            empty_project.write(f"{home}/{name}", 'export const v = "before";')
        if home.startswith("packages"):
            link = empty_project.folder / "node_modules" / "@acme" / "lib"
            link.parent.mkdir()
            link.symlink_to("../../packages/lib")
        before = index_js(empty_project.node("src/entry.ts")[0])
        assert '"before"' in before
        empty_project.write(f"{home}/{change}", 'export const v = "after";')
        assert '"after"' in index_js(empty_project.node("src/entry.ts")[0])

    @pytest.mark.parametrize(
        ("files", "change"),
        [
            pytest.param({"tsconfig.json": '\ufeff{"extends": "./base.json"}'}, "base.json", id="byte order mark"),
            pytest.param({"tsconfig.json": '{"extends": "./base"}'}, "base.json", id="extended file appears"),
            pytest.param({"tsconfig.json": '{"extends": ["a", "./base.json"]}'}, "base.json", id="one of several"),
            pytest.param(
                {
                    "tsconfig.json": '{"extends": "@acme/ts/base"}',
                    "node_modules/@acme/ts/package.json": '{"exports": {"./base": "./conf/base.json"}}',
                },
                "node_modules/@acme/ts/conf/base.json",
                id="through exports",
            ),
            pytest.param(
                {
                    "tsconfig.json": '{"extends": "@acme/ts/base"}',
                    "node_modules/@acme/ts/package.json": (
                        '{"exports": {"./base": {"import": "./gone.json", "default": "./conf/base.json"}}}'
                    ),
                    "node_modules/@acme/ts/conf/base.json": "{}",
                },
                "node_modules/@acme/ts/conf/base.json",
                id="through conditions",
            ),
        ],
    )
    def test_sees_a_tsconfig_however_it_is_extended(
        self, empty_project: Sandbox, files: dict[str, str], change: str
    ) -> None:
        for name, text in {**files, "v1.ts": 'export const v = "one";', "v2.ts": 'export const v = "two";'}.items():
            empty_project.write(name, text)
        empty_project.package("v", {"index.js": 'exports.v = "one";'})
        empty_project.write("src/entry.ts", 'import { v } from "v"; export const handler = () => v;')
        up = "../" * change.count("/")
        for version, text in (("one", ""), ("two", f'{{"compilerOptions": {{"paths": {{"v": ["{up}./v2.ts"]}}}}}}')):
            if text:
                empty_project.write(change, text)
            assert f'"{version}"' in index_js(empty_project.node("src/entry.ts")[0])

    def test_sees_what_the_folder_of_a_tsconfig_stands_for(self, empty_project: Sandbox) -> None:
        empty_project.write("tsconfig.json", '{"extends": "./conf/base.json"}')
        empty_project.write(
            "conf/base.json", '{"compilerOptions": {"paths": {"@/*": ["${configDir}/a/*", "${configDir}/b/*"]}}}'
        )
        empty_project.write("b/v.ts", 'export const v = "b";')
        empty_project.write("src/entry.ts", 'import { v } from "@/v"; export const handler = () => v;')
        assert '"b"' in index_js(empty_project.node("src/entry.ts")[0])
        empty_project.write("a/v.ts", 'export const v = "a";')
        assert '"a"' in index_js(empty_project.node("src/entry.ts")[0])

    def test_keeps_nothing_it_cannot_understand(self, empty_project: Sandbox) -> None:
        empty_project.write("tsconfig.json", '{"extends": "@acme/ts"}')
        empty_project.write("node_modules/@acme/ts/package.json", '{"exports": ["./a.json", "./b.json"]}')
        empty_project.write("entry.ts", "export const handler = () => 1;")
        empty_project.node("entry.ts")
        empty_project.node("entry.ts")
        assert empty_project.launcher.tools == ["esbuild", "esbuild"]

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
    *("one/l.ts", "one/l.js", "two/l.ts", "two/package.json", "one/p/index.js", "two/p/lib.js", "two/p/package.json"),
]
_LINKS = {  # link: what it may point at
    "src/linked": ("../one", "../two", "../gone"),
    "src/l.ts": ("../one/l.ts", "../two/l.ts", "linked/l.ts"),
    "node_modules/q": ("../one/p", "../two/p", "p"),
    "src/node_modules": ("../one", "../two", "../node_modules"),
}


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


_change = st.tuples(st.sampled_from([*_PATHS, *_LINKS]), st.integers(min_value=-1, max_value=2))


@settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@example(
    [[("src/node_modules/p/index.js", 0), ("src/node_modules/p/index.js", -1)], [("src/node_modules/p/index.js", 0)]]
)
@given(st.lists(st.lists(_change, min_size=1, max_size=2), min_size=1, max_size=5))
def test_a_warm_bundle_is_always_what_a_cold_one_would_be(steps: list[list[tuple[str, int]]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        sandbox = Sandbox(Path(name))
        for path in ("src/a.ts", "tsconfig.json", "node_modules/p/index.js", "lib/w.ts", "one/l.ts", "two/l.ts"):
            sandbox.write(path, _content(path, 0))
        for path in ("one/p/index.js", "two/p/lib.js"):
            sandbox.write(path, _content(path, 0))
        for path in ("src/linked", "src/l.ts", "node_modules/q"):
            (sandbox.folder / path).symlink_to(_LINKS[path][0])
        sandbox.write(
            "src/entry.ts",
            'import * as a from "./a"; import * as p from "p"; import * as w from "@lib/w";\n'
            'import * as l from "./linked/l"; import * as m from "./l"; import * as q from "q";\n'
            "export const handler = () => [a, p, w, l, m, q];",
        )
        for changes in [[], *steps]:
            for path, variant in changes:
                _change_one(sandbox, path, variant)
            warm = _outcome(sandbox)
            kept = sandbox.cache.rename(Path(name, "kept"))
            cold = _outcome(sandbox)
            shutil.rmtree(sandbox.cache)
            kept.rename(sandbox.cache)
            assert warm == cold


def _change_one(sandbox: Sandbox, path: str, variant: int) -> None:
    place = sandbox.folder / path
    if path in _LINKS:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        if variant >= 0:
            place.symlink_to(_LINKS[path][variant])
    elif variant < 0:
        with contextlib.suppress(OSError):  # a link on the way leads nowhere
            place.unlink()
    else:
        with contextlib.suppress(OSError):
            sandbox.write(path, _content(path, variant))


def _outcome(sandbox: Sandbox) -> str:
    try:
        return sandbox.node("src/entry.ts")[0].hash
    except BundlingError as error:
        return str(error)
