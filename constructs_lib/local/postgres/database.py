"""One cluster: its PostgreSQL, the relay before it, and who may log in."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import shutil
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from constructs_lib.local.postgres.relay import Login, LoginRefusedError, Relay
from constructs_lib.local.postgres.server import PostgresAbsentError, Server
from constructs_lib.local.postgres.token import Token, read_token

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

SCRAM = "SCRAM-SHA-256"

# What AWS has beside PostgreSQL's own roles.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Roles.html
ROLES = ("rds_iam", "rds_password", "rds_superuser")
OF_SUPERUSER = ("pg_monitor", "pg_signal_backend", "pg_checkpoint", "rds_password")


@dataclass(frozen=True, slots=True)
class Administrator:
    """The first user of a cluster."""

    name: str
    password: str


@dataclass
class Database:
    """A cluster with its database.

    Args:
        identifier: The identifier of the cluster.
        name: The database that is made with it; empty for none.
        administrator: Its first user.
        server: The PostgreSQL.
        judge: Called with a token that names a user, and the name the client called; raises `LoginRefusedError`.
        tls: The context of the relay.
        port: The port of the relay; 0 for a free one.
    """

    identifier: str
    name: str
    administrator: Administrator
    server: Server
    judge: Callable[[Token, Login], object]
    tls: Callable[[], ssl.SSLContext]
    port: int = 0
    relay: Relay = field(init=False)

    def __post_init__(self) -> None:
        """Open the relay; what logs in waits until the database is there."""
        self.relay = Relay(self.port, self.tls, self._let_in, self.server.dial)
        self._prepared = threading.Lock()
        self._is_prepared = False
        self._deployed = self.server.folder / "deployed.jsonl"

    def prepare(self) -> None:
        """Make what AWS makes, once.

        Raises:
            PostgresAbsentError: PostgreSQL does not start.
        """
        with self._prepared:
            if self._is_prepared:
                return
            with self.server.superuser() as session:
                for role in ROLES:
                    _run_unless(session, "SELECT FROM pg_roles WHERE rolname = :name", f"CREATE ROLE {role}", name=role)
                for role in OF_SUPERUSER:
                    session.run(f"GRANT {role} TO rds_superuser WITH ADMIN OPTION")
                self._make_administrator(session)
                if self.name:
                    self._make_database(session)
            self._is_prepared = True

    def connect(self, user: str, database: str) -> Any:
        """Open a session as a user, whoever asks."""
        self.prepare()
        return self.server.connect(user, database)

    def is_password(self, user: str, password: str) -> bool:
        """Whether this is the password of a user."""
        self.prepare()
        with self.server.superuser() as session:
            found = session.run("SELECT rolpassword FROM pg_authid WHERE rolname = :name AND rolcanlogin", name=user)
        return bool(found) and _matches(found[0][0] or "", password)

    def remember(self, statement: str) -> None:
        """Remember a statement as part of what was deployed: a reset runs it again."""
        with self._deployed.open("a", encoding="utf-8") as file:
            file.write(json.dumps(statement) + "\n")

    def reset(self) -> None:
        """Let the database be as it was deployed: empty, and what deployments ran in it run again."""
        if not self.name:
            return
        self.prepare()
        self.relay.break_connections()
        self.server.forget_superuser(self.name)
        with self.server.superuser() as session:
            session.run(f"DROP DATABASE IF EXISTS {quoted(self.name)} WITH (FORCE)")
            self._make_database(session)
        statements = self._deployed.read_text(encoding="utf-8").splitlines() if self._deployed.exists() else []
        if statements:
            with contextlib.closing(self.connect(self.administrator.name, self.name)) as session:
                for line in statements:
                    session.execute_simple(json.loads(line))

    def stop(self) -> None:
        """End the relay and the server; the data stays."""
        self.relay.close()
        self.server.stop()

    def remove(self) -> None:
        """End it, and forget its data."""
        self.stop()
        shutil.rmtree(self.server.folder, ignore_errors=True)

    def _make_administrator(self, session: Any) -> None:
        name = quoted(self.administrator.name)
        exists = "SELECT FROM pg_roles WHERE rolname = :name"
        _run_unless(session, exists, f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE", name=self.administrator.name)
        session.run(f"ALTER ROLE {name} PASSWORD {_literal(self.administrator.password)}")
        session.run(f"GRANT rds_superuser TO {name} WITH ADMIN TRUE")
        # Who may hand on the right to log in by IAM does not log in by it.
        session.run(f"GRANT rds_iam TO {name} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")

    def _make_database(self, session: Any) -> None:
        make = f"CREATE DATABASE {quoted(self.name)} OWNER {quoted(self.administrator.name)}"
        _run_unless(session, "SELECT FROM pg_database WHERE datname = :name", make, name=self.name)

    def _let_in(self, login: Login) -> None:
        """Let somebody in, or say why not.

        Raises:
            LoginRefusedError: The token or the password is not good.
        """
        token = read_token(login.password)
        try:
            if token is not None:
                self.judge(token, login)
                if not self._takes_tokens(login.user):
                    raise LoginRefusedError(f'PAM authentication failed for user "{login.user}": no role rds_iam')
            elif login.is_at_proxy:
                raise LoginRefusedError("This RDS Proxy requires IAM authentication, and got no token")
            elif not self.is_password(login.user, login.password):
                raise LoginRefusedError(f'password authentication failed for user "{login.user}"')
        except PostgresAbsentError as error:
            raise LoginRefusedError(str(error)) from error

    def _takes_tokens(self, user: str) -> bool:
        self.prepare()
        with self.server.superuser() as session:
            asked = "SELECT pg_has_role(oid, 'rds_iam', 'usage') FROM pg_roles WHERE rolname = :name"
            found = session.run(asked, name=user)
        return bool(found) and bool(found[0][0])


def quoted(name: str) -> str:
    """Write a name so that it is nothing else."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _run_unless(session: Any, question: str, statement: str, **values: str) -> None:
    if not session.run(question, **values):
        session.run(statement)


def _matches(verifier: str, password: str) -> bool:
    """Whether a password fits what PostgreSQL keeps of it.

    https://www.rfc-editor.org/rfc/rfc5802
    """
    kind, _, rest = verifier.partition("$")
    if kind != SCRAM:
        return False
    (rounds, salt), (_, server_key) = (part.split(":") for part in rest.split("$"))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
    return hmac.compare_digest(hmac.digest(salted, b"Server Key", "sha256"), base64.b64decode(server_key))


def folder_of(root: Path, account: str, region: str, identifier: str) -> Path:
    """Where the data of a cluster is."""
    return root / f"{account}-{region}-{identifier}"
