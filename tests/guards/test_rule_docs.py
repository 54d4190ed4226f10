"""The docstring of a rule is the only home of its documentation: it is complete, and docs/guards.md is made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from constructs_lib.guards.documentation import BEGIN, END, main, with_rules
from constructs_lib.guards.rule import SECTIONS
from constructs_lib.guards.rules import rule_ids, rule_of

PAGE = Path(__file__).parents[2] / "docs" / "guards.md"
LONGEST_SUMMARY = 120  # a line of the list


@pytest.mark.parametrize("rule_id", rule_ids())
class TestEveryRule:
    def test_says_why_it_matters_what_it_refuses_and_what_it_accepts(self, rule_id: str) -> None:
        sections = rule_of(rule_id).sections
        assert tuple(sections) == SECTIONS
        assert all(len(text.split()) >= 2 for text in sections.values())

    def test_begins_with_one_sentence_that_says_what_holds(self, rule_id: str) -> None:
        summary = rule_of(rule_id).summary
        assert re.fullmatch(r"[A-Z`].*[^.]\.", summary)
        assert len(summary) <= LONGEST_SUMMARY

    def test_has_an_id_that_is_a_sentence_and_can_be_acknowledged(self, rule_id: str) -> None:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule_id)


def test_the_page_is_what_the_rules_say_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_rules(page) == page, "run: python -m constructs_lib.guards.documentation docs/guards.md"


class TestWriting:
    def test_only_what_stands_between_the_marks_is_written(self, tmp_path: Path) -> None:
        page = tmp_path / "guards.md"
        page.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
        main(page)
        text = page.read_text()
        assert text.startswith(f"before\n{BEGIN}\n| rule |")
        assert text.endswith(f"{END}\nafter\n")
        assert "stale" not in text
        assert with_rules(text) == text

    def test_a_page_without_marks_is_refused(self) -> None:
        with pytest.raises(ValueError, match="the page has no"):
            with_rules("no marks")
