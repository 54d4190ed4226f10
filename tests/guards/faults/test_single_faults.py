"""Every single fault in a hardened app is found, at the right place, and nothing is found without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check
from tests.guards.faults import limits, messages
from tests.guards.faults.hardened import hardened

if TYPE_CHECKING:
    from tests.guards.faults.fault import Fault

FAULTS = [*messages.FAULTS, *limits.FAULTS]


def test_nothing_is_said_of_the_hardened_app() -> None:
    report = check(Assembly.of({"Shop": hardened()}))
    assert [str(found) for found in report.findings] == []
    assert [str(found) for found in report.unknowns] == []
    assert report.failures == ()


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_single_fault_is_found_where_it_is(fault: Fault) -> None:
    template = hardened()
    fault.make(template)
    report = check(Assembly.of({"Shop": template}), only=[fault.rule])
    found = [each.resource.logical_id or None for each in report.findings if each.rule == fault.rule]
    assert fault.at in found


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
