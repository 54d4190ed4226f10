from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.control import Control
from constructs_lib.local.emulator import Emulator, Settings
from constructs_lib.local.json_lines import JsonLines, JsonLinesWriter
from constructs_lib.problem import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator.start(Settings()) as emulator:
        yield emulator


def test_nobody_is_answered_without_the_key(emulator: Emulator) -> None:
    with pytest.raises(LocalError, match="did not do 'reset': Forbidden"):
        Control(emulator.endpoint, "guessed").ask("reset")


def test_the_error_names_the_commands_when_there_is_none_of_that_name(emulator: Emulator) -> None:
    with pytest.raises(LocalError, match="there is no such command; there are"):
        Control(emulator.endpoint, emulator.key).ask("explode")


def test_the_error_names_the_address_when_nothing_answers() -> None:
    with pytest.raises(LocalError, match=r"at:  http://127\.0\.0\.1:9\n"):
        Control("http://127.0.0.1:9", "key").ask("reset")


class TestJsonLines:
    def test_returns_each_object_once_as_the_file_grows(self, tmp_path: Path) -> None:
        writer, reader = JsonLinesWriter(tmp_path / "lines"), JsonLines(tmp_path / "lines")
        assert list(reader.new()) == []
        writer.write({"a": 1})
        assert list(reader.new()) == [{"a": 1}]
        writer.write({"b": "ü\ud800"})
        assert list(reader.new()) == [{"b": "ü\ud800"}]
        writer.close()

    def test_leaves_a_line_half_written_for_later(self, tmp_path: Path) -> None:
        path = tmp_path / "lines"
        reader = JsonLines(path)
        path.write_bytes(b'{"a": 1}\n{"b"')
        assert list(reader.new()) == [{"a": 1}]
        path.write_bytes(b'{"a": 1}\n{"b": 2}\n')
        assert list(reader.new()) == [{"b": 2}]

    def test_begins_again_when_the_file_was_emptied(self, tmp_path: Path) -> None:
        path = tmp_path / "lines"
        reader = JsonLines(path)
        path.write_bytes(b'{"a": 1}\n{"a": 2}\n')
        assert len(list(reader.new())) == 2
        path.write_bytes(b'{"c": 3}\n')
        assert list(reader.new()) == [{"c": 3}]
