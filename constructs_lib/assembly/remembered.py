"""What is found out about an assembly once, for whoever asks again, and forgotten together with it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Subject = TypeVar("Subject")
Answer = TypeVar("Answer")


def remembered(ask: Callable[[Subject], Answer]) -> Callable[[Subject], Answer]:
    """Let a function of one assembly, or of one resource, run once for each.

    What it is asked about must not change afterwards.

    Example:
        >>> @remembered
        ... def routes_of(assembly): ...
    """

    @wraps(ask)
    def once(subject: Subject) -> Answer:
        # Kept with the subject: what is found out refers to it, so that any other place would keep both for ever.
        known: dict[Any, Answer] = vars(subject).setdefault("_remembered", {})
        if ask not in known:
            known[ask] = ask(subject)
        return known[ask]

    return once
