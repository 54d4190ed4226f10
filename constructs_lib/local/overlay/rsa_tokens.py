"""RS256, the signature of JSON web tokens, in plain Python: enough to check one and, locally, to make one.

https://www.rfc-editor.org/rfc/rfc8017 (RSASSA-PKCS1-v1_5 with SHA-256)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

EXPONENT = 65_537
KEY_BITS = 2048
_ROUNDS = 20  # of Miller-Rabin: a composite passes with probability below 4 ** -20
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def decode(segment: str) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def encode(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def is_signed(signed: bytes, signature: bytes, modulus: int, exponent: int) -> bool:
    """Whether the signature was made over the content by the owner of the key."""
    size = (modulus.bit_length() + 7) // 8
    if len(signature) != size:
        return False
    opened = pow(int.from_bytes(signature), exponent, modulus).to_bytes(size)
    return hmac.compare_digest(opened, _padded(signed, size))


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs."""

    modulus: int
    secret_exponent: int

    @classmethod
    def generate(cls) -> PrivateKey:
        """Make a new key, which takes some tenths of a second."""
        while True:
            p, q = _prime(KEY_BITS // 2), _prime(KEY_BITS // 2)
            order = (p - 1) * (q - 1)
            if p != q and order % EXPONENT:
                return cls(p * q, pow(EXPONENT, -1, order))

    def sign(self, content: bytes) -> bytes:
        """Sign the content."""
        size = (self.modulus.bit_length() + 7) // 8
        return pow(int.from_bytes(_padded(content, size)), self.secret_exponent, self.modulus).to_bytes(size)


def _padded(content: bytes, size: int) -> bytes:
    told = _DIGEST_INFO + hashlib.sha256(content).digest()
    return b"\x00\x01" + b"\xff" * (size - len(told) - 3) + b"\x00" + told


def _prime(bits: int) -> int:
    while True:
        # The two highest bits are set, so that the product of two has its full length.
        candidate = secrets.randbits(bits) | (0b11 << (bits - 2)) | 1
        if all(candidate % small for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)) and _is_prime(candidate):
            return candidate


def _is_prime(number: int) -> bool:
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(_ROUNDS):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if power in {1, number - 1}:
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True
