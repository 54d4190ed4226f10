from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from constructs_lib.local.state_folder import StateFolder
from constructs_lib.problem import LocalError

HOLD = """
import sys, time
from pathlib import Path
from constructs_lib.local.state_folder import StateFolder
folder = StateFolder(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


class TestStateFolder:
    def test_is_made_with_everything_above_it_and_kept_out_of_git(self, tmp_path: Path) -> None:
        with StateFolder(tmp_path / "deep" / "state") as folder:
            assert (folder.path / ".gitignore").read_text() == "*\n"
        assert folder.path.is_dir()

    def test_nobody_else_may_enter_for_secrets_are_saved_there(self, tmp_path: Path) -> None:
        with StateFolder(tmp_path / "state") as folder:
            assert folder.path.stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize(("name", "mode"), [(".local", 0o700), ("given", 0o755)])
    def test_nor_the_default_one_that_was_left_open_and_others_are_the_users(
        self, tmp_path: Path, name: str, mode: int
    ) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
        with StateFolder(tmp_path / name) as folder:
            assert folder.path.stat().st_mode & 0o777 == mode

    def test_a_temporary_one_is_gone_when_closed(self) -> None:
        with StateFolder(None) as folder:
            assert folder.path.is_dir()
        assert not folder.path.exists()

    def test_can_be_taken_again_when_closed(self, tmp_path: Path) -> None:
        StateFolder(tmp_path).close()
        StateFolder(tmp_path).close()

    def test_the_log_of_the_run_before_is_emptied(self, tmp_path: Path) -> None:
        (tmp_path / "functions.jsonl").write_text("old")
        with StateFolder(tmp_path) as folder:
            assert folder.function_log.read_bytes() == b""


class TestRefusals:
    def test_two_at_once(self, tmp_path: Path) -> None:
        with StateFolder(tmp_path), pytest.raises(LocalError) as caught:
            StateFolder(tmp_path)
        assert str(caught.value) == (
            f"another local run (process {os.getpid()}) uses this state folder\n"
            f"  at:  {tmp_path}\n"
            "  fix: end it with constructs-lib local down, or name another folder with --state, or run with --no-state"
        )

    def test_a_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(LocalError, match="the state folder cannot be used: File exists"):
            StateFolder(tmp_path / "file")

    def test_a_lock_left_by_a_killed_process_does_not_count(self, tmp_path: Path) -> None:
        root = Path(__file__).parents[3]
        command = [sys.executable, "-c", HOLD, str(tmp_path)]
        holder = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        with holder, holder.stdout:
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(LocalError, match=f"process {holder.pid}"):
                StateFolder(tmp_path)
            holder.send_signal(signal.SIGKILL)
            holder.wait()
        StateFolder(tmp_path).close()
