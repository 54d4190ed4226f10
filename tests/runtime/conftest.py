"""An idempotency table in memory, and the logger's lines."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from benchmarks.exactly_once.memory_table import MemoryTable


class Lines:
    """What a logger wrote."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.logger = Logger(service=f"worker-{uuid.uuid4()}", stream=self._stream, level="INFO")

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("IDEMPOTENCY_TABLE", raising=False)


@pytest.fixture
def has_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMPOTENCY_TABLE", "handled")


@pytest.fixture
def lines() -> Lines:
    return Lines()
