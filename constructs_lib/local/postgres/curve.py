"""Keys and signatures on the curve P-256, in plain Python: enough to sign one certificate, in a few milliseconds.

Not for secrets that matter: it takes no care to take the same time for every key. https://www.rfc-editor.org/rfc/rfc6979
is for those who have no good random numbers; we have. https://nvlpubs.nist.gov/nistpubs/FIPS/NIST.FIPS.186-5.pdf
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs."""

    secret: int = field(default_factory=lambda: secrets.randbelow(ORDER - 1) + 1)

    @property
    def public(self) -> bytes:
        """The point of the key, uncompressed."""
        point = _times(self.secret, BASE)
        if point is None:
            raise AssertionError("no key below the order leads to infinity")
        return b"\x04" + point[0].to_bytes(32) + point[1].to_bytes(32)

    def sign(self, content: bytes) -> tuple[int, int]:
        """Sign the SHA-256 of the content."""
        digest = int.from_bytes(hashlib.sha256(content).digest())
        while True:
            once = secrets.randbelow(ORDER - 1) + 1
            point = _times(once, BASE)
            r = point[0] % ORDER if point is not None else 0
            s = pow(once, -1, ORDER) * (digest + r * self.secret) % ORDER
            if r and s:
                return r, s


def _plus(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = (3 * one[0] ** 2 - 3) * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def _times(number: int, point: Point) -> Point:
    result: Point = None
    while number:
        if number & 1:
            result = _plus(result, point)
        point = _plus(point, point)
        number >>= 1
    return result
