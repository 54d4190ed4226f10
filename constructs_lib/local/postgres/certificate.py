"""A certificate for the loopback names, made anew for each run, and its key: what a client has to trust to verify it.

https://www.rfc-editor.org/rfc/rfc5280
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from constructs_lib.local.postgres.curve import SigningKey

DAYS = 30
PRIME_CURVE = bytes.fromhex("06082a8648ce3d030107")
EC_KEY = bytes.fromhex("06072a8648ce3d0201")
COMMON_NAME = bytes.fromhex("0603550403")
ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
SERVER = bytes.fromhex("06082b06010505070301")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


def self_signed(name: str, address: str) -> Certificate:
    """Make one for a host name and an address, valid for a month, which signs itself."""
    key = SigningKey()
    public = key.public
    key_info = _sequence(_sequence(EC_KEY, PRIME_CURVE), _bits(public))
    identifier = hashlib.sha1(public).digest()  # noqa: S324 - a name for the key, by the RFC, and no safeguard
    named = _sequence(_tagged(0x31, _sequence(COMMON_NAME, _tagged(0x0C, f"constructs-lib {name}".encode()))))
    now = datetime.now(UTC)
    times = [_tagged(0x18, f"{each:%Y%m%d%H%M%SZ}".encode()) for each in (now - timedelta(1), now + timedelta(DAYS))]
    names = _sequence(_tagged(0x82, name.encode()), _tagged(0x87, ipaddress.ip_address(address).packed))
    extensions = _sequence(
        _extension("0603551d13", _sequence(_tagged(0x01, b"\xff")), critical=True),  # it may sign: itself
        _extension("0603551d0f", _tagged(0x03, b"\x02\x84"), critical=True),  # signatures of data, and of certificates
        _extension("0603551d25", _sequence(SERVER)),
        _extension("0603551d0e", _tagged(0x04, identifier)),
        _extension("0603551d23", _sequence(_tagged(0x80, identifier))),
        _extension("0603551d11", names),
    )
    told = _sequence(
        _tagged(0xA0, _integer(2)),
        _integer(secrets.randbits(120) | 1),
        ECDSA_WITH_SHA256,
        named,
        _sequence(*times),
        named,
        key_info,
        _tagged(0xA3, extensions),
    )
    signature = _sequence(*(_integer(each) for each in key.sign(told)))
    signed = _sequence(told, ECDSA_WITH_SHA256, _bits(signature))
    # https://www.rfc-editor.org/rfc/rfc5915
    private = _sequence(
        _integer(1), _tagged(0x04, key.secret.to_bytes(32)), _tagged(0xA0, PRIME_CURVE), _tagged(0xA1, _bits(public))
    )
    return Certificate(_pem("CERTIFICATE", signed), _pem("EC PRIVATE KEY", private))


def _extension(identifier: str, value: bytes, *, critical: bool = False) -> bytes:
    flag = _tagged(0x01, b"\xff") if critical else b""
    return _sequence(bytes.fromhex(identifier), flag, _tagged(0x04, value))


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def _bits(content: bytes) -> bytes:
    return _tagged(0x03, b"\x00" + content)


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:  # noqa: PLR2004 - the short form
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _pem(kind: str, content: bytes) -> str:
    text = base64.b64encode(content).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"
