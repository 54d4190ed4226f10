"""The example app, synthesized once for every test of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from app import compose

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assembly")


@pytest.fixture(scope="session")
def example_app(assembly: Path) -> cdk.App:
    """The stacks of `app.py` with the context of cdk.json, bundled for Lambda."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = cdk.App(outdir=str(assembly), analytics_reporting=False, context=context)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        compose(app)
        app.synth()
    return app


@pytest.fixture(scope="session")
def templates(example_app: cdk.App, assembly: Path) -> dict[str, dict[str, Any]]:
    """Each stack's template, read from disk."""
    assert example_app.node.children
    suffix = ".template.json"
    return {file.name.removesuffix(suffix): json.loads(file.read_text()) for file in assembly.glob(f"*{suffix}")}
