"""Finds the article an alarm names: in the package, where pip puts the runbook, or in docs, where it comes from."""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.problem import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACES = (Path(__file__).with_name("runbook.md"), Path(__file__).parents[2] / "docs" / "runbook.md")
HEADING = re.compile(r"^## (?P<name>[a-z0-9-]+)$", re.MULTILINE)


def articles() -> Mapping[str, str]:
    """Every article by its name, without its heading.

    Raises:
        ProblemError: The runbook is not where it was installed.
    """
    place = next((each for each in PLACES if each.exists()), None)
    if place is None:
        raise ProblemError(Problem("the runbook is missing", str(PLACES[0]), "install constructs-lib again"))
    _, *parts = HEADING.split(place.read_text(encoding="utf-8"))
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def run(name: str | None) -> int:
    """Write one article, or the names of all."""
    found = articles()
    if name is None:
        sys.stdout.write("".join(f"{each}\n" for each in found))
        return 0
    if name not in found:
        near = get_close_matches(name, found, n=1)
        raise ProblemError(
            Problem(
                f"the runbook has no article {name!r}" + (f": did you mean {near[0]}?" if near else ""),
                "constructs-lib runbook",
                "see all of them: constructs-lib runbook",
            )
        )
    sys.stdout.write(f"{name}\n\n{found[name]}\n")
    return 0
