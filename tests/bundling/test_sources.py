"""What the local run is told of bundles, and bundles that are made again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from constructs_lib.bundling.code import BUNDLE_FOR, BundledCode
from constructs_lib.bundling.machine import lambda_machine, this_machine
from constructs_lib.bundling.node import NodeEntry
from constructs_lib.bundling.python import PythonEntry
from constructs_lib.bundling.sources import FILE, entry_as_json, entry_from_json
from constructs_lib.local import bundle_sources
from constructs_lib.local.bundle_sources import BundleSources

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "package.json": "{}",
        "handlers/greet.ts": "import { word } from './word';\nexport const handler = async () => word;\n",
        "handlers/word.ts": "export const word = 'hello';\n",
        "handlers/page.html": "<p>",
        "handlers/greet.py": "from word import WORD\ndef handler(event, context):\n    return WORD\n",
        "handlers/word.py": "WORD = 'hello'\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def synthesized(folder: Path, **context: str) -> Path:
    app = cdk.App(outdir=str(folder / "out"), context=dict(context), analytics_reporting=False)
    stack = cdk.Stack(app, "Shop")
    architecture = lambda_.Architecture.X86_64
    for name, runtime, include in (
        ("greet.ts", lambda_.Runtime.NODEJS_24_X, ["*.html"]),
        ("greet.py", lambda_.Runtime.PYTHON_3_13, []),
    ):
        code = BundledCode(f"handlers/{name}", runtime=runtime, architecture=architecture, include=include)
        lambda_.Function(stack, name[-2:], code=code, handler=code.handler, runtime=runtime, architecture=architecture)
    app.synth()
    return folder / "out"


class TestWhatIsWritten:
    def test_for_this_machine_every_bundle_and_its_sources(self, shop: Path) -> None:
        out = synthesized(shop, **{BUNDLE_FOR: "this-machine"})
        told = BundleSources.read(out)
        assert told is not None
        assert (told.project, told.python) == (shop, sys.executable)
        assert Path(__file__) in told.app
        assert not any("site-packages" in path.parts for path in told.app)
        node, python = sorted(told.bundles, key=lambda each: each.path.suffix, reverse=True)
        handlers = shop / "handlers"
        assert {"greet.ts", "word.ts", "page.html"} == {each.name for each in node.sources if each.parent == handlers}
        assert shop / "package.json" in node.sources
        assert python.sources >= {handlers / "greet.py", handlers / "word.py"}
        assert not any("node_modules" in path.parts for path in told.files)
        assert all((each.folder.is_dir(), each.folder.parent) == (True, out) for each in told.bundles)

    def test_for_lambda_nothing(self, shop: Path) -> None:
        out = synthesized(shop)
        assert not (out / FILE).exists()
        assert BundleSources.read(out) is None

    def test_the_reader_looks_for_the_file_that_is_written(self) -> None:
        assert bundle_sources.FILE == FILE

    @pytest.mark.parametrize(
        "entry",
        [
            NodeEntry(
                Path("/a.ts"), "run", "node22", this_machine(), ("*.html",), source_map=True, credentials="chain"
            ),
            PythonEntry(Path("/a.py"), lambda_machine("arm64"), "run", (3, 12), ("*.sql",), bundle_sdk=True),
        ],
    )
    def test_an_entry_is_read_as_it_was_written(self, entry: NodeEntry | PythonEntry) -> None:
        assert entry_from_json(json.loads(json.dumps(entry_as_json(entry)))) == entry


class TestRebuild:
    def test_a_process_makes_bundles_again_each_on_its_own_account(self, shop: Path, tmp_path: Path) -> None:
        told = BundleSources.read(synthesized(shop, **{BUNDLE_FOR: "this-machine"}))
        assert told is not None
        bundles = sorted(told.bundles, key=lambda each: each.path.suffix, reverse=True)
        order = {
            "project": str(shop),
            "outdir": str(tmp_path / "again"),
            "entries": [dict(each.entry) for each in bundles],
        }
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "constructs_lib.bundling.rebuild"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        with process:
            assert process.stdin is not None
            assert process.stdout is not None

            def again() -> list[dict[str, object]]:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
                answer: list[dict[str, object]] = json.loads(process.stdout.readline())
                return answer

            same = again()
            assert [Path(str(each["folder"])).name for each in same] == [each.asset for each in bundles]
            (shop / "handlers" / "word.ts").write_text("export const word = (;\n")
            (shop / "handlers" / "word.py").write_text("WORD = 'goodbye'\n")
            node, python = again()
            assert node.keys() == {"problems"}
            assert str(node["problems"]).count("handlers/word.ts:1:22") == 1
            assert "goodbye" in (Path(str(python["folder"])) / "word.py").read_text()
            (shop / "handlers" / "word.ts").write_text("import { more } from './more'; export const word = more;\n")
            (shop / "handlers" / "more.ts").write_text("export const more = 'goodbye';\n")
            node, _ = again()
            assert "goodbye" in (Path(str(node["folder"])) / "index.js").read_text()
            assert str(shop / "handlers" / "more.ts") in str(node["sources"])
            (shop / "handlers" / "greet.ts").unlink()
            (shop / "handlers" / "greet.py").unlink()
            for each, name in zip(again(), ("greet.ts", "greet.py"), strict=True):
                fix = "put it back, or take the function out of its stack"
                gone = {"what": "the file of the handler is gone", "where": f"handlers/{name}", "fix": fix}
                assert each == {"problems": [gone]}
            process.stdin.close()
        assert process.returncode == 0
