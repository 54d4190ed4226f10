"""What mends nothing of the base, but lets a test take hold of it: the clock, its data, its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.local.overlay import clock_everywhere
from constructs_lib.local.overlay.faults_in_calls import FaultsInCalls
from constructs_lib.local.overlay.faults_in_runs import FaultsInRuns
from constructs_lib.local.overlay.reset import Resetting

if TYPE_CHECKING:
    from constructs_lib.local.executor.executor import Executor
    from constructs_lib.local.overlay.patching import Patch


class Hold:
    """The hold on the base.

    Args:
        executor: What runs functions.
    """

    def __init__(self, executor: Executor) -> None:
        """Register the commands."""
        self._resetting = Resetting(executor.end_running)
        self._runs = FaultsInRuns(executor)
        self._calls = FaultsInCalls(executor)

    def hooks(self) -> tuple[Patch, ...]:
        """What is wrapped, once everything is mended."""
        return (*clock_everywhere.HOOKS, *self._resetting.hooks(), *self._runs.hooks())

    def install(self) -> None:
        """Take hold of what is no function; the hooks have been applied."""
        clock_everywhere.install()
        self._calls.install()
