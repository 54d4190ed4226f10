"""Our RS256 against the one of Node's OpenSSL, in both directions."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest

from constructs_lib.local.executor.runtimes import node_program
from constructs_lib.local.overlay.rsa_tokens import EXPONENT, PrivateKey, decode, encode, is_signed

SIGN = """
    const crypto = require("node:crypto");
    const { privateKey, publicKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signature = crypto.sign("sha256", Buffer.from("told"), privateKey).toString("base64url");
    console.log(JSON.stringify({ ...publicKey.export({ format: "jwk" }), signature }));
"""
VERIFY = """
    const crypto = require("node:crypto");
    const { n, e, signature } = JSON.parse(process.argv[1]);
    const key = crypto.createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
    console.log(crypto.verify("sha256", Buffer.from("told"), key, Buffer.from(signature, "base64url")));
"""


def node(code: str, *arguments: str) -> str:
    program = node_program()
    assert program is not None
    return subprocess.run([program, "-e", code, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return PrivateKey.generate()


def test_accepts_what_openssl_signs_and_nothing_else() -> None:
    told = json.loads(node(SIGN))
    modulus, exponent = (int.from_bytes(decode(told[name])) for name in ("n", "e"))
    signature = decode(told["signature"])
    assert is_signed(b"told", signature, modulus, exponent)
    assert not is_signed(b"Told", signature, modulus, exponent)
    assert not is_signed(b"told", signature[:-1] + bytes([signature[-1] ^ 1]), modulus, exponent)
    assert not is_signed(b"told", signature[:-1], modulus, exponent)


def test_signs_what_openssl_accepts(key: PrivateKey) -> None:
    modulus = base64.urlsafe_b64encode(key.modulus.to_bytes(256)).decode().rstrip("=")
    told = {"n": modulus, "e": encode(EXPONENT.to_bytes(3)), "signature": encode(key.sign(b"told"))}
    assert node(VERIFY, json.dumps(told)).strip() == "true"


def test_makes_keys_of_full_length(key: PrivateKey) -> None:
    assert key.modulus.bit_length() == 2048
