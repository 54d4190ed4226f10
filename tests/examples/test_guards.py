"""The guards have nothing to say against the example app, and nothing in it is beyond them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check
from constructs_lib.guards.finding import Severity, Verdict
from constructs_lib.guards.public_rules import public_rules

if TYPE_CHECKING:
    from pathlib import Path

    import aws_cdk as cdk

    from constructs_lib.guards.check import Report


@pytest.fixture(scope="module")
def report(example_app: cdk.App, assembly: Path) -> Report:
    assert example_app.node.children
    examples = Assembly.read(assembly)
    return check(examples, others=public_rules(examples, only=(), skip=()))


def test_all_that_is_said_of_the_examples_is_a_circle_that_is_proven_to_be_none(report: Report) -> None:
    assert report.stats["stacks"] == 5
    assert report.stats["resources"] > 100
    assert [str(each) for each in report.findings if each.severity is not Severity.INFO] == []
    assert [(each.verdict, each.resource.path) for each in report.findings] == [
        (Verdict.GUARDED, "Media/Thumbnail/Function")
    ]


def test_no_example_acknowledges_anything_to_the_guards(report: Report) -> None:
    assert [str(each.finding) for each in report.acknowledged] == []


def test_no_rule_fails_or_wonders_at_an_example(report: Report) -> None:
    assert [str(each) for each in report.failures] == []
    assert [str(each) for each in report.unknowns] == []
