"""When environments are started, used again, frozen and ended, and what they see of this machine."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local.executor import executor
from constructs_lib.local.executor.executor import Executor
from tests.local.runtime.functions import Runner, function
from tests.local.runtime.processes import are_gone, eventually, is_frozen, is_running

COUNTS = "let count = 0; exports.handler = async () => [process.pid, ++count]"


class TestReuse:
    def test_uses_an_environment_again(self, runner: Runner) -> None:
        made = function({"index.js": COUNTS}, "reused")
        first, second = runner.invoke(made), runner.invoke(made)
        assert first.payload[0] == second.payload[0]
        assert second.payload[1] == 2
        assert "Init Duration" in first.log
        assert "Init Duration" not in second.log

    @pytest.mark.parametrize(
        "change", [{"Environment": {"Variables": {"A": "b"}}}, {"MemorySize": 1024}, {"CodeSha256": "z"}]
    )
    def test_starts_a_new_environment_when_the_function_changes(
        self, runner: Runner, change: dict[str, object]
    ) -> None:
        first = runner.invoke(function({"index.js": COUNTS}, "changed")).payload
        changed = runner.invoke(function({"index.js": COUNTS}, "changed", **change)).payload
        assert changed[0] != first[0]
        assert not is_running(first[0])

    def test_starts_one_environment_for_each_concurrent_request(self, runner: Runner) -> None:
        code = "exports.handler = async () => { await new Promise((r) => setTimeout(r, 300)); return process.pid }"
        made = function({"index.js": code}, "concurrent")
        with ThreadPoolExecutor(20) as pool:
            pids = [each.payload for each in pool.map(lambda _: runner.invoke(made), range(20))]
        assert len(set(pids)) == 20

    def test_starts_a_new_environment_when_an_idle_one_was_killed(self, runner: Runner) -> None:
        made = function({"index.js": COUNTS}, "killed-idle")
        pid = runner.invoke(made).payload[0]
        os.kill(pid, signal.SIGKILL)
        assert are_gone([pid])
        assert runner.invoke(made).payload[1] == 1

    def test_removes_the_temporary_folder_with_its_environment(self, runner: Runner) -> None:
        code = """exports.handler = async (end) => {
            require("fs").writeFileSync(require("path").join(process.env.TMPDIR, "left"), "");
            return end ? process.exit(1) : process.env.TMPDIR }"""
        made = function({"index.js": code}, "temporary")
        folder = Path(runner.invoke(made, False).payload)
        assert [each.name for each in folder.iterdir()] == ["left"]
        runner.invoke(made, True)
        assert not folder.exists()

    def test_tells_the_caller_when_a_process_is_killed_in_a_request(self, runner: Runner) -> None:
        code = (
            "exports.handler = async (s) => { if (s) await new Promise((r) => setTimeout(r, s)); return process.pid }"
        )
        made = function({"index.js": code}, "killed-busy")
        pid = runner.invoke(made, 0).payload
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(runner.invoke, made, 19_000)
            assert eventually(lambda: not is_frozen(pid))
            os.kill(pid, signal.SIGKILL)
            outcome = waiting.result(15)
        assert outcome.payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
        assert runner.invoke(made, 0).payload != pid


class TestTaking:
    def test_takes_an_environment_that_waits_for_this_function_and_gives_it_back(self, runner: Runner) -> None:
        made = function({"index.js": COUNTS}, "taken")
        assert runner.executor.take_idle(made) is None
        pid = runner.invoke(made).payload[0]
        taken = runner.executor.take_idle(made)
        assert taken is not None
        assert runner.executor.take_idle(made) is None
        assert runner.invoke(made).payload[0] != pid
        runner.executor.give_back(taken)
        assert runner.invoke(made).payload[0] == pid

    @pytest.mark.parametrize("change", [{"CodeSha256": "z"}, {"MemorySize": 1024}])
    def test_takes_none_of_another_revision(self, runner: Runner, change: dict[str, object]) -> None:
        runner.invoke(function({"index.js": COUNTS}, "revised"))
        assert runner.executor.take_idle(function({"index.js": COUNTS}, "revised", **change)) is None

    def test_takes_none_that_is_gone(self, runner: Runner) -> None:
        made = function({"index.js": COUNTS}, "gone")
        pid = runner.invoke(made).payload[0]
        os.kill(pid, signal.SIGKILL)
        assert are_gone([pid])
        assert runner.executor.take_idle(made) is None

    def test_ends_those_that_have_waited_for_long(self, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        made, other = function({"index.js": COUNTS}, "young"), function({"index.js": COUNTS}, "old")
        pid = runner.invoke(other).payload[0]
        runner.invoke(made)
        monkeypatch.setattr(executor, "IDLE_SECONDS", 0.05)
        monkeypatch.setattr(executor, "TIDY_SECONDS", 0.0)
        taken = runner.executor.take_idle(made)
        assert taken is not None
        time.sleep(0.06)
        assert runner.executor.take_idle(made) is None
        assert eventually(lambda: not is_running(pid))
        runner.executor.give_back(taken)


class TestFreezing:
    def test_freezes_work_that_was_not_awaited_until_the_next_call(self, runner: Runner) -> None:
        code = "let beats = 0; setInterval(() => beats++, 10); exports.handler = async () => beats"
        made = function({"index.js": code}, "frozen")
        before = runner.invoke(made).payload
        time.sleep(1)
        assert runner.invoke(made).payload - before < 50

    def test_ends_what_the_process_has_started(self, runner: Runner) -> None:
        code = """exports.handler = async () => {
            const child = require("child_process").spawn("sleep", ["60"], { stdio: "ignore" });
            console.log("child", child.pid);
            process.exit(1);
        }"""
        outcome = runner.run(code)
        pid = int(next(line for line in runner.log(outcome) if "child" in line).split()[-1])
        assert are_gone([pid])


class TestVariables:
    def test_sees_what_lambda_sets_and_its_own_and_nothing_of_this_machine(
        self, runner: Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_OF_MINE", "leaked")
        made = function(
            {"index.js": "exports.handler = async () => process.env"},
            "variables",
            Environment={"Variables": {"TABLE": "users", "AWS_REGION": "mars-1"}},
            Role="arn:aws:iam::000000000000:role/mine",
        )
        found = runner.invoke(made).payload
        folders = {name: found.pop(name) for name in ("LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "TMPDIR", "HOME")}
        assert [each.name for each in Path(folders["LAMBDA_TASK_ROOT"]).iterdir()] == ["index.js"]
        stream = found.pop("AWS_LAMBDA_LOG_STREAM_NAME")
        assert stream in runner.stored.streams["/aws/lambda/variables"]
        for daemon in ("AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT"):
            found.pop(daemon)
        found.pop("PATH")
        assert found == {
            "_HANDLER": "index.handler",
            "_X_AMZN_TRACE_ID": "Root=1-2-3;Sampled=1",
            "AWS_ACCESS_KEY_ID": "key of arn:aws:iam::000000000000:role/mine",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_NAME": "variables",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/variables",
            "AWS_REGION": "us-east-1",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "LANG": "en_US.UTF-8",
            "NODE_PATH": "",
            "TABLE": "users",
            "TZ": ":UTC",
        }


class TestLog:
    def test_writes_the_lines_of_lambda_in_text(self, runner: Runner) -> None:
        made = function({"index.js": "exports.handler = async () => { console.log('two\\nlines', { a: 1 }) }"}, "told")
        outcome = runner.invoke(made)
        request = f"request-{runner.count}"
        init, start, line, end, report = runner.stored.events["/aws/lambda/told"]
        assert init == "INIT_START Runtime Version: nodejs22.x"
        assert start == f"START RequestId: {request} Version: $LATEST"
        assert line.endswith(f"Z\t{request}\tINFO\ttwo\nlines {{ a: 1 }}")
        assert end == f"END RequestId: {request}"
        assert report.startswith(f"REPORT RequestId: {request}\tDuration: ")
        assert outcome.log.splitlines()[-1].startswith("REPORT")

    def test_writes_the_records_of_lambda_in_json(self, runner: Runner) -> None:
        code = """exports.handler = async () => {
            console.debug("left out"); console.warn("text", 1); console.log({ user: "ada" });
            throw new RangeError("bad") }"""
        made = function({"index.js": code}, "told-json", LoggingConfig={"LogFormat": "JSON", "LogGroup": "own"})
        runner.invoke(made)
        told = [json_of(each) for each in runner.stored.events["own"]]
        assert [each.get("type") for each in told] == [
            "platform.initStart",
            "platform.start",
            None,
            None,
            None,
            "platform.report",
        ]
        request = f"request-{runner.count}"
        assert {**told[2], "timestamp": ""} == {
            "timestamp": "",
            "level": "WARN",
            "requestId": request,
            "message": "text 1",
        }
        assert told[3]["message"] == {"user": "ada"}
        assert (told[4]["errorType"], told[4]["errorMessage"]) == ("RangeError", "bad")
        assert told[5]["record"]["requestId"] == request
        assert told[5]["record"]["metrics"]["memorySizeMB"] == 512

    def test_keeps_a_line_without_an_end(self, runner: Runner) -> None:
        made = function({"index.js": "exports.handler = async () => { process.stdout.write('no end') }"}, "no-end")
        runner.invoke(made)
        assert "no end" in runner.stored.events["/aws/lambda/no-end"]

    def test_keeps_a_megabyte_in_one_line_in_pieces(self, runner: Runner) -> None:
        made = function({"index.js": "exports.handler = async () => { console.log('z'.repeat(1 << 20)) }"}, "much")
        runner.invoke(made)
        pieces = [each for each in runner.stored.events["/aws/lambda/much"] if each.endswith("z")]
        assert sum(each.count("z") for each in pieces) == 1 << 20
        assert max(len(each) for each in pieces) <= 262_118

    def test_ends_a_function_that_prints_without_end(self, runner: Runner) -> None:
        code = "def handler(event, context):\n    while True: print('again and again')"
        outcome = runner.run(code, name="index.py", Timeout=1)
        assert outcome.payload["errorType"] == "Sandbox.Timedout"


class TestEnd:
    def test_ends_every_process_when_the_executor_closes(self, runner: Runner, tmp_path: Path) -> None:
        other = Executor(dataclasses.replace(runner.executor._surroundings, work=tmp_path))
        made = function({"index.js": COUNTS}, "ended")
        pid = other.invoke(made, None, request_id="r", trace=None).payload[0]
        other.close()
        assert not is_running(pid)


def json_of(line: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(line)
    return told
