from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.function_logs import FunctionLogs, LogLine, harmless, raw_text, readable_text

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-11-23T10:20:30.456Z"


def entry(line: str) -> str:
    return json.dumps({"time": TIME, "function": "Shop-Fn-1", "request_id": "r", "line": line}) + "\n"


def shown(line: str) -> str | None:
    text = readable_text(LogLine(TIME, "Shop-Fn-1", "r", line), "Shop/Fn")
    return None if text is None else text.replace("\x1b[36m", "<").replace("\x1b[0m", ">").replace("\x1b[2m", "<")


class TestFollowing:
    def test_a_line_half_written_waits_for_its_other_half(self, tmp_path: Path) -> None:
        path = tmp_path / "functions.jsonl"
        logs = FunctionLogs(path)
        assert list(logs.new_lines()) == []
        whole = entry("first") + entry("second ü")
        path.write_bytes(whole.encode()[:-10])
        assert [each.line for each in logs.new_lines()] == ["first"]
        path.write_bytes(whole.encode())
        assert [each.line for each in logs.new_lines()] == ["second ü"]
        assert list(logs.new_lines()) == []

    def test_what_is_no_log_line_is_skipped(self, tmp_path: Path) -> None:
        path = tmp_path / "functions.jsonl"
        path.write_bytes(b"\n\xff\xfe\n[1]\n{}\n{" + b"[" * 50_000 + b"\n" + entry("good").encode())
        assert [each.line for each in FunctionLogs(path).new_lines()] == ["good"]


class TestRaw:
    def test_the_line_stays_as_it_is(self) -> None:
        text = raw_text(LogLine(TIME, "Shop-Fn-1", "r", '{"level":"INFO"}'), "Shop/Fn")
        assert text == f'{TIME} Shop/Fn {{"level":"INFO"}}'


class TestHarmless:
    @pytest.mark.parametrize(
        ("text", "spelled"),
        [("\x1b[2J", r"\x1b[2J"), ("a\rb", r"a\rb"), ("a\x08b", r"a\x08b"), ("\x9b31m", r"\x9b31m"), ("\x00", r"\x00"),
         ("\u202etxt.exe", r"\u202etxt.exe"), ("\u2066x", r"\u2066x"), ("a\u2028b", r"a\u2028b"), ("\x7f", r"\x7f"),
         ("\ud800", r"\ud800"), ("a\tb", "a\tb"), ("ü 名 👩‍👩‍👧", "ü 名 👩‍👩‍👧"), ("", "")],
    )  # fmt: skip
    def test_spells_out_what_a_terminal_would_obey(self, text: str, spelled: str) -> None:
        assert harmless(text) == spelled
        assert raw_text(LogLine(TIME, "Fn", "r", text), "Fn") == f"{TIME} Fn {spelled}"
        assert shown(text) == f"<10:20:30.456> <Shop/Fn> {spelled}"
        line = json.dumps({"level": "INFO", "message": text, "key": text})
        assert spelled in str(shown(line))
        assert harmless(str(shown(line))) == shown(line)

    def test_no_line_passes_for_an_entry_of_another_function(self) -> None:
        forged = f"hi\n{TIME} Shop/Other forged\r\nready http://evil"
        assert raw_text(LogLine(TIME, "f", "r", forged), "f") == (
            f"{TIME} f hi\n{TIME} f | {TIME} Shop/Other forged\n{TIME} f | ready http://evil"
        )
        start = "<10:20:30.456> <Shop/Fn>"
        assert shown(json.dumps({"message": "one\ntwo"})) == f"{start} one\n{start} | two"

    def test_names_are_as_harmless_as_texts(self) -> None:
        assert raw_text(LogLine("\x1b", "f", "r", "x"), "f\ng") == r"\x1b f\ng x"


class TestReadable:
    def test_plain_text_stays(self) -> None:
        assert shown("hello") == "<10:20:30.456> <Shop/Fn> hello"

    def test_json_is_shortened_to_what_a_person_reads(self) -> None:
        line = json.dumps({
            "level": "INFO", "message": "user created", "timestamp": TIME, "service": "users", "cold_start": True,
            "function_arn": "arn", "xray_trace_id": "1-2", "user": "ada", "count": 3, "name": "Ada L",
        })  # fmt: skip
        assert shown(line) == '<10:20:30.456> <Shop/Fn> INFO user created user=ada count=3 name="Ada L"'

    def test_errors_are_red(self) -> None:
        assert readable_text(LogLine(TIME, "f", "r", '{"level":"ERROR","message":"no"}'), "f") == (
            "\x1b[2m10:20:30.456\x1b[0m \x1b[36mf\x1b[0m \x1b[31mERROR no\x1b[0m"
        )

    def test_starts_and_ends_are_left_out(self) -> None:
        lines = ["START RequestId: 1 Version: 2", "END RequestId: 1", "INIT_START Runtime", '{"type":"platform.start"}']
        assert [shown(line) for line in lines] == [None] * 4

    def test_reports_are_one_short_line(self) -> None:
        metrics = {"durationMs": 3.5, "initDurationMs": 80.0, "maxMemoryUsedMB": 70}
        line = json.dumps({"type": "platform.report", "record": {"metrics": metrics}})
        assert shown(line) == "<10:20:30.456> <Shop/Fn> <took 3.5 ms, cold start 80.0 ms, 70 MB>"
        text = shown("REPORT RequestId: 1\tDuration: 3 ms\tMemory Size: 128 MB\t")
        assert text == "<10:20:30.456> <Shop/Fn> <took Duration: 3 ms, Memory Size: 128 MB>"

    def test_odd_shapes_are_shown_not_lost(self) -> None:
        assert shown('{"message": {"a": 1}, "type": 3}') == '<10:20:30.456> <Shop/Fn> {"a": 1} type=3'
        assert shown('{"type": "platform.report", "record": 3}') == "<10:20:30.456> <Shop/Fn> <took ? ms>"
        assert shown("{not json") == "<10:20:30.456> <Shop/Fn> {not json"
