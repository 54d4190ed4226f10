"""All classic mistakes in one stack: its synthesis fails, and each of them is named where it was made."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
import pytest

from constructs_lib import ServerlessGuards
from tests.guards.faults.trap_stack import TRAPS, TrapStack


def test_the_synthesis_of_the_trap_stack_fails_and_names_all_sixteen_mistakes(app: cdk.App) -> None:
    cdk.Validations.of(app).add_plugins(ServerlessGuards())
    TrapStack(app, "Traps")
    with pytest.raises(RuntimeError) as refused:
        app.synth()
    document = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    [report] = [each for each in document["pluginReports"] if each["pluginName"] == "ServerlessGuards"]
    named = {
        (violation["ruleName"].rpartition("::")[2].partition("[")[0], part)
        for violation in report["violations"]
        for place in violation["violatingConstructs"]
        for part in place["constructPath"].split("/")
    }
    assert len(TRAPS) == 16
    assert [name for name, (rule, construct) in TRAPS.items() if (rule, construct) not in named] == []
    assert all(rule in str(refused.value) for rule, _ in TRAPS.values())
