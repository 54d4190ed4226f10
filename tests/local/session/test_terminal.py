from __future__ import annotations

import io

import pytest

from constructs_lib.local.terminal import Terminal


class Screen(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture(autouse=True)
def terminal_of_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_what_is_begun_stands_until_it_is_done() -> None:
    screen = Screen(is_terminal=True)
    terminal = Terminal(screen)
    terminal.begin("synth", "python app.py")
    assert screen.getvalue() == "\x1b[2msynth    python app.py\x1b[0m ..."
    terminal.step("synth", "python app.py", 1.0)
    terminal.line("next")
    _, _, after = screen.getvalue().partition("\r\x1b[K")
    assert after == "\x1b[1msynth   \x1b[0m python app.py  \x1b[2m1.0 s\x1b[0m\nnext\n"


def test_what_is_begun_never_takes_two_rows() -> None:
    screen = Screen(is_terminal=True)
    Terminal(screen).begin("synth", "x" * 200)
    shown = screen.getvalue().replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert (len(shown), shown[-5:]) == (79, "x ...")


def test_what_is_begun_is_gone_before_an_error() -> None:
    screen = Screen(is_terminal=True)
    terminal = Terminal(screen)
    terminal.begin("aws", "starting")
    terminal.forget()
    terminal.forget()
    assert screen.getvalue().count("\r\x1b[K") == 1
    assert screen.getvalue().endswith("\r\x1b[K")


def test_a_pipe_gets_whole_lines_alone() -> None:
    screen = Screen(is_terminal=False)
    terminal = Terminal(screen)
    terminal.begin("aws", "starting")
    terminal.step("aws", "http://127.0.0.1:1")
    assert screen.getvalue() == "aws      http://127.0.0.1:1\n"
