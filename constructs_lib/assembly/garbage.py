"""A pause for the garbage collector while a model is built and asked: nothing of it can go until the end."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def kept_until_the_end() -> Iterator[None]:
    """Let nothing look for garbage: on 10,000 resources that takes as long as all rules together, and finds none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            _call_old()
            gc.enable()


def _call_old() -> None:
    """Let what was made meanwhile count as old, or the first thing made afterwards has all of it looked through."""
    if gc.get_freeze_count() == 0:  # what somebody else froze stays so
        gc.freeze()
        gc.unfreeze()
