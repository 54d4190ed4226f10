"""The benchmark of the guards: what counts as seen, and that it asks about what it says; times are nobody's test."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.guards import growth, peers
from benchmarks.guards.faults import BASE, Case, write_faults
from tests.guards.faults.matrix import FAULTS

if TYPE_CHECKING:
    from pathlib import Path


def test_a_fault_is_seen_by_what_is_said_of_it_alone() -> None:
    case = Case("a fault", "messages", wrong="with", right=BASE)
    said = Counter({("rule", "Jobs"): 1})
    assert not case.is_seen({BASE: said, "with": said})
    assert not case.is_seen({BASE: said, "with": Counter()})
    assert case.is_seen({BASE: said, "with": said + said})
    assert case.is_seen({BASE: Counter(), "with": said})


def test_every_fault_is_written_beside_the_hardened_app_and_seen_by_ours(tmp_path: Path) -> None:
    cases = write_faults(tmp_path)
    assert [case.says for case in cases] == [fault.name for fault in FAULTS]
    few = tmp_path / "few"
    few.mkdir()
    for case in cases[::40]:
        (tmp_path / f"{case.wrong}.json").rename(few / f"{case.wrong}.json")
    (tmp_path / f"{BASE}.json").rename(few / f"{BASE}.json")
    answers = peers.ours(few)
    assert answers[BASE] == Counter()
    assert all(case.is_seen(answers) for case in cases[::40])


def test_ids_are_compared_without_the_hash_that_changes_with_what_is_inside() -> None:
    assert peers.named("EverythingDeployment5E6F1A2B0123456789abcdef0123456789abcdef") == "EverythingDeployment5E6F1A2B"
    assert peers.named("Jobs867BA12C") == "Jobs"
    assert peers.named("Jobs") == "Jobs"


def test_an_app_has_the_size_that_is_asked_for_and_every_rule_is_timed(tmp_path: Path) -> None:
    files = growth.write_app(tmp_path / "app", 800)
    assert [len(json.loads(file.read_text())["Resources"]) for file in files] == [400, 400]
    cost = growth.cost_of(files)
    assert cost.resources == 800
    assert len(cost.dearest) == 5
    assert sum(seconds for _, seconds in cost.dearest) <= cost.judging
