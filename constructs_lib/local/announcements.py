"""What another thread has to say, said by the one that owns the terminal."""

from __future__ import annotations

import queue
from functools import partial
from typing import TYPE_CHECKING

from constructs_lib.local.function_logs import harmless
from constructs_lib.local.terminal import RED
from constructs_lib.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs_lib.local.terminal import Terminal


class Announcements:
    """Keeps what is to be said until `say` is called.

    Args:
        terminal: Where to say it.
        deployed: What to do once other stacks stand than before.
    """

    def __init__(self, terminal: Terminal, deployed: Callable[[], None]) -> None:
        """Start with nothing to say."""
        self._terminal = terminal
        self._deployed = deployed
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def step(self, label: str, text: str, seconds: float | None = None) -> None:
        """Something was done."""
        self._waiting.put(partial(self._terminal.step, label, text, seconds))

    def problem(self, text: str) -> None:
        """Something is wrong; the version before goes on."""
        self._waiting.put(partial(self._say_problem, text))

    def deployed(self) -> None:
        """Other stacks stand than before."""
        self._waiting.put(self._deployed)

    def say(self) -> None:
        """Say everything that waits."""
        while True:
            try:
                told = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                told()
            except (
                ProblemError
            ) as error:  # what follows a deployment, such as asking for its routes, must not end a run
                self._say_lines(str(error))

    def _say_problem(self, text: str) -> None:
        self._terminal.step(self._terminal.styled("broken", RED), "not taken up; the version before goes on")
        self._say_lines(text)

    def _say_lines(self, text: str) -> None:
        for line in text.splitlines():
            self._terminal.line(harmless(line))
