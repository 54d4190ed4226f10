"""The benchmarks run, and what they claim holds on a few seeds; how long things take is nobody's test."""

from __future__ import annotations

from benchmarks.saga import measure


def test_a_workflow_with_undo_leaves_nothing_behind_and_one_without_does() -> None:
    ours, plain = measure(undo=True, seeds=2), measure(undo=False, seeds=2)
    assert ours.failed > 50
    assert ours.clean == ours.ordered == ours.failed
    assert plain.clean < plain.failed / 4
