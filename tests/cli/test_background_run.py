from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.background_run import BackgroundRun
from tests.cli.local_process import PROGRAM, SECONDS, await_gone, descendants
from tests.local.session.example_app import write_example

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

IN_A_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # where tests were started by nohup, it is ignored
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv("/bin/sh", ["sh", "-c", sys.argv[1]])
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_example(tmp_path / "cdk.out")
    return tmp_path


class TestDetach:
    def test_from_ready_to_down(self, shop: Path) -> None:
        with BackgroundRun(shop, "cdk.out") as run:
            assert (run.started.returncode, run.started.stderr) == (0, "")
            lines = run.started.stdout.splitlines()
            assert lines[0].startswith("aws      http://127.0.0.1:")
            assert lines[-1] == f"ready {run.aws().url}"
            assert os.getsid(run.pid) == run.pid
            for name in ("run.log", "run-errors.log", "run.json"):
                assert stat.S_IMODE((shop / ".local" / name).stat().st_mode) == 0o600
            everything = {run.pid, *descendants(run.pid)}
            again = run.command("cdk.out", "--detach", "--port", "0")
            assert (again.returncode, again.stderr.splitlines()[0]) == (
                1, f"another local run (process {run.pid}) uses this state folder",
            )  # fmt: skip
            assert (shop / ".local" / "run.log").read_text() == run.started.stdout  # not touched by the second one
            down = run.command("down")
            assert (down.returncode, down.stderr) == (0, "")
            assert down.stdout.startswith(f"down     ended process {run.pid}; data and stacks stay in .local  ")
            assert await_gone(everything) == set()
            assert not (shop / ".local" / "run.json").exists()
            nothing = run.command("down")
            assert (nothing.returncode, nothing.stdout) == (0, "down     no local run holds .local; nothing to end\n")

    def test_survives_the_closing_of_its_terminal(self, shop: Path) -> None:
        ours, theirs = os.openpty()
        line = f"'{PROGRAM}' local cdk.out --detach --port 0; sleep 600"
        shell = subprocess.Popen(
            [sys.executable, "-c", IN_A_TERMINAL, line], stdin=theirs, stdout=theirs, stderr=theirs, cwd=shop
        )
        os.close(theirs)
        said = b""
        while b"ready http" not in said:
            said += os.read(ours, 4096)
        run = BackgroundRun(shop)  # which is refused, and finds the one that runs
        with run:
            assert run.started.returncode == 1
            below = descendants(shell.pid) - {run.pid}
            os.close(ours)
            assert shell.wait(SECONDS) == -signal.SIGHUP
            assert await_gone(below) == set()
            time.sleep(0.3)  # what a hang-up would have begun by now
            assert run.command("status").returncode == 0
            assert run.aws().call("POST", "/greet", json={"name": "again"}).text == '{"message": "Hello, again!"}'

    def test_a_start_that_fails_says_why_and_leaves_nothing(self, tmp_path: Path) -> None:
        run = BackgroundRun(tmp_path)
        assert run.started.returncode == 1
        assert run.started.stderr == (
            f"there is no cdk.json here\n  at:  {tmp_path}\n"
            "  fix: run in the folder of cdk.json, or name an assembly (cdk.out), or pass --app\n"
        )
        assert run.command("down").stdout == "down     no local run holds .local; nothing to end\n"

    def test_ctrl_c_before_it_is_ready_ends_it(self, tmp_path: Path) -> None:
        (tmp_path / "app.py").write_text("import time\ntime.sleep(60)")
        (tmp_path / "cdk.json").write_text('{"app": "python app.py"}')
        starting = subprocess.Popen(
            [PROGRAM, "local", "--detach", "--port", "0"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert starting.stdout is not None
        assert starting.stdout.readline().startswith("aws ")
        below = descendants(starting.pid)
        starting.send_signal(signal.SIGINT)
        _, errors = starting.communicate(timeout=SECONDS)
        assert (starting.returncode, errors) == (130, "")
        assert await_gone(below) == set()

    def test_keeping_nothing_is_refused_since_nobody_would_find_it(self, shop: Path) -> None:
        run = BackgroundRun(shop, "cdk.out", "--no-state")
        assert (run.started.returncode, run.started.stderr) == (
            1,
            (
                "a run in the background is found again by its state folder, and --no-state keeps none\n"
                "  at:  --detach\n"
                "  fix: leave --no-state out, or name a folder with --state\n"
            ),
        )


class TestStatus:
    def test_nothing_runs(self, tmp_path: Path) -> None:
        run = BackgroundRun(tmp_path)
        text, as_json = run.command("status"), run.command("status", "--format", "json")
        assert (text.returncode, text.stdout) == (1, "")
        assert text.stderr.splitlines()[0] == "no local run holds .local"
        assert as_json.returncode == 1
        assert json.loads(as_json.stdout) == {"running": False, "state": str(tmp_path / ".local")}

    def test_a_killed_run_does_not_count(self, shop: Path) -> None:
        with BackgroundRun(shop, "cdk.out") as run:
            everything = {run.pid, *descendants(run.pid)}
            os.kill(run.pid, signal.SIGKILL)
            assert await_gone(everything) == set()
            assert (shop / ".local" / "run.json").exists()
            assert run.command("status").returncode == 1
            assert run.command("down").stdout == "down     no local run holds .local; nothing to end\n"
            with BackgroundRun(shop, "cdk.out") as again:
                assert again.started.returncode == 0
                assert again.command("status").returncode == 0

    def test_a_command_that_does_not_stand_first_is_explained(self, tmp_path: Path) -> None:
        ended = subprocess.run(
            [PROGRAM, "local", "--state", "x", "status"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (
            1,
            (
                "there is no assembly status, and a command stands right after `local`\n"
                "  at:  PATH\n"
                "  fix: constructs-lib local status ..., with its options after it\n"
            ),
        )
