"""Tokens that take the place of passwords: one that botocore signed lets in, for as long and by whom it was signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner

from constructs_lib.local.postgres.token import Token, read_token

HOST, PORT, USER, REGION = "ledger.proxy-abc.us-east-1.rds.amazonaws.com", 5432, "ledger_reader", "us-east-1"


def read(text: str) -> Token:
    token = read_token(text)
    assert token is not None
    return token


def signed(*, session: str | None = None) -> Token:
    client = boto3.client(
        "rds", region_name=REGION, aws_access_key_id="AKID", aws_secret_access_key="key", aws_session_token=session
    )
    return read(client.generate_db_auth_token(HOST, PORT, USER))


def signed_for(seconds: int, *, action: str = "connect") -> Token:
    """As botocore signs, for a time or an action that its own call does not offer."""
    emitter = Session().get_component("event_emitter")
    signer = RequestSigner(ServiceId("RDS"), REGION, "rds-db", "v4", Credentials("AKID", "key"), emitter)
    query = {"Action": action, "DBUser": USER}
    request = {"method": "GET", "url": f"https://{HOST}:{PORT}/?{'&'.join(f'{k}={v}' for k, v in query.items())}"}
    told = {**request, "url_path": "/", "query_string": {}, "headers": {}, "body": {}, "context": {}}
    return read(signer.generate_presigned_url(told, "connect", expires_in=seconds, signing_name="rds-db"))


def problem(token: Token, secret: str = "key", session: str = "", after: timedelta = timedelta(0)) -> str:
    return token.problem(secret, session, datetime.now(UTC) + after)


@pytest.mark.parametrize("session", [None, "a/session+token=="])
def test_says_for_whom_and_where_and_lets_in(session: str | None) -> None:
    token = signed(session=session)
    assert (token.host, token.port, token.user, token.region, token.access_key) == (HOST, PORT, USER, REGION, "AKID")
    assert problem(token, session=session or "") == ""


def test_a_key_or_a_session_of_somebody_else_does_not() -> None:
    assert problem(signed(), secret="another") == "the signature of the token does not match"
    assert problem(signed(), session="a session") == "the session of the token is not known"
    assert problem(signed(session="another"), session="a session") == "the session of the token is not known"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (timedelta(minutes=14), ""),
        (timedelta(minutes=15), "the token has expired"),
        (-timedelta(minutes=14), ""),  # clocks differ
        (-timedelta(minutes=16), "the token has expired"),
    ],
)
def test_is_good_for_fifteen_minutes(after: timedelta, said: str) -> None:
    assert problem(signed(), after=after) == said


def test_whoever_signs_for_longer_or_for_something_else_is_not_let_in() -> None:
    assert problem(signed_for(900)) == ""
    assert problem(signed_for(901)) == "the token has expired"
    assert problem(signed_for(900, action="drop")) == "the token is for another action"


@pytest.mark.parametrize("text", ["", "a password", "https://[::1/?X-Amz-Credential=a", "h:1/?X-Amz-Credential"])
def test_what_is_none_is_a_password(text: str) -> None:
    assert read_token(text) is None
