"""What the set-up says when it fails."""

from __future__ import annotations

import pytest

from tools.setup import fix_of

OFFLINE = "connect to the internet"


@pytest.mark.parametrize(
    "said",
    [
        "cause: invalid peer certificate: UnknownIssuer",  # uv
        "npm error code SELF_SIGNED_CERT_IN_CHAIN\nnpm error self-signed certificate in certificate chain",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",  # pip
    ],
)
def test_certificates_that_are_not_known_are_told_apart_from_no_network(said: str) -> None:
    assert "export SSL_CERT_FILE=" in fix_of(said, OFFLINE)


def test_any_other_failure_keeps_its_own_fix() -> None:
    assert fix_of("dns error: failed to lookup address information", OFFLINE) == OFFLINE
