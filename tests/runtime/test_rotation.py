"""A rotation ends right however often, and wherever, its function dies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from constructs_lib.runtime import RotationRefused, rotation
from tests.runtime.fake_secrets_manager import ARN, Died, FakeSecretsManager

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
TOKEN = "token-of-this-rotation"


class RefusedError(Exception):
    pass


class Service:
    """What the secret is for: it accepts one value, and changes it for whoever has that one."""

    def __init__(self, world: World, accepts: str) -> None:
        self.accepts = accepts
        self._world = world

    def change(self, pending: str, current: str) -> None:
        self._world.step("change")
        if current != self.accepts:
            raise RefusedError
        self.accepts = pending
        self._world.step("change done")

    def test(self, value: str) -> None:
        self._world.step("test")
        if value != self.accepts:
            raise RefusedError


class World:
    """Secrets Manager, the service and the function, which dies at the instants of `deaths`."""

    def __init__(self, deaths: tuple[int, ...] = (), value: str = "old") -> None:
        self.instants = 0
        self._deaths = deaths
        self.manager = FakeSecretsManager.holding(value)
        self.manager.at_call = self.step
        self.service = Service(self, value)
        self.handler = rotation(change=self.service.change, test=self.service.test, secrets_manager=self.manager)

    def step(self, _what: str) -> None:
        # Whoever reads current and pending, in that order, always finds one that is accepted.
        assert self.service.accepts in {self.manager.value(), self.manager.value("AWSPENDING")}
        self.instants += 1
        if self.instants in self._deaths:
            raise Died

    def rotate(self, token: str = TOKEN) -> None:
        """Call the four steps, and all again while the function dies, as Secrets Manager does."""
        self.manager.begin(token)
        while True:
            try:
                for step in STEPS:
                    self.handler(event(step, token), None)
            except Died:
                continue
            return


def event(step: str, token: str = TOKEN, secret: str = ARN) -> dict[str, Any]:
    return {"Step": step, "SecretId": secret, "ClientRequestToken": token}


def instants_of_a_rotation() -> int:
    world = World()
    world.rotate()
    return world.instants


INSTANTS = instants_of_a_rotation()


def is_whole(world: World) -> None:
    assert world.manager.labelled("AWSCURRENT") == TOKEN
    assert world.manager.value() == world.service.accepts
    assert world.manager.value() != "old"
    assert world.manager.stages["v1"] == ["AWSPREVIOUS"]


@pytest.mark.parametrize("first", range(1, INSTANTS + 1))
def test_ends_whole_when_it_dies_at_any_instant_and_at_any_instant_of_the_second_try(first: int) -> None:
    for second in range(first + 1, first + INSTANTS + 1):
        world = World((first, second))
        world.rotate()
        is_whole(world)


def test_there_are_as_many_instants_as_calls() -> None:
    assert INSTANTS == 18  # each call, and the instant after each of the three changes


def test_goes_on_to_the_next_rotation() -> None:
    world = World()
    world.rotate()
    first = world.manager.value()
    world.rotate("another-token")
    assert world.manager.labelled("AWSCURRENT") == "another-token"
    assert world.manager.value() == world.service.accepts != first


def test_changes_nothing_when_the_new_value_is_current_already() -> None:
    world = World()
    world.rotate()
    world.manager.calls.clear()
    world.rotate()
    assert world.manager.calls == ["DescribeSecret"] * 4


def test_keeps_the_value_of_a_try_that_was_given_up_as_lost() -> None:
    world = World()
    world.manager.begin(TOKEN)

    def overtaken(action: str) -> None:
        if action == "PutSecretValue":
            world.manager.versions[TOKEN] = "of the other try"

    world.manager.at_call = overtaken
    world.handler(event("createSecret"), None)
    assert world.manager.value("AWSPENDING") == "of the other try"


def test_gives_the_maker_of_the_value_the_same_token_again() -> None:
    manager = FakeSecretsManager.holding("old")
    manager.begin(TOKEN)
    asked: list[tuple[str, str]] = []

    def new(current: str, token: str) -> str:
        asked.append((current, token))
        if len(asked) == 1:
            raise Died
        return f"made for {token}"

    handler = rotation(change=lambda _new, _old: None, test=lambda _: None, new=new, secrets_manager=manager)
    with pytest.raises(Died):
        handler(event("createSecret"), None)
    handler(event("createSecret"), None)
    assert asked == [("old", TOKEN), ("old", TOKEN)]
    assert manager.value("AWSPENDING") == f"made for {TOKEN}"


class TestTheNewPassword:
    def test_is_long_and_needs_no_quotes(self) -> None:
        world = World()
        world.rotate()
        value = world.manager.value()
        assert value is not None
        assert len(value) == 32
        assert value.replace("-", "").replace("_", "").isalnum()

    def test_replaces_the_field_and_keeps_the_others(self) -> None:
        world = World(value=json.dumps({"username": "ada", "password": "old"}))
        world.rotate()
        found = json.loads(world.manager.value() or "")
        assert found["username"] == "ada"
        assert found.keys() == {"username", "password"}
        assert found["password"] != "old"

    def test_is_refused_where_no_field_is_one(self) -> None:
        world = World(value=json.dumps({"token": "old"}))
        with pytest.raises(RotationRefused, match="no field 'password'"):
            world.rotate()


class TestRefusals:
    @pytest.mark.parametrize(
        ("step", "token", "why"),
        [
            ("paintSecret", TOKEN, "no step of a rotation"),
            ("createSecret", "unknown", "no version of that token"),
            ("setSecret", TOKEN, "createSecret comes first"),
        ],
    )
    def test_refuses_what_is_no_step_of_this_rotation(self, step: str, token: str, why: str) -> None:
        world = World()
        world.manager.begin(TOKEN)
        with pytest.raises(RotationRefused, match=why):
            world.handler(event(step, token), None)

    def test_refuses_a_version_that_was_given_up(self) -> None:
        world = World()
        world.manager.begin(TOKEN)
        world.manager.stages[TOKEN] = ["AWSPREVIOUS"]
        with pytest.raises(RotationRefused, match="not pending"):
            world.handler(event("createSecret"), None)

    def test_refuses_a_secret_that_is_not_rotated(self) -> None:
        world = World()
        world.manager.begin(TOKEN)
        world.manager.rotated = False
        with pytest.raises(RotationRefused, match="not one that is rotated"):
            world.handler(event("createSecret"), None)

    def test_refuses_a_coroutine_function(self) -> None:
        async def change(_new: str, _old: str) -> None: ...

        with pytest.raises(TypeError, match="nobody awaits it"):
            rotation(change=change, test=lambda _: None)

    @pytest.mark.parametrize("made", [{"password": "hunter2"}, b"hunter2", None, ""])
    def test_says_what_new_returned_and_not_which(self, made: Any) -> None:
        manager = FakeSecretsManager.holding("old")
        manager.begin(TOKEN)
        handler = rotation(
            change=lambda _new, _old: None, test=lambda _: None, new=lambda *_: made, secrets_manager=manager
        )
        with pytest.raises(RotationRefused, match=r"^new returned (dict|bytes|NoneType|nothing), wanted a str$"):
            handler(event("createSecret"), None)

    def test_refuses_a_binary_secret(self) -> None:
        world = World()
        world.manager.begin(TOKEN)
        world.manager.get_secret_value = lambda **_: {"SecretBinary": b"x"}  # type: ignore[method-assign] # one answer
        with pytest.raises(RotationRefused, match="the secret is binary"):
            world.handler(event("createSecret"), None)

    def test_takes_a_test_that_does_not_raise_for_none(self) -> None:
        async def later(_: str) -> None: ...

        manager = FakeSecretsManager.holding("old")
        manager.begin(TOKEN)
        for test, why in (
            (lambda _: False, "test returned False"),
            (lambda value: later(value), "returned a coroutine"),  # noqa: PLW0108 - as a user hides it
        ):
            handler = rotation(change=lambda _new, _old: None, test=test, secrets_manager=manager)
            handler(event("createSecret"), None)
            handler(event("setSecret"), None)
            with pytest.raises((RotationRefused, TypeError), match=why):
                handler(event("testSecret"), None)

    def test_passes_on_why_the_change_failed_and_leaves_the_old_value_current(self) -> None:
        manager = FakeSecretsManager.holding("old")
        manager.begin(TOKEN)

        def refuse(*_: str) -> None:
            raise RefusedError

        handler = rotation(change=refuse, test=refuse, secrets_manager=manager)
        handler(event("createSecret"), None)
        with pytest.raises(RefusedError):
            handler(event("setSecret"), None)
        assert manager.value() == "old"
