from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from constructs_lib.local import LocalAws
from tests.end_to_end.hostile_bodies import HOSTILE_BODIES


def test_greets_by_name_with_the_time(local: LocalAws) -> None:
    answer = local.call("POST", "/greet", json={"name": "Ada"})
    assert answer.status == 200
    said = answer.json()
    assert said["message"] == "Hello, Ada!"
    assert datetime.fromisoformat(said["timestamp"]).utcoffset() == timedelta(0)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"other": 1}'])
def test_greets_a_stranger_when_there_is_no_name(local: LocalAws, body: bytes) -> None:
    answer = local.call("POST", "/greet", body=body)
    assert answer.status == 200
    assert answer.json()["message"] == "Hello, stranger!"


@pytest.mark.parametrize("kind", HOSTILE_BODIES)
def test_a_hostile_body_is_the_callers_fault_never_ours(local: LocalAws, kind: str) -> None:
    answer = local.call("POST", "/greet", body=HOSTILE_BODIES[kind], headers={"content-type": "application/json"})
    assert answer.status == 400
    assert answer.json()["error"]["message"]


def test_another_verb_finds_nothing(local: LocalAws) -> None:
    assert local.call("GET", "/greet").status == 404


def test_logs_are_json_and_do_not_repeat_the_body(local: LocalAws) -> None:
    local.call("POST", "/greet", json={"name": "Grace Hopper"})
    lines = local.logs("Greeting/Greet", until="platform.report")
    assert lines
    assert all(line.startswith("{") for line in lines)
    assert not any("Grace Hopper" in line for line in lines)
