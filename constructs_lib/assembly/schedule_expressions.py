"""What is wrong with the expression of a schedule: `rate(...)`, `cron(...)`, and `at(...)` of the Scheduler.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

CALL = re.compile(r"(rate|cron|at)\((.*)\)")
RATE = re.compile(r"(\d+) +(minute|hour|day)(s?)")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
STAR, NEITHER = "*", "?"


@dataclass(frozen=True, slots=True)
class Field:
    """One of the six fields of a cron expression.

    Args:
        name: What it says.
        least: The smallest number.
        most: The largest.
        names: What may stand for the numbers, the first for the smallest.
        special: What else it takes, as a pattern.
    """

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    special: str = ""

    def wrong(self, text: str) -> str | None:
        """Return the piece that is wrong; none when all are right."""
        pieces = [each for each in text.split(",") if each]  # an empty one is read over
        return next((each for each in pieces or [text] if not self._takes(each)), None)

    def _takes(self, piece: str) -> bool:
        if self.special and re.fullmatch(self.special, piece, re.IGNORECASE):
            return True
        base, slash, step = piece.partition("/")
        if slash and not (step.isdecimal() and int(step) > 0):
            return False
        return base == STAR or all(self._is_one(each) for each in base.split("-", 1))

    def _is_one(self, text: str) -> bool:
        if text.upper() in self.names:
            return True
        return text.isdecimal() and self.least <= int(text) <= self.most


FIELDS = (
    Field("minutes", 0, 59),
    Field("hours", 0, 23),
    Field("day of month", 1, 31, special=r"\?|L|LW|L-\d+|\d+W"),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 1, 7, DAYS, special=r"\?|L|([1-7]|[A-Z]{3})L|([1-7]|[A-Z]{3})#[1-5]"),
    Field("year", 1970, 2199),
)
DAY_OF_MONTH, DAY_OF_WEEK = 2, 4


def wrong_with(expression: str, *, of_scheduler: bool) -> tuple[str, str] | None:
    """Return what is wrong with an expression and how to mend it; none when it is right.

    Args:
        expression: The expression.
        of_scheduler: Whether EventBridge Scheduler reads it, which knows `at` and takes any plural, or a rule.

    Example:
        >>> wrong_with("rate(1 minutes)", of_scheduler=False)
        ('rate(1 minutes) has a plural for one', 'write rate(1 minute)')
    """
    told = CALL.fullmatch(expression.strip())
    kinds = "rate(...), cron(...) or at(...)" if of_scheduler else "rate(...) or cron(...)"
    if told is None or (told[1] == "at" and not of_scheduler):
        return f"{expression} is not {kinds}", "write rate(5 minutes), or cron(0 8 * * ? *) for every day at 8:00"
    kind, inside = told[1], told[2].strip()
    if kind == "rate":
        return _wrong_rate(expression, inside, of_scheduler=of_scheduler)
    return _wrong_cron(expression, inside) if kind == "cron" else _wrong_time(expression, inside)


def _wrong_rate(expression: str, inside: str, *, of_scheduler: bool) -> tuple[str, str] | None:
    told = RATE.fullmatch(inside)
    if told is None or int(told[1]) == 0:
        return (
            f"{expression} is no positive whole number of minutes, hours or days",
            "write a number above 0 and its unit, such as rate(5 minutes)",
        )
    number, unit, plural = int(told[1]), told[2], told[3]
    if of_scheduler or (number == 1) is not bool(plural):
        return None
    wanted = f"write rate({number} {unit}{'' if number == 1 else 's'})"
    return f"{expression} has a {'plural for one' if number == 1 else 'singular for several'}", wanted


def _wrong_cron(expression: str, inside: str) -> tuple[str, str] | None:
    pieces = [each.strip(",") or each for each in inside.split()]
    if len(pieces) != len(FIELDS):
        return (
            f"{expression} has {len(pieces)} fields, wanted are 6",
            "write minutes, hours, day of month, month, day of week and year: cron(0 8 * * ? *)",
        )
    for field, piece in zip(FIELDS, pieces, strict=True):
        wrong = field.wrong(piece)
        if wrong is not None:
            return (
                f"{wrong!r} is no {field.name} in {expression}",
                f"write {field.least} to {field.most} for the {field.name}, or {STAR}",
            )
    if (pieces[DAY_OF_MONTH] == NEITHER) is (pieces[DAY_OF_WEEK] == NEITHER):
        both = "names no day" if pieces[DAY_OF_MONTH] == NEITHER else "has both a day of month and a day of week"
        return f"{expression} {both}", f"write {NEITHER} for exactly one of the two days: cron(0 8 * * {NEITHER} *)"
    return None


def _wrong_time(expression: str, inside: str) -> tuple[str, str] | None:
    try:
        datetime.strptime(inside, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return f"{expression} is no date and time", "write at(2030-01-31T08:00:00)"
    return None
