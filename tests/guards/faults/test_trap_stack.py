"""All classic mistakes in one stack: its synthesis fails, and each is named where it was made, until it is mended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest

from constructs_lib import ServerlessGuards
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check
from constructs_lib.guards.finding import Severity
from tests.guards.faults.trap_stack import TRAPS, TrapStack

if TYPE_CHECKING:
    from pathlib import Path

Said = set[tuple[str, str, str]]


def said(folder: Path, *, mended: str | None) -> Said:
    """What would hurt: by which rule, where and what."""
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    TrapStack(app, "Traps", mended=mended)
    app.synth()
    findings = check(Assembly.read(folder)).findings
    return {(each.rule, each.resource.path, each.problem) for each in findings if each.severity is not Severity.INFO}


@pytest.fixture(scope="module")
def of_all(tmp_path_factory: pytest.TempPathFactory) -> Said:
    return said(tmp_path_factory.mktemp("traps"), mended=None)


def test_the_synthesis_of_the_trap_stack_fails_and_names_all_sixteen_mistakes(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(ServerlessGuards())
    TrapStack(app, "Traps")
    with pytest.raises(RuntimeError) as refused:
        app.synth()
    document = json.loads((tmp_path / "validation-report.json").read_text())
    [report] = [each for each in document["pluginReports"] if each["pluginName"] == "ServerlessGuards"]
    named = {
        (violation["ruleName"].rpartition("::")[2].partition("[")[0], part)
        for violation in report["violations"]
        for place in violation["violatingConstructs"]
        for part in place["constructPath"].split("/")
    }
    assert len(TRAPS) == 16
    assert [trap.says for trap in TRAPS.values() if (trap.rule, trap.at) not in named] == []
    assert all(trap.rule in str(refused.value) for trap in TRAPS.values())


@pytest.mark.parametrize("mended", TRAPS)
def test_a_mistake_is_named_until_it_is_mended(of_all: Said, tmp_path: Path, mended: str) -> None:
    trap = TRAPS[mended]
    gone = of_all - said(tmp_path, mended=mended)
    assert [path for rule, path, _ in gone if rule == trap.rule and trap.at in path.split("/")] != []
