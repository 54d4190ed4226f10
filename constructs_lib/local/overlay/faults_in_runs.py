"""Faults that meet the run of a function, from whatever it is invoked."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.executor import failure
from constructs_lib.local.overlay import faults
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs_lib.local.executor.executor import Executor

Result = dict[str, Any]


class FaultsInRuns:
    """Lets faults happen before, during and after runs.

    Args:
        executor: What runs functions.
    """

    def __init__(self, executor: Executor) -> None:
        """Remember what to kill in."""
        self._executor = executor

    def hooks(self) -> tuple[Patch, ...]:
        """What every run passes."""
        parameters = ("func", "config", "event", "request_id", "started")
        return (Patch("services.lambda_svc", "_execute_function_dispatch", parameters, self._wrap),)

    def _wrap(self, stock: Any) -> Any:
        def dispatch(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
            def run() -> Result:
                result: Result = stock(func, config, event, request_id, started)
                return result

            if not faults.are_there_any():
                return run()
            name = config["FunctionName"]
            return self._run(name, faults.in_runs(name, event), request_id, run)

        return dispatch

    def _run(self, function: str, struck: list[faults.Fault], request_id: str, run: Callable[[], Result]) -> Result:
        """Run with faults; the first one that decides the result does."""
        for each in struck:
            if each.kind == "delay":
                time.sleep(each.options["seconds"])
        for each in struck:
            if each.kind == "throttle":
                return _throttled()
            if each.kind == "error":
                if each.options.get("when") == "after":
                    run()
                return _failed(each.options["code"], each.options["message"])
            if each.kind == "kill":
                return self._killed(function, each.options.get("after"), request_id, run)
        result = run()
        is_doubled = any(each.kind == "duplicate" for each in struck)
        return run() if is_doubled and not result.get("error") else result

    def _killed(self, function: str, after: float | None, request_id: str, run: Callable[[], Result]) -> Result:
        if after is None:
            run()
            self._executor.end_idle(function)
            told = failure.exited(request_id, -9)
            return _failed(told.error_type, told.message)
        timer = threading.Timer(after, self._executor.end_running, args=(function,))
        timer.start()
        try:
            return run()
        finally:
            timer.cancel()


def _throttled() -> Result:
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    result: Result = base("services.lambda_svc")._throttle_response(reason_code=reason, msg="Rate Exceeded.")
    return result


def _failed(code: str, message: str) -> Result:
    body = {"errorType": code, "errorMessage": message}
    return {"body": body, "log": "", "raw": None, "error": True, "function_error": "Unhandled"}
