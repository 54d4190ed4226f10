"""A cluster of Aurora PostgreSQL is a real PostgreSQL; a proxy before it asks for a token, and for two roles' rights.

Stock keeps the records of clusters and proxies, and nobody can connect: the databases are containers, which are not
started for stacks. Here a cluster gets a process of its own, on a socket that only the relay before it opens, and the
relay lets in whom RDS Proxy would: over TLS, with a token that the session of a role has signed, when that role may
`rds-db:connect` as the user at the proxy, and the proxy's own role at the cluster.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-iam-setup.html
"""

from __future__ import annotations

import functools
import os
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay.authority import Role, here, is_enforced, scope_of
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.postgres.certificate import self_signed
from constructs_lib.local.postgres.database import Administrator, Database, folder_of
from constructs_lib.local.postgres.relay import CLUSTER_HOST, PROXY_HOST, Login, LoginRefusedError, tls_context
from constructs_lib.local.postgres.server import PostgresAbsentError, Server

if TYPE_CHECKING:
    from constructs_lib.local.postgres.token import Token

CLUSTER, PROXY, TARGETS = "AWS::RDS::DBCluster", "AWS::RDS::DBProxy", "AWS::RDS::DBProxyTargetGroup"
POSTGRES = "aurora-postgresql"
CONNECT = "rds-db:connect"

Key = tuple[str, str, str]  # account, region, identifier


@dataclass(frozen=True, slots=True)
class _Proxy:
    """A proxy that stands before a cluster."""

    resource_id: str
    role_arn: str


class Databases:
    """Every database of this process.

    Args:
        root: Where their data is kept.
        work: A folder of this process.
    """

    def __init__(self, root: Path, work: Path) -> None:
        """Begin with none."""
        self._root, self._work = root, work
        self._lock = threading.RLock()
        self._running: dict[Key, Database] = {}
        self.absent: dict[Key, str] = {}  # those that cannot be here, and why
        self.moved: dict[str, str] = {}  # ports that templates told functions, and where the database is now
        self.on_reset: list[Callable[[], object]] = []

    @classmethod
    def of_process(cls, work: Path) -> Databases:
        """Those of this process, whose data is kept where the rest of the state is, if it is."""
        is_kept = os.environ.get("PERSIST_STATE") == "1"
        root = Path(os.environ["STATE_DIR"]).parent if is_kept else work
        found = _CURRENT["databases"] = cls(root / "postgres", work)
        return found

    @functools.cached_property
    def authority_file(self) -> Path:
        """The certificate that clients have to trust."""
        return self._files[0]

    @functools.cached_property
    def _files(self) -> tuple[Path, Path]:
        made = self_signed(PROXY_HOST, CLUSTER_HOST)
        certificate, key = self._work / "database-ca.pem", self._work / "database-key.pem"
        certificate.write_text(made.certificate)
        key.touch(mode=0o600)
        key.write_text(made.key)
        return certificate, key

    @functools.cached_property
    def trusted_file(self) -> Path:
        """That certificate and those this machine trusts, for clients that know one file."""
        known = ssl.get_default_verify_paths().cafile
        file = self._work / "database-trusted.pem"
        rest = Path(known).read_text(encoding="utf-8", errors="replace") if known and Path(known).is_file() else ""
        file.write_text(f"{self.authority_file.read_text()}{rest}")
        return file

    def start(self, key: Key, record: Any) -> Database | None:
        """Have a database run for the record of a cluster; None where there can be none.

        The data that is there already, from the run before, is used.
        """
        if record.get("Engine") != POSTGRES:
            self.absent[key] = "MySQL does not run on this machine, PostgreSQL does"
            return None
        with self._lock:
            try:
                server = Server(folder_of(self._root, *key), self._work / "pg")
            except (PostgresAbsentError, OSError) as error:
                self.absent[key] = f"there is no PostgreSQL on this machine: {error}"
                return None
            administrator = Administrator(record["MasterUsername"], record["_MasterUserPassword"])
            _ = self._context  # made here, by one thread, before anybody asks for it
            judge = functools.partial(self._judge, key)
            port = record.get("_LocalPort", 0)
            name = record.get("DatabaseName") or ""
            try:
                database = Database(key[2], name, administrator, server, judge, self._tls, port)
            except OSError as error:
                database = Database(key[2], name, administrator, server, judge, self._tls)
                log.warning("%s is at port %s now, since %s is taken: %s", key[2], database.relay.port, port, error)
                record["_FormerPorts"] = [*record.get("_FormerPorts", []), port]
            self._running[key] = database
            self.moved |= {str(former): str(database.relay.port) for former in record.get("_FormerPorts", [])}
            self.absent.pop(key, None)
        record["_LocalPort"] = record["Port"] = database.relay.port
        record["Endpoint"] = record["ReaderEndpoint"] = CLUSTER_HOST
        return database

    def of(self, key: Key) -> Database | None:
        """The database of a cluster."""
        with self._lock:
            return self._running.get(key)

    def absence(self, identifier: str) -> str:
        """Why a cluster cannot be here; empty when it can."""
        with self._lock:
            failed = [database.server.problem for key, database in self._running.items() if key[2] == identifier]
        return next((why for key, why in self.absent.items() if key[2] == identifier), "".join(failed))

    def remove(self, key: Key) -> None:
        """End the database of a cluster, and forget its data."""
        with self._lock:
            self.absent.pop(key, None)
            database = self._running.pop(key, None)
        if database is not None:
            database.remove()

    def clean(self, key: Key) -> None:
        """Forget data of a cluster that is not there: a run may have ended before it could tell."""
        self.remove(key)
        shutil.rmtree(folder_of(self._root, *key), ignore_errors=True)

    def reset(self) -> None:
        """Let each be as it was deployed."""
        for forget in self.on_reset:
            forget()
        for database in self._all():
            try:
                database.reset()
            except PostgresAbsentError as error:
                log.warning("the database %s was not reset: %s", database.identifier, error)

    def close(self) -> None:
        """End all of them; their data stays."""
        found = self._all()
        for database in found:
            database.server.ask_to_stop()
        for database in found:
            database.stop()

    def _all(self) -> list[Database]:
        with self._lock:
            return list(self._running.values())

    def _tls(self) -> ssl.SSLContext:
        return self._context

    @functools.cached_property
    def _context(self) -> ssl.SSLContext:
        return tls_context(*map(str, self._files))

    def _judge(self, key: Key, token: Token, login: Login) -> None:
        """Let in whom AWS would let in.

        Raises:
            LoginRefusedError: It would not.
        """
        account, region, identifier = key
        told = (
            f"The IAM authentication failed for the role {login.user}. Check the IAM token for this user and try again."
        )
        database = self.of(key)
        if token.user != login.user:
            raise LoginRefusedError(f"{told} (the token is for {token.user})")
        if database is None or token.port != database.relay.port or token.host not in {PROXY_HOST, CLUSTER_HOST}:
            raise LoginRefusedError(f"{told} (the token is for {token.host}:{token.port})")
        session = base("services.sts")._sessions.get(token.access_key)
        if not is_enforced():
            return
        if session is None:
            raise LoginRefusedError(f"{told} (nobody has the access key {token.access_key})")
        problem = token.problem(session["SecretAccessKey"], session.get("SessionToken", ""), datetime.now(UTC))
        if problem:
            raise LoginRefusedError(f"{told} ({problem})")
        with scope_of(account, region):
            role = _role_of_session(session["Arn"])
            record = base("services.rds")._clusters.get(identifier) or {}
            reason = self._denial(role, record, login.user, at_proxy=token.host == PROXY_HOST)
        if reason:
            raise LoginRefusedError(f"{told} ({reason})")

    def _denial(self, role: Role, record: Any, user: str, *, at_proxy: bool) -> str:
        """Why a role may not log in as a user; empty when it may."""
        account, region = here()

        def user_of(resource_id: str) -> str:
            return f"arn:aws:rds-db:{region}:{account}:dbuser:{resource_id}/{user}"

        at_cluster = user_of(record.get("DbClusterResourceId", ""))
        if not at_proxy:
            return role.denial(CONNECT, at_cluster, region=region)
        reason = "no proxy stands before the cluster"
        for proxy in proxies_of(record.get("DBClusterIdentifier", "")):
            reason = role.denial(CONNECT, user_of(proxy.resource_id), region=region)
            reason = reason or Role(proxy.role_arn, "rds-proxy").denial(CONNECT, at_cluster, region=region)
            if not reason:
                break
        return reason


def proxies_of(identifier: str) -> Iterator[_Proxy]:
    """The proxies that stand before a cluster, as the stacks of this account and region say."""
    proxies: dict[str, _Proxy] = {}
    behind: set[str] = set()
    for stack in base("services.cloudformation")._stacks.values():
        for resource in (stack.get("_resources") or {}).values():
            properties, kind = resource.get("Properties") or {}, resource.get("ResourceType")
            if kind == PROXY and resource.get("Attributes"):
                arn = resource["Attributes"].get("DBProxyArn", "")
                name = resource.get("PhysicalResourceId", "")
                proxies[name] = _Proxy(arn.rpartition(":")[2], properties.get("RoleArn", ""))
            elif kind == TARGETS and identifier in (properties.get("DBClusterIdentifiers") or []):
                behind.add(properties.get("DBProxyName", ""))
    yield from (proxy for name, proxy in sorted(proxies.items()) if name in behind)


def _role_of_session(arn: str) -> Role:
    """The role behind the ARN of a session."""
    _, _, path = arn.partition(":assumed-role/")
    name, _, session = path.partition("/")
    return Role(f"arn:aws:iam::{arn.split(':')[4]}:role/{name}", session or "constructs-lib")


def variables(databases: Databases, known: Mapping[str, str]) -> dict[str, str]:
    """What a function needs to reach one of these databases and verify it, if it speaks to one.

    Its template may have been deployed when the database had another port, which some other program has now.
    """
    if not {PROXY_HOST, CLUSTER_HOST} & set(known.values()):
        return {}
    moved = {
        name: databases.moved[value]
        for name, value in known.items()
        if value in databases.moved and known.get(f"{name.removesuffix('PORT')}HOST") in {PROXY_HOST, CLUSTER_HOST}
    }
    return {**moved, "NODE_EXTRA_CA_CERTS": str(databases.authority_file), "SSL_CERT_FILE": str(databases.trusted_file)}


_CURRENT: dict[str, Databases] = {}


def absence(identifier: str) -> str:
    """Why a cluster of this process cannot be here; empty when it can."""
    return _CURRENT["databases"].absence(identifier) if _CURRENT else ""


def reset() -> None:
    """Let the databases of this process be as they were deployed."""
    if _CURRENT:
        _CURRENT["databases"].reset()
