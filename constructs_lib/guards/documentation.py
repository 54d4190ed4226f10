"""Writes the page of the rules from their docstrings.

python -m constructs_lib.guards.documentation docs/guards.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.guards.rules import rule_ids, rule_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs_lib.guards.rule import Rule

BEGIN, END = "<!-- rules: written by constructs_lib.guards.documentation -->", "<!-- end of rules -->"


def with_rules(page: str) -> str:
    """Return the page with what stands between its two marks replaced by the rules of today.

    Raises:
        ValueError: The page has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"the page has no {BEGIN} followed by {END}"
        raise ValueError(message)
    rules = [rule_of(rule_id) for rule_id in rule_ids()]
    return "".join([before, BEGIN, "\n", _table(rules), "\n", *(_section(rule) for rule in rules), END, after])


def _table(rules: Iterable[Rule]) -> str:
    rows = [f"| [`{rule.id}`](#{rule.id}) | {rule.severity.value} | {_cell(rule.summary)} |\n" for rule in rules]
    return "".join(["| rule | severity | what holds |\n", "|---|---|---|\n", *rows])


def _section(rule: Rule) -> str:
    return f"### {rule.id}\n\n{rule.markdown}\n\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(path: Path) -> None:
    """Write the rules into a page."""
    path.write_text(with_rules(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
