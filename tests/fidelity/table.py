"""Writes docs/fidelity.md out of the marks: `python -m tests.fidelity.table docs/fidelity.md`."""

from __future__ import annotations

import importlib
import sys
from itertools import groupby
from pathlib import Path

from tests.fidelity.behaviour import Behaviour

HEAD = """# What the embedded AWS does as AWS documents it

{count} behaviours, each with the page of AWS that documents it, each asked from outside: with boto3, the JavaScript
SDK or curl as they come. `.venv/bin/pytest tests/fidelity` asks them again. {passing} are as documented; {gaps} are
not, and say what happens instead: those tests must fail, so that no row outlives its gap.

This page is made by `.venv/bin/python -m tests.fidelity.table docs/fidelity.md`.
"""


def rows() -> list[Behaviour]:
    """Every marked test of this folder, in the order they are written."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.fidelity.{path.stem}")
        found += [each.behaviour for each in vars(module).values() if hasattr(each, "behaviour")]
    return found


def page() -> str:
    """The text of docs/fidelity.md."""
    every = sorted(rows(), key=lambda row: row.service)
    gaps = sum(bool(row.known_gap) for row in every)
    parts = [HEAD.format(count=len(every), passing=len(every) - gaps, gaps=gaps)]
    for service, group in groupby(every, key=lambda row: row.service):
        parts.append(f"\n## {service}\n\n| behaviour | here |\n|---|---|\n")
        parts += [f"| [{row.claim}]({row.page}) | {row.known_gap or 'as documented'} |\n" for row in group]
    return "".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
