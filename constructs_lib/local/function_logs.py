"""The lines functions log, followed as they are written, and made readable on a terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from constructs_lib.local.json_lines import JsonLines, json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BORING = {"level", "message", "timestamp", "time", "service", "location", "cold_start", "xray_trace_id",
          "function_arn", "function_name", "function_memory_size", "function_request_id", "sampling_rate",
          "requestId", "tenantId"}  # fmt: skip
QUIET_TYPES = {"platform.start", "platform.initStart", "platform.initReport", "platform.runtimeDone"}
QUIET_STARTS = ("START RequestId:", "END RequestId:", "INIT_START ")
RED, DIM, CYAN, PLAIN = "\x1b[31m", "\x1b[2m", "\x1b[36m", "\x1b[0m"
SEVERE = {"ERROR", "CRITICAL", "FATAL"}
CONTINUED = "| "  # before every further line of one entry, so that none can pass for an entry of its own
CONTROLLING = {"Cc", "Cs", "Zl", "Zp"}  # categories of characters that move a cursor, end a line or are none
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # what reorders the text around it


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one function's log.

    Args:
        time: When it was written, ISO 8601.
        function: The physical name of the function.
        request_id: The invocation it belongs to.
        line: The text.
    """

    time: str
    function: str
    request_id: str
    line: str


class FunctionLogs:
    """Follows the file that the embedded AWS writes every function's lines to.

    Args:
        path: The file, one JSON object a line.
    """

    def __init__(self, path: Path) -> None:
        """Start at the beginning of the file."""
        self._lines = JsonLines(path)

    def new_lines(self) -> Iterator[LogLine]:
        """Return the lines written since the last call; a line half written is left for the next one."""
        for values in self._lines.new():
            if "line" in values:
                yield LogLine(
                    time=str(values.get("time", "")),
                    function=str(values.get("function", "")),
                    request_id=str(values.get("request_id", "")),
                    line=str(values["line"]).rstrip("\n"),
                )


def raw_text(line: LogLine, function: str) -> str:
    """Return a line as it is, after its time and function; what would drive a terminal is spelled out."""
    return _entry(f"{harmless(line.time)} {harmless(function)} ", line.line)


def readable_text(line: LogLine, function: str) -> str | None:
    """Return a line as a person wants it on a terminal; none for what only machines read."""
    values = json_object(line.line.encode(errors="surrogatepass"))
    severity = str(values.get("level", "")).upper()
    text = _platform(line.line, values)
    if text is None:
        return None
    style = DIM if text else RED if severity in SEVERE or "errorType" in values else ""
    if not text:
        text = _shortened(values) if values else line.line
    clock = line.time[11:23] if len(line.time) >= len("2026-01-01T00:00:00.000") else line.time
    return _entry(f"{DIM}{harmless(clock)}{PLAIN} {CYAN}{harmless(function)}{PLAIN} ", text, style)


def harmless(text: str) -> str:
    """Return a text with everything spelled out that a terminal would obey instead of show, tabs excepted."""
    return "".join(
        each.encode("unicode_escape", "backslashreplace").decode() if _is_obeyed(each) else each for each in text
    )


def _is_obeyed(character: str) -> bool:
    if character == "\t":
        return False
    return unicodedata.category(character) in CONTROLLING or TURNING.match(character) is not None


def _entry(prefix: str, text: str, style: str = "") -> str:
    """One entry of a log: its first line after the prefix, each further one after the prefix and a mark."""
    first, *more = [harmless(each) for each in text.replace("\r\n", "\n").split("\n")]
    end = PLAIN if style else ""
    return "\n".join(f"{prefix}{style}{each}{end}" for each in (first, *(CONTINUED + each for each in more)))


def _platform(line: str, values: Mapping[str, Any]) -> str | None:
    """What Lambda itself says: none when it is not worth a line, empty when it is the function that speaks."""
    if values.get("type") in QUIET_TYPES or line.startswith(QUIET_STARTS):
        return None
    if values.get("type") == "platform.report":
        record = values.get("record")
        metrics = record.get("metrics", {}) if isinstance(record, dict) else {}
        parts = [f"{metrics.get('durationMs', '?')} ms"]
        if "initDurationMs" in metrics:
            parts.append(f"cold start {metrics['initDurationMs']} ms")
        if "maxMemoryUsedMB" in metrics:
            parts.append(f"{metrics['maxMemoryUsedMB']} MB")
        return "took " + ", ".join(parts)
    if line.startswith("REPORT RequestId:"):
        return "took " + ", ".join(part.strip() for part in line.split("\t")[1:] if part.strip())
    return ""


def _shortened(values: Mapping[str, Any]) -> str:
    message = values.get("message", "")
    if not isinstance(message, str):
        message = json.dumps(message, ensure_ascii=False)
    others = [f"{key}={_value(value)}" for key, value in values.items() if key not in BORING]
    return " ".join(filter(None, [str(values.get("level", "")).upper(), message, *others]))


def _value(value: object) -> str:
    return value if isinstance(value, str) and value and " " not in value else json.dumps(value, ensure_ascii=False)
