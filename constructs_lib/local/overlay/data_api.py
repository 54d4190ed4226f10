"""The Data API runs its statements in the PostgreSQL of the cluster, as the user of the secret.

Stock runs nothing where there is no container; where there is one, everybody else waits until the statement is done.
https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import functools
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.postgres.server import PostgresAbsentError

if TYPE_CHECKING:
    from constructs_lib.local.overlay.relational_databases import Databases
    from constructs_lib.local.postgres.database import Database

PLACEHOLDER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
# What is no place for a parameter: text in quotes, names in quotes, dollar quotes, comments.
OPAQUE = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
CASTS = {each.upper(): each for each in ("date", "decimal", "time", "timestamp", "uuid")} | {"JSON": "jsonb"}
IDLE_SECONDS = 180.0  # after which a transaction ends by itself
BAD_REQUEST, NOT_FOUND, UNAVAILABLE = 400, 404, 504


class _ApiError(Exception):
    def __init__(self, code: str, message: str, status: int = BAD_REQUEST) -> None:
        super().__init__(message)
        self.answer = base("core.responses").error_response_json(code, message, status)


@dataclass
class _Transaction:
    session: Any
    used: float = field(default_factory=time.monotonic)


class DataApi:
    """The calls of the service.

    Args:
        databases: Those of this process.
    """

    def __init__(self, databases: Databases) -> None:
        """Begin without transactions."""
        self._databases = databases
        self._lock = threading.Lock()
        self._transactions: dict[str, _Transaction] = {}

    def answer(self, path: str, told: Mapping[str, Any]) -> Any:
        """Answer one call."""
        from pg8000.exceptions import DatabaseError  # noqa: PLC0415 - of an extra that few need

        calls: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
            "/Execute": self._execute,
            "/BatchExecute": self._batch,
            "/BeginTransaction": self._begin,
            "/CommitTransaction": functools.partial(self._end, how="COMMIT"),
            "/RollbackTransaction": functools.partial(self._end, how="ROLLBACK"),
        }
        if path not in calls:
            return _ApiError("BadRequestException", f"Unknown path {path}").answer
        try:
            return base("core.responses").json_response(calls[path](told))
        except _ApiError as error:
            return error.answer
        except DatabaseError as error:
            said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
            place = f"; Position: {said['P']}" if "P" in said else ""
            message = f"ERROR: {said.get('M', error)}{place}; SQLState: {said.get('C', '')}"
            return _ApiError("DatabaseErrorException", message).answer
        except PostgresAbsentError as error:
            return _nothing_done() if is_of_setup(told) else _unavailable(str(error))

    def forget(self) -> None:
        """Give up all transactions."""
        with self._lock:
            given_up = list(self._transactions.values())
            self._transactions.clear()
        for each in given_up:
            with contextlib.suppress(Exception):
                each.session.close()

    def _execute(self, told: Mapping[str, Any]) -> dict[str, Any]:
        with self._session(told) as session:
            context = _run(session, _text(told, "sql"), told.get("parameters") or [])
        self._note(told)
        is_query = context.columns is not None
        answered: dict[str, Any] = {
            "numberOfRecordsUpdated": 0 if _is_select(told) or context.row_count < 0 else context.row_count,
            "generatedFields": [],
        }
        if is_query and told.get("formatRecordsAs") == "JSON":
            names = [each["name"] for each in context.columns]
            rows = [dict(zip(names, row, strict=True)) for row in context.rows]
            answered["formattedRecords"] = json.dumps(rows, default=_as_text)
        elif is_query:
            answered["records"] = [[_field(value) for value in row] for row in context.rows]
            if told.get("includeResultMetadata"):
                answered["columnMetadata"] = [{"name": each["name"], "label": each["name"]} for each in context.columns]
        return answered

    def _batch(self, told: Mapping[str, Any]) -> dict[str, Any]:
        sets = told.get("parameterSets") or [[]]
        with self._session(told) as session:
            own = not told.get("transactionId")
            if own:
                session.execute_simple("BEGIN")
            try:
                for each in sets:
                    _run(session, _text(told, "sql"), each)
            except BaseException:
                if own:
                    session.execute_simple("ROLLBACK")
                raise
            if own:
                session.execute_simple("COMMIT")
        return {"updateResults": [{"generatedFields": []} for _ in sets]}

    def _begin(self, told: Mapping[str, Any]) -> dict[str, str]:
        session = self._open(told)
        session.execute_simple("BEGIN")
        identifier = base64.b64encode(uuid.uuid4().bytes).decode()
        with self._lock:
            self._transactions[identifier] = _Transaction(session)
            old = [key for key, each in self._transactions.items() if each.used < time.monotonic() - IDLE_SECONDS]
            ended = [self._transactions.pop(key) for key in old]
        for each in ended:
            each.session.close()
        return {"transactionId": identifier}

    def _end(self, told: Mapping[str, Any], *, how: str) -> dict[str, str]:
        with self._lock:
            found = self._transactions.pop(_text(told, "transactionId"), None)
        if found is None:
            raise _ApiError("TransactionNotFoundException", "Transaction is not found", NOT_FOUND)
        with contextlib.closing(found.session):
            found.session.execute_simple(how)
        return {"transactionStatus": "Transaction Committed" if how == "COMMIT" else "Rollback Complete"}

    @contextlib.contextmanager
    def _session(self, told: Mapping[str, Any]) -> Iterator[Any]:
        """A session for one statement: that of its transaction, or one of its own."""
        identifier = told.get("transactionId")
        if not identifier:
            with contextlib.closing(self._open(told)) as session:
                yield session
            return
        with self._lock:
            found = self._transactions.get(str(identifier))
        if found is None or found.used < time.monotonic() - IDLE_SECONDS:
            raise _ApiError("TransactionNotFoundException", f"Transaction {identifier} is not found", NOT_FOUND)
        found.used = time.monotonic()
        yield found.session

    def _open(self, told: Mapping[str, Any]) -> Any:
        """Open a session as the user of the secret."""
        database, user, password = self._whom(told)
        if not database.is_password(user, password):
            raise _ApiError("BadRequestException", f'FATAL: password authentication failed for user "{user}"')
        return database.connect(user, told.get("database") or database.name or "postgres")

    def _whom(self, told: Mapping[str, Any]) -> tuple[Database, str, str]:
        arn = _text(told, "resourceArn")
        parts = arn.split(":")
        identifier = parts[-1]
        record = base("services.rds")._clusters.get(identifier)
        if record is None:
            raise _ApiError("DatabaseNotFoundException", f"HttpEndpoint cannot be found for {arn}", NOT_FOUND)
        if not record.get("HttpEndpointEnabled"):
            raise _ApiError("BadRequestException", f"HttpEndpoint is not enabled for resource {arn}")
        key = (parts[4], parts[3], identifier)
        database = self._databases.of(key)
        if database is None:
            raise PostgresAbsentError(self._databases.absent.get(key, "the database has ended"))
        value = _secret_value(_text(told, "secretArn"))
        return database, value.get("username", ""), value.get("password", "")

    def _note(self, told: Mapping[str, Any]) -> None:
        """Remember what a deployment runs as the administrator: a reset runs it again."""
        stacks = base("services.cloudformation")._stacks.values()
        if not any(str(each.get("StackStatus", "")).endswith("_IN_PROGRESS") for each in stacks):
            return
        database, user, _ = self._whom(told)
        if user == database.administrator.name and not told.get("transactionId") and not told.get("parameters"):
            database.remember(_text(told, "sql"))


def is_of_setup(told: Mapping[str, Any]) -> bool:
    """Whether a statement is the administrator's, by the secret that RDS keeps."""
    return ":secret:rds!cluster-" in str(told.get("secretArn", ""))


def _nothing_done() -> Any:
    """There is no database, as the run says: users and tables nobody can ask for must not fail the rest."""
    return base("core.responses").json_response({"numberOfRecordsUpdated": 0, "generatedFields": []})


def _unavailable(why: str) -> Any:
    return _ApiError("DatabaseUnavailableException", why, UNAVAILABLE).answer


def patches(databases: Databases) -> tuple[Patch, ...]:
    """The patch, for the databases of this process."""
    api = DataApi(databases)
    databases.on_reset.append(api.forget)

    def wrap(stock: Any) -> Any:
        del stock

        async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
            del method, headers, query_params
            try:
                told = json.loads(body) if body else {}
            except ValueError:
                told = None
            if not isinstance(told, dict):
                return _ApiError("BadRequestException", "The request is no JSON object").answer
            why = databases.absence(str(told.get("resourceArn", "")).rpartition(":")[2])
            if why:
                return _nothing_done() if is_of_setup(told) else _unavailable(why)
            return await asyncio.to_thread(api.answer, path, told)

        return handle_request

    return (Patch("services.rds_data", "handle_request", ("method", "path", "headers", "body", "query_params"), wrap),)


def _run(session: Any, statement: str, parameters: Sequence[Mapping[str, Any]]) -> Any:
    if not parameters:
        return session.execute_simple(statement)
    values = {str(each.get("name")): each for each in parameters}
    names: list[str] = []
    numbered = _numbered(statement, values, names)
    return session.execute_unnamed(numbered, vals=[_value(values[name].get("value") or {}) for name in names])


def _numbered(statement: str, values: Mapping[str, Mapping[str, Any]], names: list[str]) -> str:
    """Put numbers in the place of the names of parameters, with the types that hints ask for."""

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            return match[0]
        if name not in names:
            names.append(name)
        cast = CASTS.get(str(values[name].get("typeHint", "")))
        return f"${names.index(name) + 1}" + (f"::{cast}" if cast else "")

    parts, end = [], 0
    for opaque in OPAQUE.finditer(statement):
        parts += [PLACEHOLDER.sub(number, statement[end : opaque.start()]), opaque[0]]
        end = opaque.end()
    return "".join([*parts, PLACEHOLDER.sub(number, statement[end:])])


def _value(told: Mapping[str, Any]) -> Any:
    if told.get("isNull"):
        return None
    if "blobValue" in told:
        return base64.b64decode(told["blobValue"])
    if "arrayValue" in told:
        return next(iter(told["arrayValue"].values()), [])
    return next(iter(told.values()), None)


def _field(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"isNull": True}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"longValue": value}
        case float():
            return {"doubleValue": value}
        case bytes():
            return {"blobValue": base64.b64encode(value).decode()}
        case list():
            kinds = {bool: "booleanValues", int: "longValues", float: "doubleValues"}
            name = kinds.get(type(value[0]) if value else str, "stringValues")
            return {"arrayValue": {name: value if name != "stringValues" else [_as_text(each) for each in value]}}
    return {"stringValue": _as_text(value)}


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _is_select(told: Mapping[str, Any]) -> bool:
    return str(told.get("sql", "")).lstrip("( \n\t").lower().startswith(("select", "with", "values", "show"))


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise _ApiError("BadRequestException", f"{name} is required")
    return value


def _secret_value(arn: str) -> dict[str, str]:
    secrets = base("services.secretsmanager")
    _, secret = secrets._resolve(arn)
    for version in ((secret or {}).get("Versions") or {}).values():
        if "AWSCURRENT" in (version.get("Stages") or []):
            with contextlib.suppress(ValueError):
                value: dict[str, str] = json.loads(version.get("SecretString") or "{}")
                return value
    raise _ApiError("BadRequestException", f"Error fetching secret {arn}")
