"""Gaps in relational databases: what stock does, and what the mended one does instead."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pg8000 import native

from constructs_lib.local.overlay import relational_databases
from constructs_lib.local.overlay.data_api import _numbered
from constructs_lib.local.overlay.relational_databases import Databases
from constructs_lib.local.postgres.server import PostgresAbsentError
from tests.local.runtime.deployed import App
from tests.local.runtime.event_handlers import att, deploy, ref

RECORD = {"Engine": "aurora-postgresql", "MasterUsername": "postgres", "_MasterUserPassword": "a", "DatabaseName": "x"}
SCALING = {"MinCapacity": 0.5, "MaxCapacity": 1}


def cluster(**properties: Any) -> dict[str, Any]:
    given = {
        "Engine": "aurora-postgresql",
        "DatabaseName": "shop",
        "MasterUsername": "postgres",
        "EnableHttpEndpoint": True,
        "ManageMasterUserPassword": True,
        "ServerlessV2ScalingConfiguration": SCALING,
        **properties,
    }
    return {"Type": "AWS::RDS::DBCluster", "Properties": given}


def proxied() -> dict[str, Any]:
    proxy = {"DBProxyName": "door", "EngineFamily": "POSTGRESQL", "RoleArn": "arn:aws:iam::000000000000:role/door"}
    targets = {"DBProxyName": ref("Door"), "TargetGroupName": "default", "DBClusterIdentifiers": [ref("Shop")]}
    return {
        "Shop": cluster(),
        "Door": {"Type": "AWS::RDS::DBProxy", "Properties": proxy},
        "Targets": {"Type": "AWS::RDS::DBProxyTargetGroup", "Properties": targets},
    }


@pytest.fixture(scope="module")
def shop(mended: App) -> dict[str, str]:
    """A cluster behind a proxy, and its outputs."""
    outputs = {
        "Arn": {"Fn::Sub": "arn:aws:rds:${AWS::Region}:${AWS::AccountId}:cluster:${Shop}"},
        "Host": att("Shop", "Endpoint.Address"),
        "Port": att("Shop", "Endpoint.Port"),
        "Door": att("Door", "Endpoint"),
        "DoorArn": att("Door", "DBProxyArn"),
        "Secret": att("Shop", "MasterUserSecret.SecretArn"),
    }
    return deploy(mended, "Databases", proxied(), **outputs)


class TestDatabaseResources:
    def test_a_cluster_stands_behind_its_proxy(self, stock: App, shop: dict[str, str]) -> None:
        with pytest.raises(ClientError, match="Unrecognized resource types:"):
            deploy(stock, "Databases", proxied())
        assert shop["Door"] == "localhost"
        assert shop["DoorArn"].startswith("arn:aws:rds:us-east-1:000000000000:db-proxy:prx-")

    def test_the_password_of_the_administrator_is_in_secrets_manager(
        self, stock: App, mended: App, shop: dict[str, str]
    ) -> None:
        with pytest.raises(AssertionError, match=r"MasterUserSecret.SecretArn does not exist"):
            deploy(stock, "Secret", {"Shop": cluster()}, Secret=att("Shop", "MasterUserSecret.SecretArn"))
        found = mended.aws.client("secretsmanager").get_secret_value(SecretId=shop["Secret"])
        value = json.loads(found["SecretString"])
        assert value["username"] == "postgres"
        assert len(value["password"]) == 40


class TestRelationalDatabases:
    def test_a_cluster_can_be_reached_where_it_says(self, stock: App, mended: App, shop: dict[str, str]) -> None:
        told = deploy(stock, "Reached", {"Shop": cluster()}, Host=att("Shop", "Endpoint.Address"))
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(told["Host"], 5432)
        found = mended.aws.client("secretsmanager").get_secret_value(SecretId=shop["Secret"])
        secret = json.loads(found["SecretString"])
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        address = {"host": shop["Host"], "port": int(shop["Port"]), "database": "shop", "ssl_context": trust}
        with contextlib.closing(native.Connection("postgres", password=secret["password"], **address)) as session:
            assert session.run("SELECT current_user, current_database()") == [["postgres", "shop"]]

    def test_garbage_at_the_door_harms_nobody(self, shop: dict[str, str]) -> None:
        address = (shop["Host"], int(shop["Port"]))
        for garbage in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x08\x04\xd2\x16\x2fgarbage", b"\xff" * 100):
            with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(address, 5)) as client:
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                client.recv(100)
        with contextlib.closing(socket.create_connection(address, 5)) as client:
            client.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
            assert client.recv(1) == b"S"  # the next one may speak TLS

    def test_says_why_a_database_cannot_be_here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        databases = Databases(tmp_path / "data", tmp_path)
        key = ("000000000000", "us-east-1", "shop")
        assert databases.start(key, {**RECORD, "Engine": "aurora-mysql"}) is None
        assert databases.absence("shop") == "MySQL does not run on this machine, PostgreSQL does"
        monkeypatch.setattr("constructs_lib.local.postgres.server.binaries", lambda: None)
        assert databases.start(key, dict(RECORD)) is None
        wanted = "there is no PostgreSQL on this machine: pip install 'constructs-lib[database]'"
        assert databases.absence("shop") == wanted
        monkeypatch.setitem(relational_databases._CURRENT, "databases", databases)
        assert relational_databases.absence("shop") == wanted

    def test_says_why_one_does_not_start(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        databases = Databases(tmp_path / "data", tmp_path)
        key = ("000000000000", "us-east-1", "shop")
        monkeypatch.setattr("constructs_lib.local.postgres.server.binaries", lambda: tmp_path / "empty")
        database = databases.start(key, dict(RECORD))
        assert database is not None
        with pytest.raises(PostgresAbsentError, match="PostgreSQL does not start"):
            database.server.wait()
        assert databases.absence("shop").startswith("PostgreSQL does not start")
        databases.close()

    def test_what_was_there_is_there_after_a_restart(self, tmp_path: Path) -> None:
        key = ("000000000000", "us-east-1", "shop")
        record: dict[str, Any] = dict(RECORD)
        taken = socket.socket()
        for number in range(2):
            databases = Databases(tmp_path / "data", tmp_path)
            database = databases.start(key, record)
            assert database is not None
            if not number:
                first = {"DATABASE_HOST": "localhost", "DATABASE_PORT": str(record["Port"]), "OTHER": "1"}
                assert "DATABASE_PORT" not in relational_databases.variables(databases, first)
            with contextlib.closing(database.connect("postgres", "x")) as session:
                session.run("CREATE TABLE IF NOT EXISTS kept (a int)")
                session.run("INSERT INTO kept VALUES (1)")
                assert session.run("SELECT count(*) FROM kept") == [[number + 1]]
            databases.close()
            if not number:
                taken.bind(("127.0.0.1", int(first["DATABASE_PORT"])))  # by another program
                taken.listen()
        taken.close()
        assert record["Port"] == record["_LocalPort"] != int(first["DATABASE_PORT"])
        # The template told the function the port of the first time; it reaches the database nevertheless.
        assert relational_databases.variables(databases, first)["DATABASE_PORT"] == str(record["Port"])
        assert "OTHER" not in relational_databases.variables(databases, first)


class TestDataApi:
    @pytest.fixture
    def run(self, mended: App, shop: dict[str, str]) -> Any:
        client = mended.aws.client("rds-data")
        address = {"resourceArn": shop["Arn"], "secretArn": shop["Secret"], "database": "shop"}

        def run(sql: str, *parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
            return dict(client.execute_statement(**address, sql=sql, parameters=list(parameters), **more))

        run.client, run.address = client, address  # type: ignore[attr-defined] # what some tests need besides
        return run

    def test_statements_are_run(self, stock: App, run: Any) -> None:
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": '{"password": "a"}'}}
        outputs = {"Name": ref("Shop"), "Secret": ref("Secret")}
        plain = cluster(MasterUserPassword="a", ManageMasterUserPassword=False)
        instance = {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "DBClusterIdentifier": ref("Shop"),
                "DBInstanceClass": "db.serverless",
                "Engine": "aurora-postgresql",
            },
        }
        told = deploy(stock, "Api", {"Shop": plain, "One": instance, "Secret": secret}, **outputs)
        arn = f"arn:aws:rds:us-east-1:000000000000:cluster:{told['Name']}"
        secret_arn = stock.aws.client("secretsmanager").describe_secret(SecretId=told["Secret"])["ARN"]
        with pytest.raises(ClientError, match="Unsupported SQL in RDS Data API stub mode"):
            stock.aws.client("rds-data").execute_statement(
                resourceArn=arn, secretArn=secret_arn, sql="CREATE TABLE a (b int)"
            )
        run("CREATE TABLE a (b int PRIMARY KEY, c text)")
        name = {"name": "c", "value": {"stringValue": "it's :b"}}
        assert run("INSERT INTO a VALUES (:b, :c)", {"name": "b", "value": {"longValue": 1}}, name)[
            "numberOfRecordsUpdated"
        ]
        assert run("SELECT b, c, NULL, 1.5::float, true FROM a WHERE c <> ':b'")["records"] == [
            [
                {"longValue": 1},
                {"stringValue": "it's :b"},
                {"isNull": True},
                {"doubleValue": 1.5},
                {"booleanValue": True},
            ]
        ]

    def test_transactions_hold_until_they_are_ended(self, run: Any) -> None:
        run("CREATE TABLE IF NOT EXISTS held (a int)")
        for how, count in (("rollback_transaction", 0), ("commit_transaction", 1)):
            begun = run.client.begin_transaction(**run.address)["transactionId"]
            run("INSERT INTO held VALUES (1)", transactionId=begun)
            assert run("SELECT count(*) FROM held")["records"] == [[{"longValue": 0}]]
            address = {name: run.address[name] for name in ("resourceArn", "secretArn")}
            getattr(run.client, how)(**address, transactionId=begun)
            assert run("SELECT count(*) FROM held")["records"] == [[{"longValue": count}]]
            with pytest.raises(ClientError, match="TransactionNotFound"):
                run("SELECT 1", transactionId=begun)

    def test_a_statement_that_waits_holds_up_nobody(self, mended: App, run: Any) -> None:
        run("CREATE TABLE IF NOT EXISTS busy (a int)")
        begun = run.client.begin_transaction(**run.address)["transactionId"]
        run("LOCK TABLE busy", transactionId=begun)
        waits = threading.Thread(target=run, args=("SELECT * FROM busy",))
        waits.start()
        assert mended.aws.client("sts").get_caller_identity()["Account"]
        assert waits.is_alive()
        address = {name: run.address[name] for name in ("resourceArn", "secretArn")}
        run.client.commit_transaction(**address, transactionId=begun)
        waits.join(90)
        assert not waits.is_alive()

    def test_what_fails_says_why(self, run: Any) -> None:
        with pytest.raises(ClientError, match=r'relation "nowhere" does not exist; Position: 15; SQLState: 42P01'):
            run("SELECT * FROM nowhere")
        with pytest.raises(ClientError, match="sql is required"):
            run("")

    def test_names_in_texts_and_casts_are_no_parameters(self) -> None:
        names: list[str] = []
        values: dict[str, Any] = {"a": {"typeHint": "UUID"}, "b": {}}
        text = """SELECT :a, ':a', ":a", $x$ :a $x$, 1::b, :b -- :a"""
        wanted = """SELECT $1::uuid, ':a', ":a", $x$ :a $x$, 1::b, $2 -- :a"""
        assert _numbered(text, values, names) == wanted
        assert names == ["a", "b"]
