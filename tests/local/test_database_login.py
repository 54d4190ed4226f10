"""Who is let in by the relay before a PostgreSQL: at the proxy by a token and the role for it, else by a password."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from pg8000 import native

from constructs_lib.local.overlay.relational_databases import Databases, variables
from constructs_lib.local.postgres.certificate import self_signed
from constructs_lib.local.postgres.database import Administrator, Database
from constructs_lib.local.postgres.relay import tls_context
from constructs_lib.local.postgres.server import Server


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for which IAM lets everybody in."""
    folder = tmp_path_factory.mktemp("database")
    made = self_signed("localhost", "127.0.0.1")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(made.certificate)
    key.write_text(made.key)
    opened = Database(
        "ledger",
        "app",
        Administrator("postgres", "a password"),
        Server(folder / "data", folder / "scratch"),
        lambda _token, _login: None,
        lambda: tls_context(str(certificate), str(key)),
    )
    opened.prepare()
    with opened.server.superuser() as session:
        session.run("CREATE ROLE by_token LOGIN")
        session.run("GRANT rds_iam TO by_token")
        session.run("CREATE ROLE by_password LOGIN PASSWORD 'hers'")
    yield opened
    opened.remove()


def token(user: str) -> str:
    client = boto3.client("rds", region_name="us-east-1", aws_access_key_id="AKID", aws_secret_access_key="key")
    return str(client.generate_db_auth_token("localhost", 5432, user))


def answer(database: Database, host: str, user: str, password: str, **settings: str) -> str:
    """Who one is in the session, or why there is none."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        session = native.Connection(
            user,
            password=password,
            host=host,
            port=database.relay.port,
            database="app",
            ssl_context=context,
            startup_params=settings,
        )
    except native.DatabaseError as error:
        return str(error.args[0]["M"])
    with contextlib.closing(session):
        return str(session.run("SELECT current_user")[0][0])


def test_a_token_is_for_users_with_the_role_for_it(database: Database) -> None:
    assert answer(database, "localhost", "by_token", token("by_token")) == "by_token"
    said = answer(database, "localhost", "by_password", token("by_password"))
    assert said == 'PAM authentication failed for user "by_password": no role rds_iam'


def test_a_password_is_for_the_cluster_and_never_for_the_proxy(database: Database) -> None:
    assert answer(database, "127.0.0.1", "by_password", "hers") == "by_password"
    said = answer(database, "localhost", "by_password", "hers")
    assert said == "This RDS Proxy requires IAM authentication, and got no token"
    for user, password in (("by_password", "his"), ("by_token", ""), ("nobody", "hers")):
        said = answer(database, "127.0.0.1", user, password)
        assert said == f'password authentication failed for user "{user}"'


def test_settings_at_the_start_of_a_session_are_for_the_cluster_and_never_for_the_proxy(database: Database) -> None:
    settings = {"statement_timeout": "5s"}
    assert answer(database, "127.0.0.1", "by_password", "hers", **settings) == "by_password"
    said = answer(database, "localhost", "by_token", token("by_token"), **settings)
    assert said.startswith("Feature not supported: RDS Proxy takes no statement_timeout at the start of a session")


def test_functions_hear_where_a_database_is_that_has_moved_and_their_other_variables_stay(tmp_path: Path) -> None:
    databases = Databases(tmp_path, tmp_path)
    databases.moved = {"5001": "6001"}
    known = {"DATABASE_HOST": "localhost", "DATABASE_PORT": "5001"}
    others = {"CACHE_HOST": "cache.example", "CACHE_PORT": "5001", "LIMIT": "5001"}
    told = variables(databases, {**known, **others})
    assert {name: told[name] for name in told if name in {*known, *others}} == {"DATABASE_PORT": "6001"}
