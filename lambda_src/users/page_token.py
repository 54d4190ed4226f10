"""The token that names the page after this one: opaque to callers, and checked when it comes back.

It holds the id of the last user on the page it was handed out with, and so nothing its holder has not just read.
"""

from __future__ import annotations

import base64
import json

MAX_KEY_BYTES = 2048  # of a partition key in DynamoDB


def encode(last_id: str) -> str:
    """Return the token of the page that starts after the user `last_id`."""
    return base64.urlsafe_b64encode(json.dumps({"after": last_id}).encode()).decode().rstrip("=")


def decode(token: str) -> str:
    """Return the id that `encode` was given.

    Raises:
        ValueError: `encode` cannot have made this token.
    """
    try:
        after = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))["after"]
        made_here = isinstance(after, str) and 1 <= len(after.encode()) <= MAX_KEY_BYTES and encode(after) == token
    except (LookupError, RecursionError, TypeError, ValueError) as error:  # base64, UTF-8 and JSON raise ValueErrors
        raise ValueError("not a token") from error
    if not made_here:
        raise ValueError("not a token")
    return str(after)
