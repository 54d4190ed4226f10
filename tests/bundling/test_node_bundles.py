"""What a Node bundle is: one file, the same bytes wherever and in whatever company it is made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.project import Project
from tests.bundling.conftest import CHECKOUT, NODE, Sandbox, call_node, index_js

PRICE, STOCK = "handlers/price.ts", "handlers/stock.ts"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class TestBundle:
    def test_is_one_file_that_answers(self, node_project: Sandbox, tmp_path: Path) -> None:
        (asset,) = node_project.node(PRICE)
        folder = asset.stage(tmp_path / "out")
        assert [path.name for path in folder.iterdir()] == ["index.js"]
        assert call_node(folder, {"amount": 1.5}) == {"cents": 300}

    def test_leaves_out_what_is_not_used(self, node_project: Sandbox) -> None:
        (asset,) = node_project.node(PRICE)
        assert "never reaches" not in index_js(asset)

    def test_serves_another_export_when_named(self, node_project: Sandbox, tmp_path: Path) -> None:
        (asset,) = node_project.node(STOCK, handler="warm")
        assert call_node(asset.stage(tmp_path), handler="warm") == "warm"

    def test_takes_commonjs_as_it_is(self, node_project: Sandbox, tmp_path: Path) -> None:
        (asset,) = node_project.node("handlers/plain.cjs")
        assert call_node(asset.stage(tmp_path)) == "plain"

    def test_keeps_a_dynamic_import_inside_the_one_file(self, node_project: Sandbox, tmp_path: Path) -> None:
        node_project.write("handlers/late.ts", 'export const handler = async () => (await import("./rates")).rate();')
        folder = node_project.node("handlers/late.ts")[0].stage(tmp_path)
        assert sorted(path.name for path in folder.iterdir()) == ["index.js"]
        assert call_node(folder) == 2

    def test_is_written_for_the_syntax_of_its_runtime(self, node_project: Sandbox) -> None:
        node_project.write(
            "handlers/new.ts", "export class A { static { console.log(1); } }; export const handler = A;"
        )
        (old,) = node_project.node("handlers/new.ts", target="node14")
        (new,) = node_project.node("handlers/new.ts", target="node24")
        assert "static{" in index_js(new)
        assert "static{" not in index_js(old)

    def test_includes_the_files_asked_for(self, node_project: Sandbox, tmp_path: Path) -> None:
        node_project.write("handlers/templates/mail.txt", "Dear")
        node_project.write("handlers/templates/deep/mail.txt", "Deep")
        (asset,) = node_project.node(PRICE, include=("templates/*.txt",))
        assert sorted(asset.files) == ["index.js", "templates/mail.txt"]
        assert (asset.stage(tmp_path) / "templates" / "mail.txt").read_text() == "Dear"


class TestImportMeta:
    def test_names_the_file_and_folder_of_the_bundle(self, node_project: Sandbox, tmp_path: Path) -> None:
        node_project.write("lib/where.ts", "export const url = import.meta.url;")
        node_project.write(
            "handlers/where.ts",
            'import { createRequire } from "node:module"; import { fileURLToPath } from "node:url";\n'
            'import { url } from "../lib/where"; const os = createRequire(import.meta.url)("node:os");\n'
            "export const handler = async () =>"
            " [fileURLToPath(url), import.meta.dirname, import.meta.filename, os.EOL];",
        )
        (asset,) = node_project.node("handlers/where.ts")
        folder = asset.stage(tmp_path / "a b")
        assert call_node(folder) == [f"{folder}/index.js", str(folder), f"{folder}/index.js", "\n"]
        assert asset.notes == ()

    def test_costs_nothing_where_it_is_not_used(self, node_project: Sandbox) -> None:
        assert "pathToFileURL" not in index_js(node_project.node(PRICE)[0])


class TestNotes:
    def test_say_what_will_not_be_there_at_run_time(self, node_project: Sandbox) -> None:
        node_project.package("loads", {"index.js": "exports.load = (name) => require(name);"})
        node_project.write("lib/plugin.cjs", "exports.load = (name) => require(name);")
        node_project.write(
            "handlers/loads.ts",
            'import { load } from "../lib/plugin.cjs"; import { load as other } from "loads";\n'
            "export const handler = async (name: string) =>"
            " [load(name), other(name), await import(name), import.meta.resolve];",
        )
        computed = (
            "is computed, so nothing is bundled for it: name the modules it may be, or add them with include=[...]"
        )
        expected = {
            f"handlers/loads.ts:2:80: what this import() loads {computed}",
            "handlers/loads.ts:2:94: a bundle is CommonJS: of import.meta it only has url, dirname and filename",
            f"lib/plugin.cjs:1:26: what this require() loads {computed}",
        }
        for _ in ("cold", "warm"):
            price, loads = node_project.node(PRICE, "handlers/loads.ts")
            assert set(loads.notes) == expected
            assert price.notes == ()
        assert node_project.launcher.tools == ["esbuild"]


class TestSourceMap:
    def test_is_absent_by_default(self, node_project: Sandbox) -> None:
        assert node_project.node(PRICE)[0].source_map is None

    def test_lies_beside_the_asset_and_does_not_change_it(self, node_project: Sandbox, tmp_path: Path) -> None:
        (plain,) = node_project.node(PRICE)
        (mapped,) = node_project.node(PRICE, source_map=True)
        assert mapped.hash == plain.hash
        folder = mapped.stage(tmp_path)
        assert [path.name for path in folder.iterdir()] == ["index.js"]
        source_map = json.loads((tmp_path / "source-maps" / folder.name / "index.js.map").read_bytes())
        assert sorted(source_map["sources"]) == ["handlers/price.ts", "handlers/rates.ts", "lib/money.ts"]


class TestIsolation:
    def test_bytes_do_not_depend_on_order_or_company(self, node_project: Sandbox) -> None:
        node_project.write(
            "handlers/other.ts", 'import {rate} from "./rates"; export const handler = () => rate() + rate();'
        )
        entries = [PRICE, STOCK, "handlers/other.ts"]
        alone = {entry: node_project.node(entry)[0].hash for entry in entries}
        for company in (entries, entries[::-1]):
            fresh = Sandbox.copy_of("node", node_project.folder.parent / f"fresh {company[0].replace('/', ' ')}")
            fresh.write("handlers/other.ts", (node_project.folder / "handlers/other.ts").read_text())
            assert dict(zip(company, (asset.hash for asset in fresh.node(*company)), strict=True)) == alone
            assert fresh.launcher.tools == ["esbuild"]

    def test_bytes_do_not_depend_on_the_folder_they_are_made_in(self, tmp_path: Path) -> None:
        made = []
        for folder in ("here", "a folder with spaces/and ünïcode"):
            sandbox = Sandbox.copy_of("node", tmp_path / folder)
            sandbox.package("left", {"index.js": "module.exports = { left: () => 'left' };"})
            sandbox.write("handlers/uses.ts", 'import {left} from "left"; export const handler = async () => left();')
            made.append([asset.hash for asset in sandbox.node(PRICE, STOCK, "handlers/uses.ts")])
        assert made[0] == made[1]

    def test_bytes_do_not_depend_on_where_this_library_is_installed(
        self, node_project: Sandbox, tmp_path: Path
    ) -> None:
        node_project.package(
            "@aws-sdk/credential-provider-node",
            {"index.js": "export const defaultProvider = 1;"},
            sideEffects=False,
        )
        node_project.write(
            "handlers/where.ts",
            'const late = () => require("@aws-sdk/credential-provider-node").defaultProvider;\n'
            "export const handler = async () => [import.meta.url, late()];",
        )
        site = tmp_path / "site packages"
        for name in ("bundling", "problem.py", "__init__.py"):
            (shutil.copytree if name == "bundling" else shutil.copy)(
                CHECKOUT / "constructs_lib" / name, _made(site / "constructs_lib") / name
            )
        (site / "tsconfig.json").write_text('{"compilerOptions": {"alwaysStrict": false}}')
        (site / "package.json").write_text('{"type": "commonjs"}')
        script = (
            "import constructs_lib; from pathlib import Path\n"
            "from constructs_lib.bundling.node import NodeEntry, bundle_node\n"
            "from constructs_lib.bundling.project import Project\n"
            "project = Project(Path.cwd())\n"
            "(asset,) = bundle_node([NodeEntry(project.folder / 'handlers/where.ts')], project)\n"
            "print(constructs_lib.__file__, asset.hash)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=node_project.folder,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=True,
        )
        shutil.rmtree(node_project.cache)
        assert done.stdout == f"{site}/constructs_lib/__init__.py {node_project.node('handlers/where.ts')[0].hash}\n"

    def test_bytes_do_not_depend_on_the_current_folder(
        self, node_project: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (expected,) = node_project.node(PRICE)
        monkeypatch.chdir(node_project.folder)
        from_root = bundle_node([NodeEntry(node_project.folder / PRICE)], Project.current())
        monkeypatch.chdir(node_project.folder / "handlers")
        from_inside = bundle_node([NodeEntry(node_project.folder / PRICE)], Project.current())
        assert from_root[0].hash == from_inside[0].hash == expected.hash

    def test_editing_one_handler_moves_one_asset(self, node_project: Sandbox) -> None:
        before = [asset.hash for asset in node_project.node(PRICE, STOCK)]
        node_project.write(PRICE, (node_project.folder / PRICE).read_text().replace("* rate()", "+ rate()"))
        after = [asset.hash for asset in node_project.node(PRICE, STOCK)]
        assert [old == new for old, new in zip(before, after, strict=True)] == [False, True]

    def test_editing_a_comment_moves_no_asset(self, node_project: Sandbox) -> None:
        before = [asset.hash for asset in node_project.node(PRICE, STOCK)]
        text = (node_project.folder / PRICE).read_text()
        node_project.write(PRICE, text.replace("// what a customer pays", "// what anybody pays\n\n"))
        assert [asset.hash for asset in node_project.node(PRICE, STOCK)] == before
        assert node_project.launcher.tools == ["esbuild", "esbuild"]

    def test_one_process_serves_all_entries_of_one_runtime(self, node_project: Sandbox) -> None:
        node_project.node(PRICE, STOCK, "handlers/plain.cjs")
        assert node_project.launcher.tools == ["esbuild"]


class TestStaging:
    def test_is_whole_or_not_there(self, node_project: Sandbox, tmp_path: Path) -> None:
        (asset,) = node_project.node(PRICE, include=("*.ts",))
        broken = type(asset)({**asset.files, "x": type(asset.files["index.js"])("0", cached=tmp_path / "absent")})
        with pytest.raises(FileNotFoundError):
            broken.stage(tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []

    @pytest.mark.parametrize("damage", ["edited", "added", "removed", "mode", "dangling"])
    def test_mends_what_was_changed_in_the_assembly(self, node_project: Sandbox, tmp_path: Path, damage: str) -> None:
        asset = node_project.node(PRICE, include=("rates.ts",))[0]
        home = asset.stage(tmp_path / "out")
        assert asset.stage(tmp_path / "out").stat().st_ino == home.stat().st_ino  # left alone while it is whole
        if damage == "edited":
            (home / "index.js").write_text("exports.handler = async () => 'tampered with';")
        elif damage == "added":
            (home / "deep").mkdir()
            (home / "deep" / "more.js").write_text("")
        elif damage == "removed":
            (home / "rates.ts").unlink()
        elif damage == "mode":
            (home / "index.js").chmod(0o755)
        else:
            (home / "x").symlink_to("gone")
        assert asset.stage(tmp_path / "out") == home
        assert sorted(path.name for path in home.iterdir()) == ["index.js", "rates.ts"]
        assert (home / "index.js").read_text() == index_js(asset)
        assert (home / "index.js").stat().st_mode & 0o777 == 0o644
        assert [path.name for path in (tmp_path / "out").iterdir()] == [asset.folder_name]

    def test_does_not_tie_the_assembly_to_the_cache(self, node_project: Sandbox, tmp_path: Path) -> None:
        staged = node_project.node(PRICE)[0].stage(tmp_path / "one") / "index.js"
        staged.write_text("damaged by hand")
        again = node_project.node(PRICE)[0].stage(tmp_path / "two") / "index.js"
        assert "damaged" not in again.read_text()
        assert again.stat().st_mode & 0o777 == 0o644


def test_the_bundle_of_a_real_sdk_client_loads_without_the_network(empty_project: Sandbox, tmp_path: Path) -> None:
    modules = Path(__file__).parents[2] / "node_modules"
    for name in ("@aws-sdk", "@smithy", "@aws", "@aws-crypto", "tslib"):
        if (modules / name).exists():
            (empty_project.folder / "node_modules" / name).symlink_to(modules / name, target_is_directory=True)
    empty_project.write(
        "get.ts",
        'import { DynamoDBClient } from "@aws-sdk/client-dynamodb";\n'
        "const client = new DynamoDBClient({});\n"
        "export const handler = async () => (await client.config.credentials()).accessKeyId;\n",
    )
    folder = empty_project.node("get.ts")[0].stage(tmp_path)
    environment = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
    assert call_node(folder, env=environment) == "AKIAEXAMPLE"
    assert call_node(folder, env={"AWS_REGION": "eu-west-1"})["name"] == "CredentialsProviderError"
    assert subprocess.run([NODE, "--check", folder / "index.js"], check=False).returncode == 0
