"""When a schedule is due: `rate(5 minutes)`, `cron(0 3 * * ? *)` or `at(2030-01-01T00:00:00)`.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import aws_cdk as cdk

from constructs_lib.wiring.refusals import Refusals, did_you_mean

RATE = re.compile(r"rate\((\d+) (minutes?|hours?|days?)\)")
CRON = re.compile(r"cron\((.*)\)")
AT = re.compile(r"at\((\d{4})-(0[1-9]|1[0-2])-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\)")
LEAP_YEAR = 2000

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True)
class Field:
    """One of the six fields of a cron expression.

    Args:
        name: What AWS calls it.
        low: The lowest number.
        high: The highest number.
        names: Words for the numbers, from the lowest.
        special: A regular expression for what only this field takes.
        may_be_open: Whether it may be `?`, said by another field.
    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    special: str = r"(?!)"
    may_be_open: bool = False

    def takes(self, text: str) -> bool:
        """Whether a whole field is well formed."""
        return (self.may_be_open and text == "?") or all(self._takes_part(part) for part in text.split(","))

    def _takes_part(self, part: str) -> bool:
        if re.fullmatch(self.special, part):
            return all(self._has(number) for number in re.findall(r"[A-Z]{3}|\d+(?=[LW#])", part))
        match = re.fullmatch(r"(\*|\w+(?:-\w+)?)(?:/(\d+))?", part)
        if match is None or (match[2] is not None and not 0 < int(match[2]) <= self.high - self.low + 1):
            return False
        return match[1] == "*" or all(self._has(value) for value in match[1].split("-"))

    def numbers(self, text: str) -> set[int] | None:
        """The numbers that a list of them or of their names means; none where it says more than that."""
        parts = text.split(",")
        if not all(self._has(part) for part in parts):
            return None
        return {self.names.index(part) + self.low if part in self.names else int(part) for part in parts}

    def _has(self, value: str) -> bool:
        return value in self.names or (value.isdecimal() and self.low <= int(value) <= self.high)

    def __str__(self) -> str:
        """What the field may be."""
        return f"{self.low} to {self.high}" + (f", {self.names[0]} to {self.names[-1]}" if self.names else "")


FIELDS = (
    Field("minutes", 0, 59),
    Field("hours", 0, 23),
    Field("day-of-month", 1, 31, special=r"L|LW|\d+W", may_be_open=True),
    Field("month", 1, 12, MONTHS),
    Field("day-of-week", 1, 7, WEEKDAYS, special=r"L|(\d|[A-Z]{3})L|(\d|[A-Z]{3})#[1-5]", may_be_open=True),
    Field("year", 1970, 2199),
)


def check_expression(expression: str, refusals: Refusals) -> None:
    """Note an expression that EventBridge Scheduler would not take."""
    if cdk.Token.is_unresolved(expression):
        return
    rate, cron, at = RATE.fullmatch(expression), CRON.fullmatch(expression), AT.fullmatch(expression)
    if rate is not None:
        if int(rate[1]) == 0:
            refusals.refuse(f"expression {expression!r} is never due", fix="use 1 at least: rate(1 minute)")
    elif cron is not None:
        _check_cron(expression, cron[1].split(), refusals)
    elif at is not None:
        year, month, day = int(at[1]), int(at[2]), int(at[3])
        if year == 0 or not 1 <= day <= monthrange(year, month)[1]:
            refusals.refuse(
                f"expression {expression!r} is no time there is: that month has no day {day}",
                fix="write a day of the calendar",
            )
    else:
        refusals.refuse(
            f"expression {expression!r} is no rate, cron or point in time",
            fix="write rate(5 minutes), cron(0 3 * * ? *) or at(2030-01-01T00:00:00); the shortest rate is a minute",
        )


def check_timezone(timezone: cdk.TimeZone | None, refusals: Refusals) -> None:
    """Note a time zone that there is not; nothing where this machine has no list of them."""
    if timezone is None or cdk.Token.is_unresolved(timezone.timezone_name):
        return
    name = timezone.timezone_name
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        if not known:
            return
        refusals.refuse(
            f"timezone {name!r} is none there is{did_you_mean(name, sorted(known))}",
            fix='write a city of the zone: cdk.TimeZone.of("Europe/Berlin")',
        )


def _check_cron(expression: str, fields: list[str], refusals: Refusals) -> None:
    if len(fields) != len(FIELDS):
        refusals.refuse(
            f"expression {expression!r} has {len(fields)} fields, wanted {len(FIELDS)}: "
            f"{' '.join(field.name for field in FIELDS)}",
            fix="Unix writes five; AWS wants the year as well, and ? for one of the two days: cron(0 3 * * ? *)",
        )
        return
    for field, text in zip(FIELDS, fields, strict=True):
        if not field.takes(text):
            refusals.refuse(
                f"expression {expression!r} has {text!r} for its {field.name}, wanted {field}",
                fix="see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based",
            )
    if (fields[2] == "?") == (fields[4] == "?"):
        refusals.refuse(
            f"expression {expression!r} says {fields[2]!r} for the day of the month, {fields[4]!r} for the week's",
            fix="write ? for one of them, and for one only: cron(0 3 * * ? *), cron(0 3 ? * MON *)",
        )
    days, months, years = (FIELDS[at].numbers(fields[at]) for at in (2, 3, 5))
    longest = max((monthrange(year, month)[1] for year in years or [LEAP_YEAR] for month in months or [1]), default=31)
    if days and min(days) > longest:
        refusals.refuse(
            f"expression {expression!r} is never due: none of its months has a day {min(days)}",
            fix="write L for the last day of a month",
        )
