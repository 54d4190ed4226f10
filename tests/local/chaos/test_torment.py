"""A share of `python -m benchmarks.local_chaos`: nobody waits in vain, nothing outlives its run or is lost unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.local_chaos.app import synthesize
from benchmarks.local_chaos.torment import torment

if TYPE_CHECKING:
    from pathlib import Path


def test_kills_under_load_break_no_promise(tmp_path: Path) -> None:
    tally = torment(synthesize(tmp_path / "cdk.out"), tmp_path / "state", kills=10, seed=2)
    assert tally.kills >= 10
    assert tally.handlers > 0
    assert tally.servers > 0
    assert tally.created > 0
    assert (tally.lost, tally.unannounced, tally.hung, tally.orphans, tally.unworked) == ([], 0, 0, [], [])
