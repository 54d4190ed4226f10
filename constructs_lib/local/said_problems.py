"""Finds the three-line problems in what a failed program said, below all the lines its languages wrap them in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

AT, FIX, MORE = "  at:  ", "  fix: ", "    "
TRACEBACK = "Traceback (most recent call last):"
EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit): ")
RESOLUTION = re.compile(r"(?:Resolution error: )+")


def problems_in(text: str) -> list[Problem]:
    """Return each problem of the error that ended a program, once; none when it ended for another reason.

    Args:
        text: Everything it said. Where it holds tracebacks, only what the last one ends with is read: problems before
            it were no reason to stop.
    """
    lines = text.splitlines()
    end = max((number for number, line in enumerate(lines, 1) if line == TRACEBACK), default=0)
    found: list[Problem] = []
    stops = 0
    for number in range(end, len(lines) - 1):
        if number > end and lines[number].startswith(AT) and lines[number + 1].startswith(FIX):
            what = _what(lines[end:number])
            # for each level of a lazy value, CDK puts words before the first problem and a full stop behind the last
            levels = RESOLUTION.match(what)
            if levels is not None:
                what, stops = what[levels.end() :], levels.group().count(":")
            fix, end = _fix(lines, number + 1)
            found.append(Problem(what, lines[number].removeprefix(AT), fix))
    if stops:
        last = found[-1]
        found[-1] = Problem(last.what, last.where, last.fix.removesuffix("." * stops))
    return list(dict.fromkeys(found))


def _what(before: Sequence[str]) -> str:
    """The last lines that are neither of a traceback nor empty, without the name of the exception."""
    taken: list[str] = []
    for line in reversed(before):
        if not line or line.startswith("  "):
            break
        named = EXCEPTION.match(line)
        taken.insert(0, line[named.end() :] if named else line)
        if named:
            break
    return "\n".join(taken)


def _fix(lines: Sequence[str], number: int) -> tuple[str, int]:
    """The fix that begins on a line, and the number of the line after it."""
    taken = [lines[number].removeprefix(FIX)]
    for line in lines[number + 1 :]:
        if not line.startswith(MORE):
            break
        taken.append(line)
    return "\n".join(taken), number + len(taken)
