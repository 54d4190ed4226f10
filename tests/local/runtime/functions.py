"""Makes functions for the executor out of a few lines of code."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

from constructs_lib.local.executor.executor import Executor
from constructs_lib.local.executor.function import Function
from constructs_lib.local.executor.run import Outcome

ACCOUNT = "000000000000"


def zip_of(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def function(files: dict[str, str], name: str, **configuration: Any) -> Function:
    is_python = any(each.endswith(".py") for each in files)
    return Function.from_configuration(
        {
            "FunctionName": name,
            "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}",
            "Runtime": "python3.13" if is_python else "nodejs22.x",
            "Handler": "index.handler",
            "Timeout": 20,
            "MemorySize": 512,
            "CodeSha256": str(hash(tuple(files.items()))),
            **configuration,
        },
        zip_of(files),
        (),
        "us-east-1",
    )


@dataclass
class Stored:
    """The log groups, as a dictionary."""

    events: dict[str, list[str]] = field(default_factory=dict)
    streams: dict[str, set[str]] = field(default_factory=dict)

    def __call__(self, function: Function, stream: str, events: list[tuple[int, str]]) -> str:
        self.events.setdefault(function.log_group, []).extend(line for _, line in events)
        self.streams.setdefault(function.log_group, set()).add(stream)
        return ""


@dataclass
class Runner:
    """Runs functions made of a few lines."""

    executor: Executor
    stored: Stored
    count: int = 0

    def run(self, code: str, event: Any = None, *, name: str = "index.js", **configuration: Any) -> Outcome:
        made = function({name: code}, f"function-{hash((name, code))}", **configuration)
        return self.invoke(made, event)

    def invoke(self, made: Function, event: Any = None) -> Outcome:
        self.count += 1
        return self.executor.invoke(made, event, request_id=f"request-{self.count}", trace="Root=1-2-3;Sampled=1")

    def log(self, outcome: Outcome) -> list[str]:
        return outcome.log.splitlines()
