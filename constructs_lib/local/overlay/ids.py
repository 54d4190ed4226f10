"""Ids nobody else has. They are no secrets, so the dice are this process's own: the system's take a call of it each."""

from __future__ import annotations

import base64
import random
import uuid

_dice = random.Random()  # noqa: S311 (see above)


def new_hex(digits: int) -> str:
    """A hexadecimal number of so many digits."""
    return f"{_dice.getrandbits(4 * digits):0{digits}x}"


def new_uuid() -> str:
    """The id of a run of a function."""
    return str(uuid.UUID(int=_dice.getrandbits(128), version=4))


def new_call_id() -> str:
    """The id of a call to an HTTP API."""
    return base64.b64encode(_dice.randbytes(11)).decode()
