"""The example app as `make run` deploys it: real processes, real HTTP, IAM enforced."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import aws_cdk as cdk
import pytest

from app import compose
from constructs_lib.local import LocalAws

ROOT = Path(__file__).parents[2]
THIS_MACHINE = {"constructs-lib:bundle-for": "this-machine", "aws:cdk:enable-path-metadata": True}

Synthesize = Callable[[Callable[[cdk.App], object]], Path]


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize an app as the local run does, and say where its assembly is."""

    def synthesized(fill: Callable[[cdk.App], object]) -> Path:
        assembly = tmp_path_factory.mktemp("assembly")
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        app = cdk.App(outdir=str(assembly), analytics_reporting=False, context={**context, **THIS_MACHINE})
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            fill(app)
            app.synth()
        return assembly

    return synthesized


@pytest.fixture(scope="session")
def example_assembly(synthesize: Synthesize) -> Path:
    return synthesize(compose)


@pytest.fixture(scope="session")
def local(example_assembly: Path) -> Iterator[LocalAws]:
    """One deployment for all tests that leave it as they found it."""
    with LocalAws.from_assembly(example_assembly) as aws:
        yield aws
        assert aws.journal("unfinished") == [], "no handler of the examples leaves work behind"
