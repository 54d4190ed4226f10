"""What has happened, for whoever asks again and again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from constructs_lib.local.page.happenings import KEPT_ENTRIES, LINE_CHARACTERS, Follower
from constructs_lib.local.state_folder import StatePaths


def journal(folder: Path, *entries: dict[str, Any]) -> None:
    with StatePaths(folder).journal.open("a") as file:
        file.writelines(json.dumps(each) + "\n" for each in entries)


def log(folder: Path, *lines: str) -> None:
    with StatePaths(folder).function_log.open("a") as file:
        file.writelines(json.dumps({"function": "f", "line": each}) + "\n" for each in lines)


def test_tells_each_thing_once_to_each_who_asks(tmp_path: Path) -> None:
    follower = Follower(StatePaths(tmp_path))
    assert follower.since(0).last == 0
    journal(tmp_path, {"kind": "request", "n": 1})
    log(tmp_path, "one")
    first = follower.since(0)
    assert ([each["n"] for each in first.entries], [each["line"] for each in first.lines]) == ([1], ["one"])
    journal(tmp_path, {"kind": "request", "n": 2})
    second = follower.since(first.last)
    assert ([each["n"] for each in second.entries], list(second.lines), second.is_anew) == ([2], [], False)
    assert [each["n"] for each in follower.since(0).entries] == [1, 2]


def test_begins_anew_for_a_number_of_another_run(tmp_path: Path) -> None:
    follower = Follower(StatePaths(tmp_path))
    journal(tmp_path, {"kind": "request"})
    assert follower.since(999).is_anew
    assert len(follower.since(999).entries) == 1


def test_keeps_the_latest_and_no_line_without_end(tmp_path: Path) -> None:
    follower = Follower(StatePaths(tmp_path))
    journal(tmp_path, *({"kind": "request", "n": number} for number in range(KEPT_ENTRIES + 10)))
    log(tmp_path, "x" * (LINE_CHARACTERS + 10))
    told = follower.since(0)
    assert (len(told.entries), told.entries[0]["n"]) == (KEPT_ENTRIES, 10)
    assert len(told.lines[0]["line"]) == LINE_CHARACTERS


def test_leaves_out_what_is_allowed_each_second_anew(tmp_path: Path) -> None:
    follower = Follower(StatePaths(tmp_path))
    kinds = [{"kind": "authorization", "allowed": allowed} for allowed in (True, False)]
    journal(tmp_path, *kinds)
    assert follower.since(0).entries == [{"kind": "authorization", "allowed": False}]
