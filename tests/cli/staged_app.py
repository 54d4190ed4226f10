"""An app of two stages, as CDK writes one: a queue in a stack of each; only the stage that the context asks for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.local.session.example_app import ExampleApp

STAGES = ("dev", "prod")
ROOT = Path(__file__).parents[2]
APP = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.cli.staged_app import main\nmain()\n"


def main() -> None:
    """Do what an app does that reads the context `stage`."""
    only = json.loads(os.environ["CDK_CONTEXT_JSON"]).get("stage")
    seconds = int(Path("seconds.txt").read_text())
    write_stages(Path(os.environ["CDK_OUTDIR"]), *([only] if only else STAGES), seconds=seconds)


def write_stages(folder: Path, *stages: str, seconds: int = 30) -> Path:
    """Write the assembly."""
    artifacts: dict[str, Any] = {}
    for stage in stages:
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}}
        output = {"QueueUrl": {"Value": {"Ref": "Queue"}}}
        inner = ExampleApp(folder / f"assembly-{stage}")
        inner.add_stack(f"{stage}Shop", {"Resources": {"Queue": queue}, "Outputs": output}, stackName=f"{stage}-Shop")
        manifest = inner.folder / "manifest.json"
        written = json.loads(manifest.read_text())
        written["artifacts"][f"{stage}Shop"]["displayName"] = f"{stage}/Shop ({stage}-Shop)"
        manifest.write_text(json.dumps(written))
        artifacts[f"assembly-{stage}"] = {
            "type": "cdk:cloud-assembly",
            "properties": {"directoryName": f"assembly-{stage}", "displayName": stage},
        }
    (folder / "manifest.json").write_text(json.dumps({"version": "53.0.0", "artifacts": artifacts}))
    return folder
