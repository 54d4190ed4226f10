"""Functions that bring their own runtime, a program that speaks the Runtime API over HTTP.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.local.runtime.custom import custom, layered, programs, runtime
from tests.local.runtime.functions import Runner
from tests.local.runtime.processes import are_gone, eventually, is_frozen

IN_BASH = r"""#!/bin/bash
set -euo pipefail
while true; do
  HEADERS="$TMPDIR/headers"
  EVENT=$(curl -sS -D "$HEADERS" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
  REQUEST=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  echo "handling $REQUEST" >&2
  curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$REQUEST/response" \
    -d "{\"got\": $EVENT}" > /dev/null
done
"""

ECHO = runtime("""
    def handle(event, headers, path):
        call("POST", path + "/response", json.dumps(event))
    serve(handle)
""")


@dataclass
class Hears:
    """Says with a file that it has heard something."""

    first: Path
    told: list[Any] = field(default_factory=list)

    def begin(self, content_type: str) -> None:
        self.told.append(content_type)

    def part(self, data: bytes) -> None:
        self.told.append(data)
        self.first.touch()


class TestAnswers:
    def test_runs_a_bootstrap_in_bash(self, runner: Runner) -> None:
        made = custom(IN_BASH, "bash")
        outcome = runner.invoke(made, {"a": ["ü", 1]})
        assert outcome.payload == {"got": {"a": ["ü", 1]}}
        assert f"handling request-{runner.count}" in runner.log(outcome)
        again = runner.invoke(made, 2)
        assert again.payload == {"got": 2}
        assert "Init Duration" in outcome.log
        assert "Init Duration" not in again.log

    def test_takes_a_large_answer_without_a_wait(self, runner: Runner) -> None:
        code = runtime("""
            import socket
            def handle(event, headers, path):
                host, _, port = HOST.partition(":")
                head = ["POST " + path + "/response HTTP/1.1", "Expect: 100-continue", "Content-Length: 4", "", ""]
                with socket.create_connection((host, int(port))) as raw:
                    raw.sendall("\\r\\n".join(head).encode())
                    asked = raw.recv(100)
                    raw.sendall(json.dumps("ok").encode())
                    print(asked, raw.recv(100), flush=True)
            serve(handle)
        """)
        outcome = runner.invoke(custom(code, "expects"))
        assert outcome.payload == "ok"
        assert "b'HTTP/1.1 100 Continue" in outcome.log
        assert "b'HTTP/1.1 202 Accepted" in outcome.log

    def test_hands_over_what_lambda_tells_of_an_invocation(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                told = {name[15:]: value for name, value in headers.items() if name.startswith("Lambda-Runtime-")}
                told["type"] = headers["Content-Type"]
                call("POST", path + "/response", json.dumps(told))
            serve(handle)
        """)
        before = time.time()
        made = custom(code, "headers", Timeout=7)
        invoke = runner.executor.invoke
        told = invoke(made, 1, request_id="one", trace="Root=1-2-3", client_context={"custom": {"k": "v"}}).payload
        assert before + 6 < int(told.pop("Deadline-Ms")) / 1000 < time.time() + 7
        assert told == {
            "Aws-Request-Id": "one",
            "Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:headers",
            "Trace-Id": "Root=1-2-3",
            "Client-Context": '{"custom": {"k": "v"}}',
            "type": "application/json",
        }

    def test_keeps_bytes_that_are_no_json(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                call("POST", path + "/response", bytes([0, 255, 1]))
            serve(handle)
        """)
        assert runner.invoke(custom(code, "bytes")).raw == b"\x00\xff\x01"

    def test_sees_what_lambda_sets_for_a_custom_runtime(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                call("POST", path + "/response", json.dumps(dict(os.environ)))
            serve(handle)
        """)
        variables = runner.invoke(custom(code, "environment")).payload
        assert variables["_HANDLER"] == "index.handler"
        assert "AWS_EXECUTION_ENV" not in variables
        assert variables["AWS_LAMBDA_RUNTIME_API"].startswith("127.0.0.1:")
        root = variables["LAMBDA_TASK_ROOT"]
        assert variables["LD_LIBRARY_PATH"].split(":")[0] == root

    def test_finds_the_runtime_in_a_layer(self, runner: Runner) -> None:
        made = layered(custom("", "in-layer"), {"bootstrap": ECHO})
        made = replace(made, code=programs({"function.sh": ""}))
        assert runner.invoke(made, "from a layer").payload == "from a layer"

    def test_freezes_a_runtime_that_waits_for_its_next_event(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                call("POST", path + "/response", json.dumps(os.getpid()))
                print("after the answer", flush=True)
            serve(handle)
        """)
        made = custom(code, "freezes")
        outcome = runner.invoke(made)
        assert eventually(lambda: is_frozen(outcome.payload))
        assert "after the answer" in outcome.log


class TestStreams:
    def test_tells_each_part_when_it_comes(self, runner: Runner, tmp_path: Path) -> None:
        code = runtime("""
            import time
            def handle(event, headers, path):
                def parts():
                    yield b"one"
                    while not os.path.exists(event):
                        time.sleep(0.01)
                    yield b"two"
                told = {"Lambda-Runtime-Function-Response-Mode": "streaming", "Content-Type": "text/plain"}
                call("POST", path + "/response", parts(), told)
            serve(handle)
        """)
        listener = Hears(tmp_path / "heard")
        made = custom(code, "parts")
        outcome = runner.executor.invoke(made, str(listener.first), request_id="r", trace=None, listener=listener)
        assert (listener.told, outcome.is_error) == (["text/plain", b"one", b"two"], False)

    def test_answers_a_stream_whole_to_who_asks_for_it_whole(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                told = {"Lambda-Runtime-Function-Response-Mode": "streaming"}
                call("POST", path + "/response", iter([b'{"a":', b' 1}']), told)
            serve(handle)
        """)
        outcome = runner.invoke(custom(code, "whole"))
        assert (outcome.payload, outcome.raw) == ({"a": 1}, b'{"a": 1}')

    def test_fails_when_a_trailer_tells_of_an_error(self, runner: Runner) -> None:
        code = runtime("""
            import base64, socket
            def handle(event, headers, path):
                host, _, port = HOST.partition(":")
                error = base64.b64encode(json.dumps({"errorType": "Bad", "errorMessage": "late"}).encode()).decode()
                with socket.create_connection((host, int(port))) as raw:
                    raw.sendall((f"POST {path}/response HTTP/1.1\\r\\nHost: {HOST}\\r\\n"
                        "Lambda-Runtime-Function-Response-Mode: streaming\\r\\nTransfer-Encoding: chunked\\r\\n"
                        "Trailer: Lambda-Runtime-Function-Error-Type\\r\\n\\r\\n4\\r\\npart\\r\\n0\\r\\n"
                        f"Lambda-Runtime-Function-Error-Type: Bad\\r\\n"
                        f"Lambda-Runtime-Function-Error-Body: {error}\\r\\n\\r\\n").encode())
                    raw.recv(1000)
            serve(handle)
        """)
        outcome = runner.invoke(custom(code, "trailer"))
        assert (outcome.is_error, outcome.payload) == (True, {"errorType": "Bad", "errorMessage": "late"})


class TestFailures:
    def test_reports_the_error_of_an_invocation(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                error = {"errorMessage": "no such user", "errorType": "NotThere", "stackTrace": []}
                call("POST", path + "/error", json.dumps(error), {"Lambda-Runtime-Function-Error-Type": "My.NotThere"})
            serve(handle)
        """)
        made = custom(code, "errs")
        outcome = runner.invoke(made)
        assert outcome.is_error
        assert outcome.payload == {"errorMessage": "no such user", "errorType": "NotThere", "stackTrace": []}
        assert runner.invoke(made).is_error  # the environment serves on

    def test_reports_the_error_of_a_start(self, runner: Runner) -> None:
        code = runtime("""
            import sys
            call("POST", RUNTIME + "/init/error", json.dumps({"errorMessage": "no database", "errorType": "Down"}))
            sys.exit(1)
        """)
        outcome = runner.invoke(custom(code, "no-start"))
        assert (outcome.is_error, outcome.payload) == (True, {"errorMessage": "no database", "errorType": "Down"})

    @pytest.mark.parametrize(
        ("code", "ending"),
        [
            ("import sys; sys.exit(3)", "Runtime exited with error: exit status 3"),
            ("call('GET', RUNTIME + '/invocation/next')", "Runtime exited without providing a reason"),
        ],
    )
    def test_says_how_the_runtime_ended(self, runner: Runner, code: str, ending: str) -> None:
        outcome = runner.invoke(custom(runtime(code), f"ends-{hash(code)}"))
        assert outcome.payload["errorType"] == "Runtime.ExitError"
        assert outcome.payload["errorMessage"].endswith(ending)

    def test_ends_a_runtime_at_the_timeout_of_its_function(self, runner: Runner) -> None:
        code = runtime("""
            import time
            def handle(event, headers, path):
                print("pid", os.getpid(), flush=True)
                time.sleep(60)
            serve(handle)
        """)
        outcome = runner.invoke(custom(code, "sleeps", Timeout=1))
        assert outcome.payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
        assert "Duration: 1000.00 ms" in outcome.log
        pid = next(int(line.split()[1]) for line in runner.log(outcome) if line.startswith("pid "))
        assert are_gone([pid])

    def test_says_that_there_is_no_bootstrap(self, runner: Runner) -> None:
        made = replace(custom("", "empty"), code=programs({"other": ""}))
        outcome = runner.invoke(made)
        assert outcome.payload["errorType"] == "Runtime.InvalidEntrypoint"
        assert (
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]" in outcome.payload["errorMessage"]
        )

    def test_refuses_an_answer_that_nobody_waits_for(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                wrong = call("POST", RUNTIME + "/invocation/other/response", "1")
                call("POST", path + "/response", json.dumps([wrong[0], json.loads(wrong[2])["errorType"]]))
                twice = call("POST", path + "/response", "1")
                print("twice", twice[0], json.loads(twice[2])["errorType"], flush=True)
            serve(handle)
        """)
        outcome = runner.invoke(custom(code, "wrong"))
        assert outcome.payload == [400, "InvalidRequestID"]
        assert "twice 403 InvalidStateTransition" in outcome.log

    def test_refuses_an_answer_of_more_than_six_megabytes(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                answer = call("POST", path + "/response", json.dumps("x" * 7_000_000))
                print("answered", answer[0], flush=True)
            serve(handle)
        """)
        outcome = runner.invoke(custom(code, "large"))
        assert outcome.payload["errorType"] == "Function.ResponseSizeTooLarge"
        assert "answered 413" in outcome.log
