"""The statements of the set-up function, in a real PostgreSQL; what it answers to CloudFormation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError

from constructs_lib.functions.database_setup.data_api import DataApi
from constructs_lib.functions.database_setup.sql import apply_migration, create_postgres_user, remember_migrations
from constructs_lib.local.overlay.relational_databases import Databases

RECORD = {"Engine": "aurora-postgresql", "MasterUsername": "postgres", "_MasterUserPassword": "a", "DatabaseName": "x"}
TABLES = "CREATE TABLE one (a int); -- nothing follows"


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    folder = tmp_path_factory.mktemp("databases")
    started = Databases(folder / "data", folder)
    assert started.start(("000000000000", "us-east-1", "x"), dict(RECORD)) is not None
    yield started
    started.close()


@pytest.fixture
def session(databases: Databases) -> Iterator[Any]:
    database = databases.of(("000000000000", "us-east-1", "x"))
    assert database is not None
    with contextlib.closing(database.connect("postgres", "x")) as opened:
        opened.run("DROP TABLE IF EXISTS one, two, applied_migrations")
        opened.execute_simple(remember_migrations())
        yield opened


def tables(session: Any) -> list[str]:
    found = session.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [each for (each,) in found]


def test_a_migration_is_applied_once(session: Any) -> None:
    for _ in range(2):
        session.execute_simple(apply_migration("0001_one.sql", TABLES))
    assert tables(session) == ["applied_migrations", "one"]
    assert session.run("SELECT name FROM applied_migrations") == [["0001_one.sql"]]


def test_a_migration_that_fails_leaves_nothing(session: Any) -> None:
    with pytest.raises(DatabaseError, match='relation "nowhere" does not exist'):
        session.execute_simple(apply_migration("0001_one.sql", f"{TABLES}\nINSERT INTO nowhere VALUES (1);"))
    assert tables(session) == ["applied_migrations"]
    assert session.run("SELECT count(*) FROM applied_migrations") == [[0]]


def test_a_migration_that_was_changed_is_refused(session: Any) -> None:
    session.execute_simple(apply_migration("0001_one.sql", TABLES))
    with pytest.raises(DatabaseError, match=r"0001_one.sql was changed after it was applied"):
        session.execute_simple(apply_migration("0001_one.sql", f"{TABLES}\nCREATE TABLE two ();"))
    assert tables(session) == ["applied_migrations", "one"]


def test_functions_with_dollar_quotes_have_their_place(session: Any) -> None:
    body = "CREATE OR REPLACE FUNCTION three() RETURNS int LANGUAGE sql AS $$ SELECT 3 $$;"
    session.execute_simple(apply_migration("0001_three.sql", body))
    assert session.run("SELECT three()") == [[3]]


@pytest.mark.parametrize("password", [None, "it's"])
def test_a_user_is_made_once(session: Any, password: str | None) -> None:
    for _ in range(2):
        for statement in create_postgres_user(f"user_{password is None}".lower(), password):
            session.execute_simple(statement)
    found = session.run("SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname LIKE 'user_%'")
    assert [True, False] in found


class Sleeping:
    """A client whose database is asleep for some calls."""

    class exceptions:  # noqa: N801 - as boto3 has it
        class ClientError(Exception):
            def __init__(self, code: str) -> None:
                super().__init__(code)
                self.response = {"Error": {"Code": code}}

    def __init__(self, *codes: str) -> None:
        self.codes, self.calls = list(codes), 0

    def execute_statement(self, **_: Any) -> None:
        self.calls += 1
        if self.codes:
            raise self.exceptions.ClientError(self.codes.pop(0))


def test_a_database_that_was_asleep_is_waited_for() -> None:
    client, pauses = Sleeping("DatabaseResumingException", "DatabaseResumingException"), list[float]()
    DataApi(client, "cluster", "secret", "x", pause=pauses.append).execute("SELECT 1")
    assert client.calls == 3
    assert pauses == [3.0, 3.0]


def test_any_other_failure_is_told_at_once() -> None:
    client = Sleeping("AccessDeniedException")
    with pytest.raises(Sleeping.exceptions.ClientError):
        DataApi(client, "cluster", "secret", "x", pause=lambda _: None).execute("SELECT 1")
    assert client.calls == 1


def test_the_package_brings_the_function_with_it() -> None:
    folder = Path(__file__).parents[2] / "constructs_lib" / "functions"
    assert (folder / "requirements.txt").is_file()  # which makes it the root of the bundle
