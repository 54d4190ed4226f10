"""Tokens of a user pool are signed, and a JWT authorizer checks them, without a cryptography library.

Stock needs `cryptography` for both, which is not among its requirements: without it every token is signed with random
bytes, and a JWT authorizer answers 401 to everyone.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.rsa_tokens import EXPONENT, PrivateKey, decode, encode, is_signed

_keys: dict[str, PrivateKey] = {}
_lock = threading.Lock()


def _key_of(pool_id: str) -> PrivateKey:
    """The key of a user pool; it outlives the process where the state does, as the tokens do."""
    with _lock:
        if pool_id not in _keys:
            _keys[pool_id] = _load(pool_id) or _new(pool_id)
        return _keys[pool_id]


def _path(pool_id: str) -> Path | None:
    if os.environ.get("PERSIST_STATE") != "1":
        return None
    name = hashlib.sha256(pool_id.encode()).hexdigest()[:20]
    return Path(os.environ["STATE_DIR"]) / "token-keys" / f"{name}.key"


def _load(pool_id: str) -> PrivateKey | None:
    path = _path(pool_id)
    if path is None or not path.exists():
        return None
    modulus, secret_exponent = (int(line) for line in path.read_text().split())
    return PrivateKey(modulus, secret_exponent)


def _new(pool_id: str) -> PrivateKey:
    key = PrivateKey.generate()
    path = _path(pool_id)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(f"{key.modulus}\n{key.secret_exponent}\n")
    return key


def public_key(pool_id: str) -> dict[str, str]:
    """The public half of a pool's key, as a JSON web key."""
    modulus = _key_of(pool_id).modulus
    content = modulus.to_bytes((modulus.bit_length() + 7) // 8)
    name = encode(hashlib.sha256(content).digest())
    exponent = encode(EXPONENT.to_bytes(3))
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": name, "n": encode(content), "e": exponent}


def _wrap_sign(_stock: Any) -> Any:
    def signed_jwt(claims: Any, pool_id: str = "", use: str = "") -> str:  # noqa: ARG001
        header = {"alg": "RS256", "kid": public_key(pool_id)["kid"]}
        told = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
        return f"{told}.{encode(_key_of(pool_id).sign(told.encode()))}"

    return signed_jwt


def _wrap_published(_stock: Any) -> Any:
    def well_known_jwks(pool_id: str) -> Any:
        return 200, {"Content-Type": "application/json"}, json.dumps({"keys": [public_key(pool_id)]}).encode()

    return well_known_jwks


def _wrap_own(_stock: Any) -> Any:
    def signature_valid(token: str) -> bool:
        issuer = str(base("services.cognito")._token_claims(token).get("iss", ""))
        return _is_valid(token, public_key(issuer.rsplit("/", 1)[-1]))

    return signature_valid


def _wrap_verify(_stock: Any) -> Any:
    def verify(token: str, jwk: Any) -> bool:
        return _is_valid(token, jwk)

    return verify


def _is_valid(token: str, key: Any) -> bool:
    try:
        told, _, signature = token.rpartition(".")
        algorithm = json.loads(decode(told.partition(".")[0])).get("alg")
        modulus, exponent = (int.from_bytes(decode(key[name])) for name in ("n", "e"))
        return algorithm == "RS256" and is_signed(told.encode(), decode(signature), modulus, exponent)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


PATCHES = (
    Patch("services.cognito", "_signed_jwt", ("claims", "pool_id", "use"), _wrap_sign),
    Patch("services.cognito", "well_known_jwks", ("pool_id",), _wrap_published),
    Patch("services.cognito", "_signature_valid", ("token",), _wrap_own),
    Patch("services.apigateway", "_verify_rs256_signature", ("token", "jwk"), _wrap_verify),
    Patch("services.apigateway_v1", "_verify_rs256_signature", ("token", "jwk"), _wrap_verify),
)
