"""What a deployment began to rotate, and whoever waits for its end."""

from __future__ import annotations

import threading

import pytest

from constructs_lib.local.overlay.first_rotations import FirstRotations


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def rotations(said: list[str]) -> FirstRotations:
    made = FirstRotations()
    made.listen(lambda: said.append("begins"), lambda: said.append("ends"))
    return made


def test_are_waited_for_until_their_end_was_told(rotations: FirstRotations, said: list[str]) -> None:
    may_end, has_ended = threading.Event(), threading.Event()

    def ended() -> None:
        has_ended.set()
        assert may_end.wait(60)
        said.append("kept")

    rotations.listen(lambda: None, ended)
    rotations.begin("a", "Shop/Key")
    ending = threading.Thread(target=rotations.end, args=("a", "testSecret: no"))
    ending.start()
    assert has_ended.wait(60)
    assert rotations.told() == {"under_way": ["Shop/Key"], "failed": {}}
    may_end.set()
    assert rotations.wait()
    assert said == ["kept"]
    assert rotations.told() == {"under_way": [], "failed": {"Shop/Key": "testSecret: no"}}
    assert rotations.told()["failed"] == {}  # which is told once
    ending.join()


def test_the_end_of_any_other_rotation_is_none_of_theirs(rotations: FirstRotations, said: list[str]) -> None:
    rotations.end("somebody's", "createSecret: no")
    assert rotations.wait()
    assert (said, rotations.told()) == ([], {"under_way": [], "failed": {}})


def test_those_given_up_end_once(rotations: FirstRotations, said: list[str]) -> None:
    rotations.begin("a", "Shop/Key")
    rotations.give_up()
    rotations.end("a")  # it goes on by itself, and ends later
    assert rotations.wait()
    assert said == ["begins", "ends"]
