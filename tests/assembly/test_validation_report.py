from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly.validation_report import refusals_in

if TYPE_CHECKING:
    from pathlib import Path


def violation(rule: str = "no-queues", severity: str = "error", *paths: str, **more: Any) -> dict[str, Any]:
    return {
        "ruleName": rule,
        "severity": severity,
        "description": "a queue is no topic",
        "violatingConstructs": [{"constructPath": path} for path in paths or ("Shop/Queue/Resource",)],
        **more,
    }


def refusals(folder: Path, *violations: object, plugin: str = "ServerlessGuards") -> list[str]:
    report = {"pluginReports": [{"pluginName": plugin, "violations": list(violations)}]}
    (folder / "validation-report.json").write_text(json.dumps(report))
    return [str(each) for each in refusals_in(folder)]


def test_an_error_is_told_in_three_lines_with_the_id_to_acknowledge(tmp_path: Path) -> None:
    assert refusals(tmp_path, violation(suggestedFix="make it a topic")) == [
        "a queue is no topic\n  at:  Shop/Queue (ServerlessGuards::no-queues)\n  fix: make it a topic"
    ]


def test_every_construct_is_told(tmp_path: Path) -> None:
    assert len(refusals(tmp_path, violation("no-queues", "fatal", "Shop/A", "Shop/B"))) == 2


def test_where_no_plugin_knows_a_fix_the_rule_is_named(tmp_path: Path) -> None:
    [told] = refusals(tmp_path, violation("AwsSolutions-IAM5[Resource::*]"), plugin="cdk nag")
    assert told.endswith(
        "  at:  Shop/Queue (cdk-nag::AwsSolutions-IAM5[Resource::*])\n"
        "  fix: see what cdk-nag::AwsSolutions-IAM5[Resource::*] asks for, or acknowledge it with a reason"
    )


def test_what_ends_no_synthesis_is_not_told(tmp_path: Path) -> None:
    assert refusals(tmp_path, violation("no-queues", "warning"), violation("no-queues", "info")) == []


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"pluginReports": 3}', '{"pluginReports": [3, {"violations": [1]}]}']
)
def test_without_a_report_that_makes_sense_there_is_nothing(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "validation-report.json").write_text(content)
    assert refusals_in(tmp_path) == []
