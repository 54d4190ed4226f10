"""The ledger, deployed to the embedded AWS: a real PostgreSQL behind a relay that checks tokens and roles."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from pg8000 import native

from constructs_lib.local.session import LocalAws
from examples.ledger import Ledger

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ledger")
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        here = {**context, "constructs-lib:bundle-for": "this-machine"}
        app = cdk.App(outdir=str(folder), analytics_reporting=False, context=here)
        Ledger(app, "Ledger")
        app.synth()
    return folder


@pytest.fixture(scope="module")
def aws(assembly: Path) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(assembly) as running:
        yield running


@pytest.fixture
def emptied(aws: LocalAws) -> LocalAws:
    aws.reset()
    return aws


def post(aws: LocalAws, name: str, source: str, target: str, amount: int) -> int:
    told = {"id": name, "from": source, "to": target, "amount": amount}
    return aws.call("POST", "/transfers", json=told, signed=True).status


def balance(aws: LocalAws, account: str) -> Any:
    return json.loads(aws.call("GET", f"/accounts/{account}", signed=True).body)


class Visitor:
    """Somebody with the credentials of a function's role, who speaks to the database directly."""

    def __init__(self, aws: LocalAws, function: str) -> None:
        functions = aws.client("lambda").list_functions()["Functions"]
        [found] = [each for each in functions if each["FunctionName"].startswith(f"Ledger-{function}")]
        variables = found["Environment"]["Variables"]
        self._rds = aws.client_of(f"Ledger/{function}", "rds")
        self.host, self.port = variables["DATABASE_HOST"], int(variables["DATABASE_PORT"])
        self.trust = ssl.create_default_context(cafile=str(aws.emulator.work / "database-ca.pem"))

    def token(self, user: str) -> str:
        return str(self._rds.generate_db_auth_token(self.host, self.port, user))

    def connect(self, user: str, password: str, **more: Any) -> native.Connection:
        settings = {"host": self.host, "port": self.port, "database": "ledger", "ssl_context": self.trust, **more}
        return native.Connection(user, password=password, **settings)

    def refusal(self, user: str, password: str, **more: Any) -> str:
        with pytest.raises(native.DatabaseError) as error:
            self.connect(user, password, **more)
        return str(error.value.args[0]["M"])


@pytest.fixture
def reader(aws: LocalAws) -> Visitor:
    return Visitor(aws, "ReadBalance")


@pytest.mark.usefixtures("emptied")
class TestLedger:
    def test_money_moves_once_however_often_it_is_sent(self, aws: LocalAws) -> None:
        assert [post(aws, "salary", "bank", "ada", 125_000) for _ in range(3)] == [201, 201, 201]
        assert balance(aws, "ada") == {"id": "ada", "balance": 125_000, "entries": 1}
        assert balance(aws, "bank")["balance"] == -125_000
        assert post(aws, "salary", "bank", "ada", 1) == 409

    def test_what_an_account_lacks_is_refused_and_leaves_nothing(self, aws: LocalAws) -> None:
        post(aws, "salary", "bank", "ada", 100)
        assert post(aws, "rent", "ada", "bob", 101) == 409
        assert balance(aws, "ada") == {"id": "ada", "balance": 100, "entries": 1}
        assert balance(aws, "bob")["error"]["code"] == "not_found"

    def test_nobody_spends_the_same_money_twice_at_once(self, aws: LocalAws) -> None:
        post(aws, "salary", "bank", "ada", 100)

        def spend(number: int) -> int:
            return post(aws, f"rent-{number}", "ada", "bob", 60)

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(spend, range(4)))
        assert sorted(answers) == [201, 409, 409, 409]
        assert balance(aws, "ada")["balance"] == 40

    @pytest.mark.parametrize(
        "told",
        [
            {"id": "a", "from": "bank", "to": "bank", "amount": 1},
            {"id": "a", "from": "bank", "to": "ada", "amount": 0},
            {"id": "a", "from": "bank", "to": "ada", "amount": 1.5},
            {"id": "a", "from": "bank", "to": "'; DROP TABLE entry; --", "amount": 1},
        ],
    )
    def test_what_is_no_transfer_is_refused(self, aws: LocalAws, told: dict[str, Any]) -> None:
        assert aws.call("POST", "/transfers", json=told, signed=True).status == 400

    def test_a_reset_empties_it_and_keeps_what_was_deployed(self, aws: LocalAws) -> None:
        post(aws, "salary", "bank", "ada", 100)
        aws.reset()
        assert balance(aws, "ada")["error"]["code"] == "not_found"
        assert balance(aws, "bank") == {"id": "bank", "balance": 0, "entries": 0}  # from the migration
        assert post(aws, "salary", "bank", "ada", 100) == 201


@pytest.mark.usefixtures("emptied")
class TestWhoIsLetIn:
    def test_a_token_of_the_role_lets_in_as_its_user(self, reader: Visitor) -> None:
        with contextlib.closing(reader.connect("ledger_reader", reader.token("ledger_reader"))) as session:
            assert session.run("SELECT current_user, amount FROM balance") == [["ledger_reader", 0]]
            with pytest.raises(native.DatabaseError, match="permission denied for table entry"):
                session.run("SELECT * FROM entry")

    def test_no_role_logs_in_as_the_user_of_another(self, reader: Visitor) -> None:
        said = reader.refusal("ledger_writer", reader.token("ledger_writer"))
        assert said.startswith("The IAM authentication failed for the role ledger_writer. Check the IAM token for")
        assert re.search(r"is not authorized to perform: rds-db:connect on resource: \S+/ledger_writer because", said)

    def test_a_token_is_for_one_user_at_one_address(self, reader: Visitor) -> None:
        assert "(the token is for ledger_reader)" in reader.refusal("ledger_writer", reader.token("ledger_reader"))
        other = reader.token("ledger_reader").replace(f":{reader.port}/", ":1/")
        assert "(the token is for localhost:1)" in reader.refusal("ledger_reader", other)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (
                lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
                "the signature of the token does not match",
            ),
            (lambda token: token.replace("X-Amz-Expires=900", "X-Amz-Expires=9000"), "the token has expired"),
            (lambda token: re.sub(r"ASIA\w{4}", "ASIA0000", token), "nobody has the access key"),
            (lambda _: "a password", "This RDS Proxy requires IAM authentication, and got no token"),
            (lambda _: "", "This RDS Proxy requires IAM authentication, and got no token"),
        ],
    )
    def test_a_bad_token_is_refused(self, reader: Visitor, change: Callable[[str], str], said: str) -> None:
        assert said in reader.refusal("ledger_reader", change(reader.token("ledger_reader")))

    def test_nobody_gets_in_without_tls(self, reader: Visitor) -> None:
        said = reader.refusal("ledger_reader", reader.token("ledger_reader"), ssl_context=False)
        assert said == "This RDS Proxy requires TLS connections"

    @pytest.mark.parametrize("setting", ["options", "statement_timeout"])
    def test_the_proxy_takes_no_settings_at_the_start_of_a_session(self, reader: Visitor, setting: str) -> None:
        said = reader.refusal("ledger_reader", reader.token("ledger_reader"), startup_params={setting: "1"})
        assert said.startswith(f"Feature not supported: RDS Proxy takes no {setting} at the start of a session")

    def test_a_user_has_the_limits_it_was_given(self, reader: Visitor) -> None:
        with contextlib.closing(reader.connect("ledger_reader", reader.token("ledger_reader"))) as session:
            assert session.run("SHOW statement_timeout") == [["5s"]]

    def test_the_administrator_logs_in_at_the_cluster_with_the_password_of_the_secret(
        self, aws: LocalAws, reader: Visitor
    ) -> None:
        [cluster] = aws.client("rds").describe_db_clusters()["DBClusters"]
        arn = cluster["MasterUserSecret"]["SecretArn"]
        secret = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        with contextlib.closing(reader.connect(secret["username"], secret["password"], host="127.0.0.1")) as session:
            assert session.run("SELECT count(*) FROM applied_migrations") == [[3]]
            assert session.run("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [[False]]
        said = reader.refusal(secret["username"], "another", host="127.0.0.1")
        assert said == 'password authentication failed for user "postgres"'

    def test_calls_are_told_in_the_journal(self, aws: LocalAws) -> None:
        post(aws, "salary", "bank", "ada", 1)  # on a new connection: the reset has ended the one before
        told = [each for each in aws.journal("authorization") if each["action"] == "rds-db:connect"]
        assert {each["resource"].rpartition("/")[2] for each in told if each["allowed"]} >= {"ledger_writer"}


def servers_in(folder: Path) -> list[int]:
    """The processes of PostgreSQL with their data in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if words[0].endswith(b"/postgres") and any(each.startswith(os.fsencode(folder)) for each in words):
                found.append(int(path.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are looked up in /proc")
class TestState:
    def test_data_is_kept_and_no_server_outlives_its_run(self, assembly: Path, tmp_path: Path) -> None:
        with LocalAws.from_assembly(assembly, state=tmp_path) as first:
            assert post(first, "salary", "bank", "ada", 100) == 201
            assert len(servers_in(tmp_path)) == 1
        assert servers_in(tmp_path) == []
        with LocalAws.from_assembly(assembly, state=tmp_path) as second:
            assert balance(second, "ada")["balance"] == 100
            os.kill(second.emulator.pid, signal.SIGKILL)
            deadline = time.monotonic() + 90
            while servers_in(tmp_path) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert servers_in(tmp_path) == []
