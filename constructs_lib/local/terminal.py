"""What the local run says, plain where colour would be noise: pipes, files, NO_COLOR."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

BOLD, DIM, GREEN, RED, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"
ERASE = "\x1b[K"  # from here to the end of the line
ELLIPSIS = " ..."
LABEL_WIDTH = 8


class Terminal:
    """Writes lines, each at once.

    Args:
        out: Where to.
    """

    def __init__(self, out: TextIO) -> None:
        """Decide once whether colour is welcome."""
        self._out = out
        self._is_begun = False
        self.is_rich = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "") -> None:
        """Write one line."""
        self.forget()
        self._out.write(f"{text}\n")
        self._out.flush()

    def begin(self, label: str, text: str) -> None:
        """Write what is being done, until the next line takes its place; a pipe or a file is spared it."""
        if not self.is_rich:
            return
        self.forget()
        shown = f"{label.ljust(LABEL_WIDTH)} {text}"
        room = shutil.get_terminal_size().columns - len(ELLIPSIS) - 1
        self._out.write(f"{self.styled(shown[:room], DIM)}{ELLIPSIS}")
        self._out.flush()
        self._is_begun = True

    def forget(self) -> None:
        """Remove what has been begun, if it still stands there."""
        if self._is_begun:
            self._out.write(f"\r{ERASE}")
            self._out.flush()
            self._is_begun = False

    def step(self, label: str, text: str, seconds: float | None = None) -> None:
        """Write what has been done, and how long it took."""
        took = "" if seconds is None else f"  {self.styled(f'{seconds:.1f} s', DIM)}"
        self.line(f"{self.styled(label.ljust(LABEL_WIDTH), BOLD)} {text}{took}")

    def styled(self, text: str, style: str) -> str:
        """Return the text in a style, if styles are welcome."""
        return f"{style}{text}{PLAIN}" if self.is_rich else text


def complain(text: str) -> None:
    """Write an error where errors belong."""
    sys.stdout.flush()
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
