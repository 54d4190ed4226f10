"""Node functions that stream their answer.

https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from constructs_lib.local.executor.run import Outcome
from tests.local.runtime.functions import Runner, function

HEAD_END = b"\0" * 8


@dataclass
class Heard:
    """All that a function streams."""

    content_type: str = ""
    parts: list[bytes] = field(default_factory=list)
    first: Path | None = None

    def begin(self, content_type: str) -> None:
        self.content_type = content_type

    def part(self, data: bytes) -> None:
        self.parts.append(data)
        if self.first is not None:
            self.first.touch()


def streamed(runner: Runner, body: str, event: object = None, **configuration: object) -> tuple[Heard, Outcome]:
    code = f"exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {{ {body} }});"
    made = function({"index.js": code}, f"streams-{hash(code)}", **configuration)
    heard = Heard()
    if isinstance(event, Path):
        heard.first = event
        event = str(event)
    outcome = runner.executor.invoke(made, event, request_id="streams", trace=None, listener=heard)
    return heard, outcome


class TestStreams:
    def test_tells_each_part_when_it_comes(self, runner: Runner, tmp_path: Path) -> None:
        body = """
            stream.setContentType("text/plain");
            stream.write("one");
            while (!require("fs").existsSync(event)) await new Promise((r) => setTimeout(r, 10));
            stream.write(Buffer.from([0, 255]));
            stream.end();
        """
        heard, outcome = streamed(runner, body, tmp_path / "heard")
        assert (heard.content_type, heard.parts, outcome.is_error) == ("text/plain", [b"one", b"\0\xff"], False)

    def test_puts_status_and_headers_before_the_body(self, runner: Runner) -> None:
        body = """
            stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "x-one": "1" } });
            stream.write("<p>"); stream.end("</p>");
        """
        heard, _ = streamed(runner, body)
        head, end, rest = b"".join(heard.parts).partition(HEAD_END)
        assert heard.content_type == "application/vnd.awslambda.http-integration-response"
        assert (json.loads(head), end, rest) == ({"statusCode": 201, "headers": {"x-one": "1"}}, HEAD_END, b"<p></p>")

    def test_takes_a_pipeline(self, runner: Runner) -> None:
        body = """
            const { Readable } = require("stream");
            await require("stream/promises").pipeline(Readable.from(["a".repeat(1e6), "b".repeat(1e6)]), stream);
        """
        heard, _ = streamed(runner, body)
        assert b"".join(heard.parts) == b"a" * 1_000_000 + b"b" * 1_000_000

    def test_answers_more_than_six_megabytes(self, runner: Runner) -> None:
        heard, outcome = streamed(runner, "for (let i = 0; i < 8; i++) stream.write('x'.repeat(1e6)); stream.end()")
        assert (sum(map(len, heard.parts)), outcome.is_error) == (8_000_000, False)

    def test_writes_an_object_as_json(self, runner: Runner) -> None:
        heard, _ = streamed(runner, "stream.write({ a: 1 }); stream.end(); await stream.finished()")
        assert heard.parts == [b'{"a":1}']

    def test_waits_for_a_stream_that_ends_after_the_handler(self, runner: Runner) -> None:
        heard, _ = streamed(runner, "setTimeout(() => stream.end('late'), 50)")
        assert heard.parts == [b"late"]

    def test_answers_whole_to_who_asks_for_it_whole(self, runner: Runner) -> None:
        code = "exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('[1,'); s.end(' 2]') })"
        outcome = runner.run(code)
        assert (outcome.payload, outcome.raw) == ([1, 2], b"[1, 2]")

    def test_streams_from_a_module_and_on_node_24(self, runner: Runner) -> None:
        code = "export const handler = awslambda.streamifyResponse(async (event, stream, context) => stream.end('m'))"
        outcome = runner.run(code, name="index.mjs", Runtime="nodejs24.x")
        assert outcome.raw == b"m"

    def test_serves_the_next_call_after_a_stream(self, runner: Runner) -> None:
        code = "let n = 0; exports.handler = awslambda.streamifyResponse(async (e, s) => s.end(String(++n)))"
        made = function({"index.js": code}, "streams-again")
        assert [runner.invoke(made).payload for _ in range(3)] == [1, 2, 3]


class TestFailures:
    @pytest.mark.parametrize(
        ("body", "error_type"),
        [
            ("throw new RangeError('bad')", "RangeError"),
            ("stream.write('part'); throw new RangeError('bad')", "RangeError"),
            ("stream.write('part'); stream.destroy(new TypeError('broken'))", "TypeError"),
            ("stream.write('part')", "Runtime.NodeJsExit"),
            ("stream.write('part'); process.exit(1)", "Runtime.ExitError"),
        ],
    )
    def test_fails_before_and_amid_the_stream(self, runner: Runner, body: str, error_type: str) -> None:
        heard, outcome = streamed(runner, body)
        assert (outcome.is_error, outcome.payload["errorType"]) == (True, error_type)
        assert heard.parts in ([], [b"part"])

    def test_ends_a_stream_without_end_at_the_timeout(self, runner: Runner) -> None:
        body = "for (;;) { stream.write('x'); await new Promise((r) => setTimeout(r, 1)); }"
        heard, outcome = streamed(runner, body, Timeout=1)
        assert outcome.payload["errorType"] == "Sandbox.Timedout"
        assert len(heard.parts) > 1

    def test_refuses_a_handler_that_is_not_async(self, runner: Runner) -> None:
        code = "exports.handler = awslambda.streamifyResponse((event, stream) => { stream.end('x') })"
        outcome = runner.run(code)
        assert outcome.payload["errorMessage"] == "Streaming does not support non-async handlers."
