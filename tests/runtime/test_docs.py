"""docs/batch-handlers.md says what is so: its handlers run, and its numbers name what can be measured."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.exactly_once.__main__ import LANGUAGES, VARIANTS
from benchmarks.exactly_once.memory_table import MemoryTable
from benchmarks.exactly_once.node_functions import NODE
from constructs_lib import runtime
from constructs_lib.runtime import once
from tests.runtime.batches import Context, batch, failed, message

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "batch-handlers.md").read_text()


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.+?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.mark.usefixtures("has_table")
def test_the_python_handler_charges_an_order_once(monkeypatch: pytest.MonkeyPatch, table: MemoryTable) -> None:
    monkeypatch.setenv("CHARGES_TABLE", "charges")
    monkeypatch.setattr(
        "boto3.session.Session.client", lambda *_, **__: table
    )  # the page's handler takes the default client
    names: dict[str, Any] = {}
    exec(block("python"), names)
    charge = {"order": "o1", "cents": 995}
    assert failed(names["handler"](batch(message("m0", charge), message("m1", charge)), Context())) == []
    assert table.items["charges", "o1"] == {"id": {"S": "o1"}, "cents": {"N": "995"}}
    assert table.calls.count("TransactWriteItems") == 1


def test_the_typescript_handler_passes_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "page.ts").write_text(block("ts"))
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    settings = {"extends": f"{ROOT}/tsconfig.json", "files": ["page.ts"], "include": []}
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))
    compiler = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
    command = [str(NODE), str(compiler), "--noEmit", "-p", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_its_table_has_every_variant_and_promises_what_the_tests_hold() -> None:
    rows = re.findall(r"^\| (Python|Node): (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert len(rows) == len(LANGUAGES) * len(VARIANTS)
    assert {row[2:] for row in rows if row[1] in {"wrapper, effect by key", "wrapper, effect committed"}} == {
        ("100 %", "100 %", "100 %")
    }


def test_it_names_what_exists() -> None:
    assert once.TABLE_VARIABLE in PAGE
    for name in ("queue_worker", "stream_worker", "ClaimLost"):
        assert name in PAGE
        assert name in runtime.__all__
