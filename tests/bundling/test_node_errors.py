"""Whatever esbuild refuses reaches the user in three lines, with the place and the fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.process import Finished
from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError
from tests.bundling.conftest import Sandbox


def _error(sandbox: Sandbox, *entries: str) -> str:
    with pytest.raises(BundlingError) as caught:
        sandbox.node(*entries)
    return str(caught.value)


def _three(what: str, where: str, fix: str) -> str:
    return f"{what}\n  at:  {where}\n  fix: {fix}"


class TestUnresolvedImport:
    def test_of_a_package_says_how_to_install_it(self, empty_project: Sandbox) -> None:
        empty_project.write("a.ts", 'import pad from "left-pad/deep";\nexport const handler = () => pad;')
        expected = _three('"left-pad/deep" cannot be resolved', "a.ts:1:17", "npm install left-pad")
        assert _error(empty_project, "a.ts") == expected

    def test_of_a_mistyped_package_says_which_was_meant(self, empty_project: Sandbox) -> None:
        empty_project.write("package.json", '{"dependencies": {"@aws-sdk/client-dynamodb": "3"}}')
        empty_project.write("a.ts", 'import "@aws-sdk/client-dynamo";\nexport const handler = () => 1;')
        expected = _three(
            '"@aws-sdk/client-dynamo" cannot be resolved',
            "a.ts:1:8",
            'npm install @aws-sdk/client-dynamo (or did you mean "@aws-sdk/client-dynamodb"?)',
        )
        assert _error(empty_project, "a.ts") == expected

    def test_of_a_package_that_is_named_but_not_installed(self, empty_project: Sandbox) -> None:
        empty_project.write("package.json", '{"dependencies": {"zod": "4"}}')
        empty_project.write("a.ts", 'import "zod";')
        expected = _three(
            '"zod" cannot be resolved', "a.ts:1:8", "npm install (package.json names it, but it is not installed)"
        )
        assert _error(empty_project, "a.ts") == expected

    def test_of_a_file_that_an_installed_package_lacks(self, empty_project: Sandbox) -> None:
        empty_project.package("zod", {"index.js": ""})
        empty_project.write("a.ts", 'import "zod/nano";')
        expected = _three(
            '"zod/nano" cannot be resolved', "a.ts:1:8", "zod is installed, but has no such file or export: correct it"
        )
        assert _error(empty_project, "a.ts") == expected

    def test_of_a_mistyped_file_says_which_was_meant(self, node_project: Sandbox) -> None:
        node_project.write("handlers/a.ts", 'import { rate } from "../handlers/rate";\nexport const handler = rate;')
        expected = _three(
            '"../handlers/rate" cannot be resolved', "handlers/a.ts:1:22", 'did you mean "../handlers/rates"?'
        )
        assert _error(node_project, "handlers/a.ts") == expected

    def test_of_a_file_with_nothing_like_it(self, empty_project: Sandbox) -> None:
        empty_project.write("a.ts", 'import "./nowhere/zebra";')
        expected = _three(
            '"./nowhere/zebra" cannot be resolved', "a.ts:1:8", "create nowhere/zebra, or correct the import"
        )
        assert _error(empty_project, "a.ts") == expected

    def test_of_an_alias(self, node_project: Sandbox) -> None:
        node_project.write("handlers/a.ts", 'import "@/money";')
        expected = _three(
            '"@/money" cannot be resolved',
            "handlers/a.ts:1:8",
            "add it to paths in tsconfig.json (or imports in package.json), or correct the import",
        )
        assert _error(node_project, "handlers/a.ts") == expected


class TestSource:
    def test_syntax_error(self, empty_project: Sandbox) -> None:
        empty_project.write("a.ts", "export const handler = () => {\n  return (1;\n};")
        expected = _three('expected ")" but found ";"', "a.ts:2:12", "mend the syntax: return (1;")
        assert _error(empty_project, "a.ts") == expected

    def test_column_counts_characters_not_bytes(self, empty_project: Sandbox) -> None:
        empty_project.write("a.ts", 'const é = "ü";  import "./gone";')
        assert "at:  a.ts:1:24\n" in _error(empty_project, "a.ts")

    def test_missing_export_says_which_was_meant(self, node_project: Sandbox) -> None:
        node_project.write("handlers/a.ts", 'import { rat } from "./rates";\nexport const handler = rat;')
        expected = _three('"handlers/rates.ts" has no export "rat"', "handlers/a.ts:1:10", 'did you mean "rate"?')
        assert _error(node_project, "handlers/a.ts") == expected

    def test_file_of_an_unknown_kind(self, empty_project: Sandbox) -> None:
        empty_project.write("schema.sql", "select 1")
        empty_project.write("a.ts", 'import schema from "./schema.sql";\nexport const handler = () => schema;')
        expected = _three(
            'a ".sql" file cannot be bundled: schema.sql',
            "a.ts:1:20",
            "read it at run time, and add it to the bundle with include=[...]",
        )
        assert _error(empty_project, "a.ts") == expected

    def test_await_outside_of_a_function(self, empty_project: Sandbox) -> None:
        empty_project.write("a.ts", "const v = await Promise.resolve(1);\nexport const handler = async () => v;")
        empty_project.package("waits", {"i.js": "export const v = await 1;"}, type="module", exports="./i.js")
        empty_project.write("b.ts", 'import { v } from "waits";\nexport const handler = async () => v;')
        what = "await outside of a function: a bundle is CommonJS, which cannot wait while it is loaded"
        assert _error(empty_project, "a.ts") == _three(
            what, "a.ts:1:11", "keep the promise (const ready = start()), and await it in the handler"
        )
        assert _error(empty_project, "b.ts") == _three(
            what,
            "node_modules/waits/i.js:1:18",
            "use a version of the package that does not wait while it is loaded",
        )

    def test_error_beside_a_warning(self, empty_project: Sandbox) -> None:
        empty_project.write("a.ts", 'import "gone";\nexport const handler = () => require(process.env.X!);')
        assert _error(empty_project, "a.ts") == _three('"gone" cannot be resolved', "a.ts:1:8", "npm install gone")

    def test_all_failures_of_all_entries_at_once(self, empty_project: Sandbox) -> None:
        empty_project.write("a.ts", 'import "gone-one";\nimport "gone-two";')
        empty_project.write("b.ts", "const = 1;")
        empty_project.write("c.mjs", "export const handler = 1; import 'gone-one';")
        with pytest.raises(BundlingError) as caught:
            empty_project.node("a.ts", "b.ts", "c.mjs")
        assert {problem.where for problem in caught.value.problems} == {
            "a.ts:1:8",
            "a.ts:2:8",
            "b.ts:1:7",
            "c.mjs:1:34",
        }

    def test_nothing_is_kept_of_a_failed_run(self, empty_project: Sandbox) -> None:
        empty_project.write("a.ts", "const = 1;")
        _error(empty_project, "a.ts")
        assert [path.name for path in empty_project.cache.rglob("*") if path.is_file()] == [".gitignore"]


class TestHandler:
    def test_absent_says_what_there_is(self, node_project: Sandbox) -> None:
        node_project.write("handlers/a.ts", "export const handle = () => 1; export const other = () => 2;")
        expected = _three(
            'no export "handler" (it exports: handle, other)',
            "handlers/a.ts:1:1",
            'export const handler = ..., or handler="handle"',
        )
        assert _error(node_project, "handlers/a.ts") == expected

    def test_absent_from_a_module_that_exports_nothing(self, node_project: Sandbox) -> None:
        node_project.write("handlers/a.ts", "console.log(1);\nexport {};")
        expected = _three(
            'no export "handler" (it exports nothing by name)', "handlers/a.ts:1:1", "export const handler = ..."
        )
        assert _error(node_project, "handlers/a.ts") == expected

    def test_of_every_entry_at_once(self, node_project: Sandbox) -> None:
        for name in ("a", "b"):
            node_project.write(f"handlers/{name}.ts", "export const main = () => 1;")
        with pytest.raises(BundlingError) as caught:
            node_project.node("handlers/a.ts", "handlers/b.ts")
        assert [problem.where for problem in caught.value.problems] == ["handlers/a.ts:1:1", "handlers/b.ts:1:1"]

    @pytest.mark.parametrize(
        "source",
        [
            'export * from "./rates"; export { rate as handler } from "./rates";',
            'export * from "node:fs";',  # may export anything
            "module.exports = { handler: 1 };",  # says what it exports when it runs
            "export { other as handler }; const other = 1;",
            'export * from "./plain.cjs";',  # says what it exports when it runs
            'export * from "./again"; export {};',
            "export const handler = [async () => 1][0];",
            "/*\nexport const handler = 42;\n*/\nexport const handler = async () => 1;",
            'const a = 1; export { a as handler, a as "quoted name", a as class };',
        ],
    )
    def test_is_accepted_in_every_form(self, node_project: Sandbox, source: str) -> None:
        node_project.write("handlers/again.ts", 'export * from "./plain.cjs";')
        node_project.write("handlers/a.ts", source)
        assert len(node_project.node("handlers/a.ts")) == 1

    @pytest.mark.parametrize(
        ("source", "shown", "where"),
        [
            ("export const handler = 42;", "42", "1:24"),
            ("\nexport let handler: string = 'soon'", "'soon'", "2:30"),
            ("export const handler = [1];", "[1]", "1:24"),
            ("export const handler = null\nexport const other = 1;", "null", "1:24"),
        ],
    )
    def test_must_be_a_function(self, node_project: Sandbox, source: str, shown: str, where: str) -> None:
        node_project.write("handlers/a.ts", source)
        assert _error(node_project, "handlers/a.ts") == _three(
            f'"handler" is {shown}, not a function',
            f"handlers/a.ts:{where}",
            "export const handler = async (event) => { ... }",
        )

    def test_named_with_its_file(self, node_project: Sandbox) -> None:
        with pytest.raises(BundlingError) as caught:
            node_project.node("handlers/price.ts", handler="price.handler")
        assert str(caught.value) == _three(
            'no export "price.handler" (it exports: handler)',
            "handlers/price.ts:1:1",
            'handler="handler": the file is what entry names',
        )

    def test_may_be_the_default_export(self, node_project: Sandbox) -> None:
        node_project.write("handlers/a.ts", "export default async () => 1;")
        assert len(node_project.node("handlers/a.ts", handler="default")) == 1
        with pytest.raises(BundlingError, match='no export "default"'):
            node_project.node("handlers/price.ts", handler="default")


class TestTools:
    def test_esbuild_not_installed(self, tmp_path: Path) -> None:
        (tmp_path / "node_modules").mkdir()
        entry = tmp_path / "src" / "a.ts"
        entry.parent.mkdir()
        entry.write_text("export const handler = 1;")
        with pytest.raises(BundlingError) as caught:
            bundle_node([NodeEntry(entry)], Project(tmp_path))
        (problem,) = caught.value.problems
        assert problem.what.startswith("esbuild is not installed for ")
        assert "(searched: node_modules" in problem.what
        assert (problem.where, problem.fix) == ("src/a.ts", "npm install --save-dev esbuild")

    @pytest.mark.parametrize("said", ["", "some panic nobody expects\n"])
    def test_esbuild_dies_without_a_message_of_its_kind(self, node_project: Sandbox, said: str) -> None:
        def dies(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
            del argv, cwd, env
            return Finished(-9, "", said)

        project = Project(node_project.folder, dies)
        with pytest.raises(BundlingError) as caught:
            bundle_node([NodeEntry(project.folder / "handlers/price.ts")], project)
        assert caught.value.problems[0].what == f"esbuild failed: {said.strip() or 'it said nothing'}"

    def test_esbuild_cannot_be_started(self, node_project: Sandbox) -> None:
        def refuses(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
            del argv, cwd, env
            raise PermissionError(13, "Permission denied")

        project = Project(node_project.folder, refuses)
        with pytest.raises(BundlingError, match=r"esbuild cannot be started \(Permission denied\)"):
            bundle_node([NodeEntry(project.folder / "handlers/price.ts")], project)

    @pytest.mark.parametrize(
        "content", ["[]", "null", '{"packages": null}', '{"packages": []}', '{"packages": {"": null}}', '"x"']
    )
    def test_lock_that_npm_did_not_write(self, node_project: Sandbox, content: str) -> None:
        node_project.write("package-lock.json", content)
        assert _error(node_project, "handlers/price.ts") == _three(
            "package-lock.json is JSON, but not what npm writes", "package-lock.json", "remove it, and npm install"
        )

    @pytest.mark.parametrize("content", ["<<<<<<< HEAD", "[" * 100_000, "\x00"])
    def test_lock_that_is_not_json(self, node_project: Sandbox, content: str) -> None:
        node_project.write("package-lock.json", content)
        assert _error(node_project, "handlers/price.ts").startswith("package-lock.json is not JSON (")

    @pytest.mark.parametrize("content", ["[1]", "1", '{"dependencies": "a"}', '{"devDependencies": [1]}', "{", ""])
    def test_package_json_that_says_nothing(self, empty_project: Sandbox, content: str) -> None:
        empty_project.write("package.json", content)
        empty_project.write("a.js", 'import "gone";')
        assert '"gone" cannot be resolved\n  at:  a.js:1:8\n  fix: npm install gone' in _error(empty_project, "a.js")

    def test_include_matches_nothing(self, node_project: Sandbox) -> None:
        with pytest.raises(BundlingError) as caught:
            node_project.node("handlers/price.ts", include=("data/*.json",))
        assert str(caught.value) == _three(
            'include "data/*.json" matches no file (searched: handlers)',
            "handlers/price.ts",
            "correct the pattern, or leave it out",
        )
