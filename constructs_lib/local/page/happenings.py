"""What happens in the run, as it happens: the journal and the logs of functions, numbered, the latest kept."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from constructs_lib.local.json_lines import JsonLines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs_lib.local.state_folder import StatePaths

KEPT_ENTRIES = 4000
KEPT_LINES = 4000
LINE_CHARACTERS = 20_000  # of one line of a log; the file has the rest


@dataclass(frozen=True, slots=True)
class Happenings:
    """A piece of what has happened.

    Args:
        last: The number to ask the next piece with.
        entries: Entries of the journal.
        lines: Lines of functions' logs.
        is_anew: Whether everything shown before is gone: the run was reset, or too much has been missed.
    """

    last: int
    entries: Sequence[dict[str, Any]]
    lines: Sequence[dict[str, Any]]
    is_anew: bool = False


class Follower:
    """Follows the files of a run, for any number of readers.

    Args:
        paths: The state folder of the run.
    """

    def __init__(self, paths: StatePaths) -> None:
        """Begin with what the files hold already."""
        self._journal = JsonLines(paths.journal)
        self._log = JsonLines(paths.function_log)
        self._entries: deque[tuple[int, dict[str, Any]]] = deque(maxlen=KEPT_ENTRIES)
        self._lines: deque[tuple[int, dict[str, Any]]] = deque(maxlen=KEPT_LINES)
        self._last = 0
        self._lock = threading.Lock()

    def since(self, number: int) -> Happenings:
        """Return what has happened after a number; a number of another run counts as none."""
        with self._lock:
            self._look()
            is_anew = not 0 < number <= self._last
            after = 0 if is_anew else number
            entries = [each for at, each in self._entries if at > after]
            lines = [each for at, each in self._lines if at > after]
            return Happenings(self._last, entries, lines, is_anew)

    def _look(self) -> None:
        for entry in self._journal.new():
            if entry.get("kind") == "authorization" and entry.get("allowed"):
                continue  # several a second where queues are polled, and none that the page shows
            self._last += 1
            self._entries.append((self._last, entry))
        for line in self._log.new():
            self._last += 1
            text = str(line.get("line", ""))
            self._lines.append((self._last, {**line, "line": text[:LINE_CHARACTERS]}))
