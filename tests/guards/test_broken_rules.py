"""A rule of ours that is broken keeps nobody from deploying, and no other rule from being heard."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest

from constructs_lib import ServerlessGuards, assert_guarded
from constructs_lib.assembly.model import Assembly
from constructs_lib.cli import main
from constructs_lib.guards import GuardWarning, rules
from constructs_lib.guards.check import check
from tests.guards.apps import VISIBILITY, impatient

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILS_INSIDE = """
from constructs_lib.guards.finding import Severity
from constructs_lib.guards.rule import rule

@rule(severity=Severity.ERROR)
def check(assembly):
    return [each.nothing for each in assembly.resources]
"""


@pytest.fixture(params=[FAILS_INSIDE, "import nothing_of_this_name", "no = 'rule'", "this is no Python"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """One more rule in the folder of the rules, which is broken in one of the ways there are."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "zz_is_broken.py").write_text(request.param)
    rules.__path__.append(str(folder))
    rules.rule_ids.cache_clear()
    yield "zz-is-broken"
    rules.__path__.remove(str(folder))
    rules.rule_ids.cache_clear()
    sys.modules.pop("constructs_lib.guards.rules.zz_is_broken", None)


def test_the_others_are_heard(broken: str) -> None:
    report = check(Assembly.of({"Shop": impatient()}), only=[VISIBILITY, broken])
    assert [each.rule for each in report.errors] == [VISIBILITY]
    [failure] = report.failures
    assert failure.what.startswith("the rule failed inside: ")
    assert failure.where.startswith(f"{broken} (")


def test_the_command_exits_with_2_unless_an_error_was_found(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "Shop.json"
    file.write_text(json.dumps(impatient()))
    assert main(["check", "--no-public", str(file), "--only", broken]) == 2
    assert capsys.readouterr().err.startswith("the rule failed inside: ")
    assert main(["check", "--no-public", str(file), "--only", f"{broken},{VISIBILITY}"]) == 1


def test_the_synthesis_goes_on_with_a_warning(app: cdk.App, broken: str) -> None:
    cdk.Validations.of(app).add_plugins(ServerlessGuards())
    cdk.CfnResource(cdk.Stack(app, "Shop"), "Topic", type="AWS::SNS::Topic")
    app.synth()
    [report] = json.loads((Path(app.outdir) / "validation-report.json").read_text())["pluginReports"]
    told = [each for each in report["violations"] if each["ruleName"] == broken]
    assert [(each["severity"], each["description"][:23]) for each in told] == [("warning", "the rule failed inside:")]


def test_a_test_passes_with_a_warning(app: cdk.App, broken: str) -> None:
    cdk.CfnResource(cdk.Stack(app, "Shop"), "Topic", type="AWS::SNS::Topic")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert_guarded(app, only=[broken])
    assert [each.category for each in heard] == [GuardWarning]
