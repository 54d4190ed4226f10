"""docs/secrets.md says what is so: its handlers compile and rotate, and its names and numbers are those of the code."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.exactly_once.node_functions import NODE
from constructs_lib import runtime
from constructs_lib.runtime import rotation_steps
from tests.runtime.fake_secrets_manager import FakeSecretsManager
from tests.runtime.test_rotation import INSTANTS, STEPS, TOKEN, event

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "secrets.md").read_text()


def test_the_typescript_handlers_pass_the_compiler(tmp_path: Path) -> None:
    blocks = re.findall(r"```ts\n(.+?)```", PAGE, re.DOTALL)
    files = [f"page{number}.ts" for number in range(len(blocks))]
    assert len(files) == 2
    for name, block in zip(files, blocks, strict=True):
        (tmp_path / name).write_text(block)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    settings = {"extends": f"{ROOT}/tsconfig.json", "files": files, "include": []}
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))
    compiler = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
    command = [str(NODE), str(compiler), "--noEmit", "-p", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_handler_of_a_rotation_rotates(monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = [
        each for each in re.findall(r"```python excerpt\n(.+?)```", PAGE, re.DOTALL) if "import rotation" in each
    ]
    manager = FakeSecretsManager.holding("old")
    monkeypatch.setattr(rotation_steps, "_client", lambda: manager)
    accepted = ["old"]

    def log_in(key: str) -> None:
        assert key == accepted[-1]

    def set_key(key: str, authorized_by: str) -> None:
        assert authorized_by == accepted[-1]
        accepted.append(key)

    names: dict[str, Any] = {"log_in": log_in, "service": SimpleNamespace(set_key=set_key)}
    exec(block, names)
    manager.begin(TOKEN)
    for step in STEPS:
        names["handler"](event(step), None)
    assert manager.labelled("AWSCURRENT") == TOKEN
    assert accepted == ["old", manager.value()]


def test_it_names_what_exists() -> None:
    for name in ("parameter_value", "parameters_below", "rotation", "secret_value", "with_parameter", "with_secret"):
        assert name in PAGE
        assert name in runtime.__all__
        assert callable(getattr(runtime, name))


def test_a_rotation_has_as_many_instants_as_it_says() -> None:
    assert f"kill it at each of its {INSTANTS} instants" in PAGE
