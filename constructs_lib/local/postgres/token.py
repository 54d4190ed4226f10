"""The token that takes the place of a password: a request nobody sends, signed for fifteen minutes.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

LONGEST = timedelta(minutes=15)
SERVICE = "rds-db"
EMPTY = hashlib.sha256(b"").hexdigest()
CREDENTIAL_PARTS = 5


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says; whether it is true is for `problem` to tell.

    Args:
        host: The endpoint it is for, without the port.
        port: The port of it.
        parameters: What is signed, and the signature.
    """

    host: str
    port: int
    parameters: dict[str, str]

    @property
    def access_key(self) -> str:
        """Whose key signed it."""
        return self.parameters.get("X-Amz-Credential", "").split("/")[0]

    @property
    def user(self) -> str:
        """The user of the database it is for."""
        return self.parameters.get("DBUser", "")

    @property
    def region(self) -> str:
        """The region it was made for."""
        parts = self.parameters.get("X-Amz-Credential", "").split("/")
        return parts[2] if len(parts) == CREDENTIAL_PARTS else ""

    def problem(self, secret: str, session_token: str, now: datetime) -> str:
        """Why it lets nobody in; empty when it does.

        Args:
            secret: The secret key of its access key.
            session_token: What the session of that key is known by; empty for a key without one.
            now: The time.
        """
        told = self.parameters
        try:
            made = datetime.strptime(told["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            lasts = timedelta(seconds=int(told["X-Amz-Expires"]))
        except (KeyError, ValueError):
            return "the token says no time"
        if told.get("Action") != "connect":
            return "the token is for another action"
        if lasts > LONGEST or not made - LONGEST <= now < made + lasts:
            return "the token has expired"
        if session_token and told.get("X-Amz-Security-Token") != session_token:
            return "the session of the token is not known"
        if not hmac.compare_digest(told.get("X-Amz-Signature", ""), self._signature(secret)):
            return "the signature of the token does not match"
        return ""

    def _signature(self, secret: str) -> str:
        signed = sorted((key, value) for key, value in self.parameters.items() if key != "X-Amz-Signature")
        query = "&".join(f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in signed)
        request = f"GET\n/\n{query}\nhost:{self.host}:{self.port}\n\nhost\n{EMPTY}"
        scope = "/".join(self.parameters.get("X-Amz-Credential", "").split("/")[1:])
        text = f"AWS4-HMAC-SHA256\n{self.parameters['X-Amz-Date']}\n{scope}\n{_digest(request)}"
        key = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()


def read_token(password: str) -> Token | None:
    """Read a password as a token; None for one that is none."""
    if "X-Amz-Credential=" not in password:
        return None
    try:
        parts = urlsplit(f"https://{password.removeprefix('https://')}")
        parameters = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
        return Token(parts.hostname or "", parts.port or 0, parameters)
    except ValueError:
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
