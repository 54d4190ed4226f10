from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.fidelity.table import page, rows

MOST_KNOWN_GAPS = 0.15  # of all rows


def test_the_page_is_what_the_tests_say() -> None:
    assert Path("docs/fidelity.md").read_text() == page(), "python -m tests.fidelity.table docs/fidelity.md"


def test_there_are_at_least_150_behaviours_and_few_gaps() -> None:
    assert len(rows()) >= 150
    assert sum(bool(row.known_gap) for row in rows()) <= MOST_KNOWN_GAPS * len(rows())


def test_no_behaviour_is_claimed_twice() -> None:
    counted = Counter((row.service, row.claim) for row in rows())
    assert [claim for claim, count in counted.items() if count > 1] == []
