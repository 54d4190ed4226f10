from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.run_record import RunRecord
from constructs_lib.local.running import RunningAws, record_of
from constructs_lib.local.state_folder import StateFolder, StatePaths
from constructs_lib.problem import LocalError
from tests.local.session.example_app import write_example

if TYPE_CHECKING:
    from pathlib import Path

    from constructs_lib.local import LocalAws

RECORD = RunRecord(
    pid=1, endpoint="http://127.0.0.1:9", app_url="http://127.0.0.1:8", key="k", region="us-east-1", iam="enforce",
    started=1.5, assembly="/a/cdk.out", stacks=(("Shop", "us-east-1"),), is_ready=True,
)  # fmt: skip


class TestRunRecord:
    def test_is_read_as_it_was_written_and_for_its_user_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "run.json"
        RECORD.write(path)
        RECORD.write(path)
        assert RunRecord.read(path) == RECORD
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [each.name for each in tmp_path.iterdir()] == ["run.json"]

    def test_does_not_show_its_key(self) -> None:
        assert "'k'" not in repr(RECORD)

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"stacks": []}', '{"stacks": 3}'])
    def test_none_is_read_from_anything_else(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "run.json").write_text(content)
        assert RunRecord.read(tmp_path / "run.json") is None

    def test_none_is_read_where_there_is_none(self, tmp_path: Path) -> None:
        assert RunRecord.read(tmp_path / "run.json") is None


class TestFind:
    def test_nobody_holds_the_folder(self, tmp_path: Path) -> None:
        with StateFolder(tmp_path / "state"):
            pass
        RECORD.write(tmp_path / "state" / "run.json")  # as a killed run leaves it
        with pytest.raises(LocalError) as caught:
            RunningAws.find(tmp_path / "state")
        assert str(caught.value) == (
            f"no local run holds {tmp_path / 'state'}\n"
            f"  at:  {tmp_path / 'state'}\n"
            "  fix: start one with constructs-lib local --detach, or name its folder with --state"
        )

    def test_the_folder_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(LocalError, match="no local run holds"):
            RunningAws.find(tmp_path / "nothing")
        assert list(tmp_path.iterdir()) == []

    def test_a_run_that_begins_is_not_up_yet_and_a_record_of_a_killed_one_is_not_its_own(self, tmp_path: Path) -> None:
        RECORD.write(tmp_path / "run.json")
        with StateFolder(tmp_path), pytest.raises(LocalError, match=r"that holds .* is not up yet"):
            record_of(tmp_path)

    def test_looking_does_not_take_the_folder(self, tmp_path: Path) -> None:
        with StateFolder(tmp_path):
            assert StatePaths(tmp_path).is_held()
        assert not StatePaths(tmp_path).is_held()
        with StateFolder(tmp_path):
            pass

    def test_another_process_reads_logs_journal_and_stacks(self, aws: LocalAws, tmp_path: Path) -> None:
        """As `find` would, for a run that is not ours to write a record of."""
        example = write_example(tmp_path / "cdk.out")
        record = RunRecord(
            pid=os.getpid(), endpoint=aws.endpoint, app_url=aws.url, key=aws.emulator.key, region="us-east-1",
            iam="enforce", started=0.0, assembly=str(example), is_ready=True,
        )  # fmt: skip
        other = RunningAws(record, StatePaths(aws._state.path))
        assert other.function_paths() == aws.function_paths()
        assert other.outputs == aws.outputs
        answer = other.call("POST", "/greet", json={"name": "the other one"})
        assert json.loads(answer.body) == {"message": "Hello, the other one!"}
        assert any("greeting the other one" in line for line in other.logs("Greeting/Greet", until="the other one"))
        assert other.client_of("Greet", "sts").get_caller_identity()["Account"] == "000000000000"
        with pytest.raises(LocalError, match="there is no such command"):
            other.control.ask("nothing")
