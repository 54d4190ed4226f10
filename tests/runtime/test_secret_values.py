"""A secret is kept for a while, and read again when it is refused: also in the midst of its rotation."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from constructs_lib.runtime import parameter_values, secret_value, secret_values, with_secret
from constructs_lib.runtime.kept import Kept, Once, Reading
from constructs_lib.runtime.secret_values import SecretSource
from tests.runtime.fake_secrets_manager import ARN, FakeSecretsManager
from tests.runtime.refusing import RefusedError, accepting

AGE = 300.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSecretsManager]:
    """The Secrets Manager that every client of the module asks, and nothing kept from another test."""
    found = FakeSecretsManager.holding("old")
    monkeypatch.setattr(secret_values, "_client", lambda _region: found)
    monkeypatch.delenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", raising=False)
    monkeypatch.setenv("KEY", ARN)
    secret_values._kept.forget()
    yield found
    secret_values._kept.forget()


def rotate_to(manager: FakeSecretsManager, token: str, value: str, *, finish: bool) -> None:
    manager.begin(token)
    manager.put_secret_value(SecretId=ARN, ClientRequestToken=token, SecretString=value, VersionStages=["AWSPENDING"])
    if finish:
        manager.update_secret_version_stage(
            SecretId=ARN,
            VersionStage="AWSCURRENT",
            MoveToVersionId=token,
            RemoveFromVersionId=manager.labelled("AWSCURRENT") or "",
        )
    manager.calls.clear()


class TestKeeping:
    def test_reads_once_and_again_when_it_is_old(self, manager: FakeSecretsManager) -> None:
        clock = Clock()
        kept = Kept(SecretSource(ARN, manager), clock)
        assert [kept.reading(AGE).text for _ in range(3)] == ["old"] * 3
        clock.now += AGE - 1
        assert kept.reading(AGE).text == "old"
        assert manager.calls == ["GetSecretValue"]
        rotate_to(manager, "v2", "new", finish=True)
        assert kept.reading(AGE).text == "old"
        clock.now += 1
        assert kept.reading(AGE).text == "new"

    def test_reads_again_when_the_clock_was_set_back(self, manager: FakeSecretsManager) -> None:
        clock = Clock()
        kept = Kept(SecretSource(ARN, manager), clock)
        kept.reading(AGE)
        clock.now -= 10
        kept.reading(AGE)
        assert manager.calls == ["GetSecretValue"] * 2

    def test_reads_once_for_many_threads_and_makes_one_client(
        self, manager: FakeSecretsManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []
        together = threading.Barrier(8)

        def make(region: str) -> FakeSecretsManager:
            made.append(region)
            time.sleep(0.05)
            return manager

        def ask(_: int) -> str:
            together.wait(60)
            return secret_value("KEY")

        monkeypatch.setattr(secret_values, "_client", Once(make))
        with ThreadPoolExecutor(8) as pool:
            assert {*pool.map(ask, range(8))} == {"old"}
        assert made == ["eu-central-1"]
        assert manager.calls == ["GetSecretValue"]

    def test_shows_no_value(self) -> None:
        assert "hunter2" not in repr(Reading("hunter2", "v1"))

    def test_gives_up_before_the_function_is_out_of_time(self) -> None:
        for client in (secret_values._client("eu-central-1"), parameter_values._client("eu-central-1")):
            told = client.meta.config
            longest = told.connect_timeout * told.retries["total_max_attempts"]
            assert longest < 10, "seconds, which a function has unless told otherwise"


class TestRefusals:
    def test_calls_once_when_nothing_is_refused(self, manager: FakeSecretsManager) -> None:
        assert with_secret("KEY", accepting("old"), refused=RefusedError) == "did it with old"
        assert manager.calls == ["GetSecretValue"]

    def test_reads_what_is_current_when_the_rotation_has_ended(self, manager: FakeSecretsManager) -> None:
        secret_value("KEY")
        rotate_to(manager, "v2", "new", finish=True)
        assert with_secret("KEY", accepting("new"), refused=RefusedError) == "did it with new"
        assert manager.calls == ["GetSecretValue"]
        assert secret_value("KEY") == "new"
        assert manager.calls == ["GetSecretValue"]

    def test_reads_what_is_pending_between_the_change_and_the_end_of_the_rotation(
        self, manager: FakeSecretsManager
    ) -> None:
        secret_value("KEY")
        rotate_to(manager, "v2", "new", finish=False)
        assert with_secret("KEY", accepting("new"), refused=RefusedError) == "did it with new"
        assert with_secret("KEY", accepting("new"), refused=RefusedError) == "did it with new"
        assert manager.calls == ["GetSecretValue"] * 2, "it is kept from the first call on"

    def test_reads_what_is_current_when_the_rotation_ends_between_two_looks(
        self, manager: FakeSecretsManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        get, asked = manager.get_secret_value, 0

        def get_and_end_the_rotation(**told: str) -> Any:
            nonlocal asked
            asked += 1
            answer = get(**told)
            if asked == 2:  # what is kept, what is current, and now
                rotate_to(manager, "v2", "new", finish=True)
                manager.stages["v2"] = ["AWSCURRENT"]
            return answer

        monkeypatch.setattr(manager, "get_secret_value", get_and_end_the_rotation)
        assert with_secret("KEY", accepting("new"), refused=RefusedError) == "did it with new"
        assert secret_value("KEY") == "new"

    def test_returns_to_what_is_current_when_the_rotation_was_taken_back(self, manager: FakeSecretsManager) -> None:
        rotate_to(manager, "v2", "new", finish=False)
        with_secret("KEY", accepting("new"), refused=RefusedError)
        assert with_secret("KEY", accepting("old"), refused=RefusedError) == "did it with old"

    def test_does_not_keep_what_is_pending_before_it_was_taken(self, manager: FakeSecretsManager) -> None:
        rotate_to(manager, "v2", "new", finish=False)
        with pytest.raises(RefusedError):
            with_secret("KEY", accepting(), refused=RefusedError)
        assert secret_value("KEY") == "old"

    @pytest.mark.parametrize("labels", [["AWSCURRENT"], ["AWSCURRENT", "AWSPENDING"]])  # both may stay on one version
    def test_passes_the_refusal_on_when_there_is_no_other_value(
        self, manager: FakeSecretsManager, labels: list[str]
    ) -> None:
        manager.stages["v1"] = labels
        called: list[str] = []

        def call(value: str) -> None:
            called.append(value)
            raise RefusedError

        with pytest.raises(RefusedError):
            with_secret("KEY", call, refused=RefusedError)
        assert called == ["old"]
        assert manager.calls == ["GetSecretValue"] * 4  # kept, current, pending, and current once more

    @pytest.mark.parametrize("is_rotated", [False, True])
    def test_reads_again_once_a_second_while_everything_is_refused(
        self, manager: FakeSecretsManager, *, is_rotated: bool
    ) -> None:
        if is_rotated:
            rotate_to(manager, "v2", "new", finish=False)
        clock = Clock()
        kept, refuse = Kept(SecretSource(ARN, manager), clock), accepting()
        for _ in range(5):
            with pytest.raises(RefusedError):
                kept.use(lambda reading: refuse(reading.text), RefusedError, AGE)
        again = 2 if is_rotated else 3
        assert manager.calls == ["GetSecretValue"] * (1 + again)
        clock.now += 1
        with pytest.raises(RefusedError):
            kept.use(lambda reading: refuse(reading.text), RefusedError, AGE)
        assert manager.calls == ["GetSecretValue"] * (1 + 2 * again)

    def test_calls_no_second_time_for_another_failure(self, manager: FakeSecretsManager) -> None:
        rotate_to(manager, "v2", "new", finish=False)
        with pytest.raises(ZeroDivisionError):
            with_secret("KEY", lambda _: 1 / 0, refused=RefusedError)
        assert manager.calls == ["GetSecretValue"]

    @pytest.mark.parametrize(
        "refused",
        [
            RefusedError,
            (KeyError, RefusedError),
            lambda error: isinstance(error, RefusedError),
        ],
    )
    def test_takes_classes_and_what_tells(self, manager: FakeSecretsManager, refused: Any) -> None:
        rotate_to(manager, "v2", "new", finish=False)
        assert with_secret("KEY", accepting("new"), refused=refused) == "did it with new"

    def test_threads_that_are_refused_together_read_again_once(self, manager: FakeSecretsManager) -> None:
        secret_value("KEY")
        rotate_to(manager, "v2", "new", finish=True)
        together = threading.Barrier(8)
        mine = threading.local()

        def call(value: str) -> str:
            if not getattr(mine, "was_here", False):
                mine.was_here = True
                together.wait(60)
                raise RefusedError
            return value

        with ThreadPoolExecutor(8) as pool:
            done = [pool.submit(with_secret, "KEY", call, refused=RefusedError) for _ in range(8)]
            assert {each.result() for each in done} == {"new"}
        assert manager.calls == ["GetSecretValue"]

    def test_refuses_a_coroutine_function(self) -> None:
        async def call(_: str) -> None: ...

        with pytest.raises(TypeError, match=r"call is async, and nobody awaits it"):
            _ = with_secret("KEY", call, refused=RefusedError)

    @pytest.mark.usefixtures("manager")
    def test_refuses_a_call_that_has_not_ended_when_it_returns(self) -> None:
        async def later(_: str) -> None: ...

        def slowly(value: str) -> Iterator[str]:
            yield value

        with pytest.raises(TypeError, match="the call returned a coroutine"):
            _ = with_secret("KEY", lambda value: later(value), refused=RefusedError)  # noqa: PLW0108 - as a user hides it
        with pytest.raises(TypeError, match="slowly is a generator"):
            with_secret("KEY", slowly, refused=RefusedError)

    @pytest.mark.usefixtures("manager")
    @pytest.mark.parametrize("refused", [[RefusedError], "RefusedError", str, (RefusedError, "other"), None])
    def test_refuses_what_tells_no_refusal_before_there_is_one(self, refused: Any) -> None:
        with pytest.raises(TypeError, match="wanted an exception, a tuple of them, or a function"):
            with_secret("KEY", accepting("old"), refused=refused)


class TestFields:
    def test_reads_each_field_of_one_secret_once(
        self, manager: FakeSecretsManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manager.versions["v1"] = json.dumps({"username": "ada", "password": "old", "port": 5432})
        for name in ("username", "password", "port"):
            monkeypatch.setenv(f"DB_{name.upper()}", f"{ARN}:{name}::")
        assert [secret_value(f"DB_{name}") for name in ("USERNAME", "PASSWORD", "PORT")] == ["ada", "old", "5432"]
        assert manager.calls == ["GetSecretValue"]

    @pytest.mark.parametrize("text", ["hunter2", '["hunter2"]', '{"pass": "hunter2"}', '"hunter2"'])
    def test_a_field_that_is_not_there_tells_no_value(
        self, manager: FakeSecretsManager, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        manager.versions["v1"] = text
        monkeypatch.setenv("DB_PASSWORD", f"{ARN}:password::")
        with pytest.raises(ValueError, match="no field 'password'") as caught:
            secret_value("DB_PASSWORD")
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


class TestVariables:
    def test_says_how_to_set_one_that_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("KEY", raising=False)
        with pytest.raises(ValueError, match="the variable KEY is not set"):
            secret_value("KEY")

    @pytest.mark.parametrize("told", ["hunter2", "arn:aws:ssm:eu-central-1:123456789012:parameter/hunter2"])
    def test_never_tells_what_stands_in_one(self, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
        monkeypatch.setenv("KEY", told)
        with pytest.raises(ValueError, match="names no secret") as caught:
            secret_value("KEY")
        assert "hunter2" not in str(caught.value)

    def test_refuses_a_binary_secret(self, manager: FakeSecretsManager) -> None:
        manager.get_secret_value = lambda **_: {"Name": "Key", "VersionId": "v1", "SecretBinary": b"x"}  # type: ignore[method-assign] # one answer
        with pytest.raises(ValueError, match="the secret Key is binary"):
            secret_value("KEY")


class TestExtension:
    @contextmanager
    def serving(self, monkeypatch: pytest.MonkeyPatch, status: int, body: object) -> Iterator[list[Any]]:
        asked: list[Any] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers["X-Aws-Parameters-Secrets-Token"]))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None: ...

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.server_port))
            monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
            yield asked
            server.shutdown()
            thread.join()

    def test_is_asked_first_and_its_refused_value_never_again(
        self, manager: FakeSecretsManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rotate_to(manager, "v2", "new", finish=True)
        told = {"Name": "Key", "VersionId": "v1", "SecretString": "old"}
        with self.serving(monkeypatch, 200, told) as asked:
            assert with_secret("KEY", accepting("new"), refused=RefusedError) == "did it with new"
        [(path, token)] = asked
        assert (urlsplit(path).path, token) == ("/secretsmanager/get", "token")
        assert parse_qs(urlsplit(path).query) == {"secretId": [ARN]}
        assert manager.calls == ["GetSecretValue"]

    @pytest.mark.parametrize(("status", "body"), [(400, "not ready"), (200, {}), (500, {})])
    def test_is_passed_by_while_it_does_not_answer(
        self, manager: FakeSecretsManager, monkeypatch: pytest.MonkeyPatch, status: int, body: object
    ) -> None:
        with self.serving(monkeypatch, status, body):
            assert secret_value("KEY") == "old"
        assert manager.calls == ["GetSecretValue"]
