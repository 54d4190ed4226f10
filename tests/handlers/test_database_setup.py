"""The statements of the set-up function, in a real PostgreSQL; what it answers to CloudFormation."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError

from constructs_lib.functions.database_setup.data_api import DataApi
from constructs_lib.functions.database_setup.rotation import rotate
from constructs_lib.functions.database_setup.sql import (
    apply_migration,
    create_mysql_user,
    create_postgres_user,
    remember_migrations,
)
from constructs_lib.local.overlay.relational_databases import Databases
from constructs_lib.wiring.database_setup import MOST_IN_ONE

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


def test_what_looks_like_a_parameter_or_a_variable_is_neither(session: Any) -> None:
    migration = """CREATE TABLE two (before jsonb DEFAULT '{"a":1}', "$migration$" time DEFAULT '12:30');
        INSERT INTO two SELECT before FROM (SELECT '{"b":2}'::jsonb AS before) AS three; SELECT count(*) FROM two;"""
    statement = apply_migration("0001_two.sql", migration)
    assert ":" not in statement  # the Data API would look for a parameter of this name
    session.execute_simple(statement)
    assert session.run('SELECT before, "$migration$"::text FROM two') == [[{"b": 2}, "12:30:00"]]


def test_the_longest_migration_fits_into_a_statement() -> None:
    assert len(apply_migration("0001_" + "a" * 200, "x" * MOST_IN_ONE)) < 65_536


@pytest.mark.parametrize("password", [None, "it's"])
def test_a_user_is_made_once(session: Any, password: str | None) -> None:
    for _ in range(2):
        for statement in create_postgres_user(f"user_{password is None}".lower(), password):
            session.execute_simple(statement)
    found = session.run("SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname LIKE 'user_%'")
    assert [True, False] in found


def test_a_user_who_came_with_tokens_comes_with_a_password_from_now_on_and_back(session: Any) -> None:
    for password, by_token in ((None, True), ("secret", False), (None, True)):
        for statement in create_postgres_user("user_of_both", password):
            session.execute_simple(statement)
        assert session.run("SELECT pg_has_role('user_of_both', 'rds_iam', 'member')") == [[by_token]]


def test_a_user_of_mysql_is_never_without_a_way_to_log_in() -> None:
    iam = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL"
    assert create_mysql_user("a", None) == [f"CREATE USER IF NOT EXISTS 'a'@'%' {iam}", f"ALTER USER 'a'@'%' {iam}"]
    assert create_mysql_user("a", "b")[0] == "CREATE USER IF NOT EXISTS 'a'@'%' IDENTIFIED BY 'b' REQUIRE SSL"


class Sleeping:
    """A client whose database is asleep for some calls."""

    class exceptions:  # noqa: N801 - as boto3 has it
        class ClientError(Exception):
            def __init__(self, code: str) -> None:
                super().__init__(code)
                self.response = {"Error": {"Code": code}}

    def __init__(self, *codes: str | None) -> None:
        self.codes, self.calls = list(codes), 0

    def execute_statement(self, **_: Any) -> None:
        self.calls += 1
        code = self.codes.pop(0) if self.codes else None
        if code is not None:
            raise self.exceptions.ClientError(code)

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        self.execute_statement()
        return {"SecretString": json.dumps({"username": "reader", "password": "it's"})}


def test_a_database_that_was_asleep_is_waited_for() -> None:
    client, pauses = Sleeping("DatabaseResumingException", "DatabaseResumingException"), list[float]()
    DataApi(client, "cluster", "secret", "x", pause=pauses.append).execute("SELECT 1")
    assert client.calls == 3
    assert pauses == [3.0, 3.0]


def test_a_statement_that_outlasts_its_call_is_waited_for_by_asking_again() -> None:
    client = Sleeping(*["StatementTimeoutException"] * 3)
    left = iter([700.0, 655.0, 610.0])
    DataApi(client, "cluster", "secret", "x", left.__next__).execute("SELECT 1")
    assert client.calls == 4


def test_a_statement_that_outlasts_the_function_is_told() -> None:
    client = Sleeping(*["StatementTimeoutException"] * 3)
    left = iter([80.0, 35.0])
    with pytest.raises(TimeoutError, match=r"has not ended in time, and may still run: .* It begins with CREATE INDEX"):
        DataApi(client, "cluster", "secret", "x", left.__next__).execute("CREATE INDEX one ON two (three)")
    assert client.calls == 2


def test_a_migration_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    setup = importlib.import_module("constructs_lib.functions.database_setup.setup")
    monkeypatch.setenv("DATABASE_ENGINE", "postgresql")
    client = Sleeping(None, None, "DatabaseErrorException")  # after the table of migrations, and the first of them
    monkeypatch.setattr(setup, "administrator", lambda _: DataApi(client, "cluster", "secret", "x"))
    with pytest.raises(RuntimeError, match=r"migration 0002_b.sql: DatabaseErrorException"):
        setup.set_up({"Migrations": {"0002_b.sql": "SELECT 2;", "0001_a.sql": "SELECT 1;"}}, None)


@pytest.mark.parametrize(
    ("request_type", "status", "reason"),
    [
        ("Create", "FAILED", "migration 0001_a.sql: DatabaseErrorException"),
        ("Update", "FAILED", "migration 0001_a.sql: DatabaseErrorException"),
        ("Delete", "SUCCESS", "see the log"),
    ],
)
def test_cloudformation_hears_of_a_failure_and_not_of_what_goes_with_its_database(
    monkeypatch: pytest.MonkeyPatch, request_type: str, status: str, reason: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    setup = importlib.import_module("constructs_lib.functions.database_setup.setup")
    monkeypatch.setenv("DATABASE_ENGINE", "postgresql")
    client = Sleeping(None, "DatabaseErrorException")  # after the table of migrations
    answers = list[tuple[str, str]]()
    monkeypatch.setattr(setup, "administrator", lambda _: DataApi(client, "cluster", "secret", "x"))
    monkeypatch.setattr(setup, "answer", lambda _, *told: answers.append(told))
    told = {"RequestType": request_type, "ResourceProperties": {"Migrations": {"0001_a.sql": "SELECT 1;"}}}
    setup.handler(told, SimpleNamespace(log_stream_name="the log"))
    [(said, why)] = answers
    assert said == status
    assert why.startswith(reason)


def test_a_right_that_came_with_this_deployment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    setup = importlib.import_module("constructs_lib.functions.database_setup.setup")
    client, pauses = Sleeping("AccessDeniedException", "AccessDeniedException"), list[float]()
    monkeypatch.setattr(setup, "SECRETS", client)
    assert setup.password_of("arn", pauses.append) == "it's"
    assert pauses == [2.0, 4.0]
    client.codes = ["ResourceNotFoundException"]
    with pytest.raises(Sleeping.exceptions.ClientError):
        setup.password_of("arn", pauses.append)
    assert len(pauses) == 2


def test_any_other_failure_is_told_at_once() -> None:
    client = Sleeping("AccessDeniedException")
    with pytest.raises(Sleeping.exceptions.ClientError):
        DataApi(client, "cluster", "secret", "x", pause=lambda _: None).execute("SELECT 1")
    assert client.calls == 1


def test_the_package_brings_the_function_with_it() -> None:
    folder = Path(__file__).parents[2] / "constructs_lib" / "functions"
    assert (folder / "requirements.txt").is_file()  # which makes it the root of the bundle


class Rotating:
    """A client of one secret with two versions."""

    def __init__(self) -> None:
        self.stages = {"old": ["AWSCURRENT"], "new": ["AWSPENDING"]}

    def describe_secret(self, **_: str) -> dict[str, Any]:
        return {"VersionIdsToStages": self.stages}

    def get_secret_value(self, *, VersionId: str, **_: str) -> dict[str, str]:  # noqa: N803 - as boto3 has it
        return {"SecretString": json.dumps({"username": "reader", "password": VersionId})}

    def update_secret_version_stage(self, **_: str) -> None:
        assert "AWSPENDING" in self.stages["new"], "Secrets Manager takes no label from where it goes"
        self.stages = {"old": ["AWSPREVIOUS"], "new": ["AWSCURRENT"]}


def test_a_deployment_in_the_middle_of_a_rotation_leaves_the_new_password() -> None:
    client, password = Rotating(), ["old"]

    def take(step: str) -> None:
        event = {"SecretId": "arn", "ClientRequestToken": "new", "Step": step}
        rotate(client, event, lambda _, given: password.append(given))

    take("setSecret")
    password.append("old")  # a deployment tells the database what is current until the rotation is finished
    take("finishSecret")
    assert client.stages["new"] == ["AWSCURRENT"]
    assert password[-1] == "new"


def test_a_rotation_that_is_finished_may_be_finished_again() -> None:
    client = Rotating()
    for _ in range(2):
        rotate(client, {"SecretId": "arn", "ClientRequestToken": "new", "Step": "finishSecret"}, lambda *_: None)
    assert client.stages["new"] == ["AWSCURRENT"]
