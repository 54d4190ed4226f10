"""Numbers of a template: what they are when nothing is said, and how a message writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.assembly.resource import Resource

DAY = 86_400  # seconds
BEYOND = 1e15  # what no limit of AWS comes near


def amount(resource: Resource, *at: str, default: float) -> float | None:
    """Return the number at a path of properties, or the default where nothing stands; none when nobody can tell.

    Example:
        >>> amount(function, "Timeout", default=3)
        30.0
    """
    return default if resource.lacks(*at) else resource.number(*at)


def count(number: float) -> str:
    """Write a number.

    Example:
        >>> count(30.0), count(1200.5)
        ('30', '1,200.5')
    """
    if abs(number) >= BEYOND:
        return f"{number:g}"
    return f"{number:,.0f}" if number == int(number) else f"{number:,}"


def seconds(number: float) -> str:
    """Write a number of seconds, in days as well when it comes to some.

    Example:
        >>> seconds(30), seconds(345_600), seconds(86_400)
        ('30 s', '345,600 s (4 days)', '86,400 s (1 day)')
    """
    days = number / DAY
    if abs(number) >= BEYOND or days < 1 or days != int(days):
        return f"{count(number)} s"
    return f"{count(number)} s ({count(days)} {'day' if days == 1 else 'days'})"
