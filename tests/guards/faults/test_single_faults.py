"""Every single fault in a hardened app is found, at the right place and by its rule alone; without one nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check
from constructs_lib.guards.finding import Severity, Verdict
from constructs_lib.guards.public_rules import public_rules
from constructs_lib.guards.rules import rule_ids
from tests.guards.faults import hygiene, limits
from tests.guards.faults.hardened import hardened
from tests.guards.faults.matrix import FAULTS, with_fault

if TYPE_CHECKING:
    from constructs_lib.guards.check import Report
    from constructs_lib.guards.finding import Finding
    from tests.guards.faults.fault import Fault

HINTS = [*limits.HINTS, *hygiene.HINTS]
PAGE = Path(__file__).parents[3] / "docs" / "guards-proof.md"


def judged(fault: Fault) -> Report:
    report = check(Assembly.of({"Shop": with_fault(fault)}))
    assert report.failures == ()
    return report


def places(found: Finding) -> set[str | None]:
    return {each.logical_id or None for each in (found.resource, *found.through)}


def test_nothing_is_said_of_the_hardened_app_but_that_its_only_circle_is_none() -> None:
    assembly = Assembly.of({"Shop": hardened()})
    report = check(assembly, others=public_rules(assembly, only=(), skip=()))
    assert [(each.verdict, each.resource.logical_id) for each in report.findings] == [(Verdict.GUARDED, "Resize")]
    assert report.findings[0].severity is Severity.INFO
    assert [str(each) for each in report.unknowns] == []
    assert report.failures == ()


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_single_fault_is_found_where_it_is_and_nothing_else(fault: Fault) -> None:
    hurting = [each for each in judged(fault).findings if each.severity is not Severity.INFO]
    assert any(each.rule == fault.rule and fault.at in places(each) for each in hurting)
    assert {each.rule for each in hurting} <= {fault.rule, *fault.also}


@pytest.mark.parametrize("fault", HINTS, ids=str)
def test_what_could_be_better_is_an_information_and_no_more(fault: Fault) -> None:
    findings = [each for each in judged(fault).findings if fault.at in places(each) and each.verdict is None]
    said = {(each.rule, each.severity) for each in findings}
    assert said == {(fault.rule, Severity.INFO)}


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in [*FAULTS, *HINTS]]
    assert len(set(names)) == len(names)


def test_every_rule_has_a_fault_but_the_one_that_reads_files() -> None:
    beyond_templates = {"bundle-holds-no-secret"}  # tests/guards/rules has one with bundles
    assert set(rule_ids()) - {fault.rule for fault in [*FAULTS, *HINTS]} == beyond_templates


def test_the_page_tells_how_many_faults_there_are() -> None:
    assert len(FAULTS) >= 100
    assert f"Each of {len(FAULTS)} single faults" in PAGE.read_text()
