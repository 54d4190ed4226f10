"""Puts back the data that was there when the last deployment ended; what is deployed stays as it is.

Each deployment carries over to that baseline what it changed, seeds of custom resources included, and nothing else that
has happened meanwhile; it has ended when the rotations have ended that it began. What runs at a reset is ended:
functions are killed, workflows are aborted, retries forgotten.
"""

from __future__ import annotations

import os
import pickle
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay import (
    clock_everywhere,
    decisions,
    faults,
    gateway_call,
    message_moves,
    pipes,
    queue_mapping,
    relational_databases,
    reset_era,
    reset_files,
    reset_stores,
    stream_mapping,
)
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.clock import CLOCK
from constructs_lib.local.overlay.control import command
from constructs_lib.local.overlay.first_rotations import FIRST_ROTATIONS
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

REQUESTS_SECONDS = 0.02  # what a request of a killed function may need that has arrived already
_DEPLOY = (
    "stack_name",
    "stack_id",
    "template",
    "param_values",
    "disable_rollback",
    "tags",
    "is_update",
    "previous_stack",
    "retain_except_on_create",
    "imports",
)


@dataclass(frozen=True, slots=True)
class _Before:
    """What there was when a deployment began."""

    kept: reset_stores.Taken | None
    stores: reset_stores.Taken | None
    files: reset_files.Files | None


class Baseline:
    """What a reset goes back to.

    Args:
        folder: Where it is kept between runs. Default: it ends with this one.
        files: The files of objects, where objects are files.
    """

    def __init__(self, folder: Path | None = None, files: reset_files.ObjectFiles | None = None) -> None:
        """Remember where."""
        self._file = None if folder is None else folder / "stores.pickle"
        self._files = files
        self._stores: reset_stores.Taken | None = None
        self._deploying = 0
        self._lock = threading.RLock()  # deployments end in the loop, rotations in threads of their own
        self._before = _Before(None, None, None)

    def begin(self) -> None:
        """A deployment begins."""
        with self._lock:
            self._deploying += 1
            if self._deploying == 1:
                kept = self._known()
                files = self._files.take() if kept is not None and self._files is not None else None
                self._before = _Before(kept, reset_stores.take() if kept is not None else None, files)

    def end(self) -> None:
        """A deployment has ended, or a rotation it began: each keeps what there is, should the other be cut off."""
        with self._lock:
            self._deploying -= 1
            self._keep(self._before)

    def keep(self) -> None:
        """Let a reset go back to this moment."""
        self.refuse_while_deploying("keep")
        self._keep(_Before(None, None, None))

    def put_back(self) -> None:
        """Go back."""
        self.refuse_while_deploying("reset")
        known = self._known()
        if known is None:
            raise LocalError(
                Problem(
                    what="there is nothing to go back to: no stack was deployed by this version of constructs-lib",
                    where="reset",
                    fix="deploy something; a state folder of an older version has to be removed first",
                )
            )
        reset_stores.put_back(known.data())
        if self._files is not None:
            self._files.put_back()

    def _keep(self, before: _Before) -> None:
        now = reset_stores.take()
        if before.stores is not None and before.kept is not None:
            now = reset_stores.Taken(reset_stores.merged(before.kept.data(), before.stores.data(), now.data()))
        self._stores = now
        if self._files is not None:
            self._files.keep(before.files)
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_bytes(pickle.dumps(now.data()))

    def _known(self) -> reset_stores.Taken | None:
        if self._stores is None and self._file is not None and self._file.exists():
            # S301: our own file, in the folder that also holds the state itself
            self._stores = reset_stores.Taken(pickle.loads(self._file.read_bytes()))  # noqa: S301
        return self._stores

    def refuse_while_deploying(self, where: str) -> None:
        """Change nothing that a deployment counts on.

        Raises:
            LocalError: One is under way.
        """
        if self._deploying:
            problem = Problem(what="a stack is being deployed", where=where, fix="wait until it stands")
            raise LocalError(problem)


class Resetting:
    """Does it, with what else has to happen.

    Args:
        end_running: Kills the functions that run.
    """

    def __init__(self, end_running: Callable[[], object]) -> None:
        """Look where the state is kept, if it is."""
        is_kept = os.environ.get("PERSIST_STATE") == "1"
        folder = Path(os.environ["STATE_DIR"]).parent / "baseline" if is_kept else None
        files = None if folder is None else reset_files.ObjectFiles(Path(os.environ["S3_DATA_DIR"]), folder / "objects")
        self._baseline = Baseline(folder, files)
        self._end_running = end_running
        FIRST_ROTATIONS.listen(self._baseline.begin, self._baseline.end)
        reset_era.end_threads_quietly()
        command("reset")(self.reset)
        command("keep")(self.keep)

    def reset(self, _told: dict[str, Any]) -> object:
        """Go back to what was deployed."""
        began = time.monotonic()
        self._await_rotations("reset")
        reset_era.begin_next()
        _end_workflows()
        if self._end_running():
            time.sleep(REQUESTS_SECONDS)
        CLOCK.reset()
        faults.clear()
        self._baseline.put_back()
        relational_databases.reset()
        for each in (decisions, gateway_call, message_moves, pipes, queue_mapping, stream_mapping):
            each.forget()
        clock_everywhere.count_anew()
        return {"seconds": round(time.monotonic() - began, 4)}

    def keep(self, _told: dict[str, Any]) -> object:
        """Let a reset go back to this moment."""
        self._await_rotations("keep")
        self._baseline.keep()
        return {}

    def _await_rotations(self, where: str) -> None:
        if not FIRST_ROTATIONS.wait():
            FIRST_ROTATIONS.give_up()
        self._baseline.refuse_while_deploying(where)

    def hooks(self) -> tuple[Patch, ...]:
        """What tells us of deployments."""
        stacks, handlers, changes = (f"services.cloudformation.{each}" for each in ("stacks", "handlers", "changesets"))
        delete = ("stack_name", "stack_id", "retain_resources", "force")
        return (
            Patch(handlers, "_deploy_stack_async", _DEPLOY, self._wrap),
            Patch(changes, "_deploy_stack_async", _DEPLOY, self._wrap),
            Patch(handlers, "_delete_stack_async", delete, self._wrap),
            Patch(stacks, "_delete_stack_async", delete, self._wrap),
        )

    def _wrap(self, stock: Any) -> Any:
        async def bracketed(*arguments: Any, **named: Any) -> Any:
            # Without a pause after the last step: whoever asks finds the stack standing, and the baseline with it.
            self._baseline.begin()
            try:
                return await stock(*arguments, **named)
            finally:
                self._baseline.end()

        return bracketed


def _end_workflows() -> None:
    workflows = base("services.stepfunctions")
    for execution in list(workflows._executions._data.values()):
        if execution["status"] == "RUNNING":
            execution["status"] = "ABORTED"
    for told in list(workflows._task_tokens._data.values()):
        told["error"] = {"Error": "Superseded", "Cause": "there was a reset"}
        told["event"].set()
    workflows._task_tokens._data.clear()
    workflows._activity_tasks._data.clear()
