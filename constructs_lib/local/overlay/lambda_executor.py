"""Functions of Node and Python, and custom runtimes, run in our executor instead of the base's worker pool.

Stock loses the type of an error, so that Retry and Catch of a state machine never match; `_HANDLER` and the log
variables are missing; the server's own environment leaks into handlers; every call waits 50 ms for standard error; the
JSON log format is not known.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from constructs_lib.local.executor.executor import Executor, Surroundings
from constructs_lib.local.executor.function import LAYER, Function
from constructs_lib.local.executor.invocation import Listener
from constructs_lib.local.executor.runtimes import runs_here
from constructs_lib.local.executor.unfinished import Unfinished
from constructs_lib.local.overlay import provisioned_concurrency, recursion, source_map_folders
from constructs_lib.local.overlay.base import Orders, base
from constructs_lib.local.overlay.invocation_journal import tell_invocation, trace_header
from constructs_lib.local.overlay.journal import tell
from constructs_lib.local.overlay.log_delivery import LogDelivery
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.relational_databases import Databases, variables
from constructs_lib.local.overlay.role_permissions import role_credentials

_request_identity: contextvars.ContextVar[str] = contextvars.ContextVar("request_identity", default="")
_client_context: contextvars.ContextVar[Any] = contextvars.ContextVar("client_context", default=None)
_listener: contextvars.ContextVar[Listener | None] = contextvars.ContextVar("listener", default=None)


@contextlib.contextmanager
def request_identity(request_id: str) -> Iterator[None]:
    """Invoke under this request id: every try of one event has the same."""
    before = _request_identity.set(request_id)
    try:
        yield
    finally:
        _request_identity.reset(before)


def identity_now() -> str:
    """The request id to invoke under; empty where a new one is wanted."""
    return _request_identity.get()


@contextlib.contextmanager
def with_client_context(client_context: Any) -> Iterator[None]:
    """Invoke with what the caller says of itself."""
    before = _client_context.set(client_context)
    try:
        yield
    finally:
        _client_context.reset(before)


@contextlib.contextmanager
def streaming_to(listener: Listener) -> Iterator[None]:
    """Invoke for somebody who hears a streamed answer as it comes."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def _tell_unfinished(function: Function, request_id: str, left: Unfinished) -> None:
    tell(
        "unfinished",
        function=function.name,
        request_id=request_id,
        what=left.what,
        at=left.at,
        callers=left.callers,
        fix=left.fix,
    )


def _telling_throttles(stock: Any) -> Any:
    def acquire_execution_slot(func: Any, config: Any) -> Any:
        slot, limit = stock(func, config)
        if slot is None:
            service = base("services.lambda_svc")
            of_function = limit == "function"
            most = service._reserved_concurrency(func, config) if of_function else service._ACCOUNT_CONCURRENCY_CAP
            tell("throttle", function=config["FunctionName"], limit=most)
        return slot, limit

    return acquire_execution_slot


_NO_PROGRAM = {"Runtime": "", "Handler": ""}  # containers have neither


def unable(config: Any) -> str:
    """Why a function that is not ours cannot run here."""
    if config.get("PackageType", "Zip") != "Zip":
        return "container images do not run on this machine without Docker; Node, Python and provided runtimes do"
    runtime = config.get("Runtime") or "no runtime"
    if not runs_here(runtime):
        return f"{runtime} does not run on this machine; Node, Python and provided runtimes do"
    return "the function has no code"


class LambdaExecutor:
    """The hook between the base's Lambda and our executor."""

    def __init__(self, orders: Orders, databases: Databases) -> None:
        """Prepare the executor."""
        self._region = orders.region
        self._told_missing: set[tuple[str, str]] = set()
        self.executor = Executor(
            Surroundings(
                work=orders.work,
                endpoint=orders.endpoint,
                log_file=None if orders.log_file is None else Path(orders.log_file),
                store=LogDelivery(),
                credentials=lambda each: {**role_credentials(each), **variables(databases, each.variables)},
                on_unfinished=_tell_unfinished,
                source_maps=source_map_folders.maps,
            )
        )

    def patches(self) -> list[Patch]:
        """What is replaced."""
        return [
            Patch(
                "services.lambda_svc",
                "_execute_function_dispatch",
                ("func", "config", "event", "request_id", "started"),
                self._dispatch,
            ),
            provisioned_concurrency.patch(self._prepare),
            Patch("services.lambda_svc", "_acquire_execution_slot", ("func", "config"), _telling_throttles),
        ]

    def function_of(self, config: Any, code: bytes) -> Function:
        """A function as the executor runs it, from its configuration and its code."""
        resolve = base("services.lambda_svc")._resolve_layer_zip
        found = [(each, resolve(each)) for each in config.get("Layers") or []]
        layers = tuple(content for _, content in found if content)
        function = Function.from_configuration(config, code, layers, self._region)
        for arn, (_, content) in zip(function.layer_arns, found, strict=True):
            if not content and LAYER not in arn and (function.name, arn) not in self._told_missing:
                self._told_missing.add((function.name, arn))
                self.executor.say(
                    function, "", f"the layer {arn} is not on this machine: what it brings is missing here"
                )
        return function

    def _prepare(self, record: Any, count: int) -> None:
        """Make environments of a version ready on a thread of their own."""
        config = record["config"]
        if not runs_here(config.get("Runtime") or "") or not record.get("code_zip"):
            return
        function = self.function_of(config, record["code_zip"])

        def prepare() -> None:
            with contextlib.suppress(OSError, ValueError):  # the first invocation will tell
                self.executor.prepare(function, count)

        threading.Thread(target=prepare, name=f"prepare {function.arn}", daemon=True).start()

    def _refuse(self, config: Any) -> Any:
        """Fail where stock would succeed with an answer it made up."""
        why = unable(config)
        self.executor.say(Function.from_configuration({**config, **_NO_PROGRAM}, b"", (), self._region), "", why)
        body = {"errorType": "Runtime.InvalidRuntime", "errorMessage": why}
        return {"body": body, "error": True, "function_error": "Unhandled", "log": ""}

    def _dispatch(self, stock: Any) -> Any:
        del stock

        def dispatch(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
            del started
            code = func.get("code_zip")
            is_ours = config.get("PackageType", "Zip") == "Zip" and runs_here(config.get("Runtime") or "")
            if not is_ours or not code:
                return self._refuse(config)
            function = self.function_of(config, code)
            identity = identity_now() or request_id
            lineage = recursion.following(function.arn, event)
            if recursion.is_stopped(function.arn, lineage):
                refusal = recursion.refusal(function.arn)
                self.executor.say(function, identity, refusal)
                body = {"errorType": "RecursiveInvocationException", "errorMessage": refusal}
                return {"body": body, "error": True, "function_error": "Unhandled", "log": "", "recursive": True}
            header = f"{trace_header(function)};Lineage={recursion.written(lineage)}"
            began = time.monotonic()
            outcome = self.executor.invoke(
                function,
                event,
                request_id=identity,
                trace=header,
                client_context=_client_context.get(),
                listener=_listener.get(),
            )
            took = (time.monotonic() - began) * 1000
            tell_invocation(function, event, outcome, request_id=identity, header=header, milliseconds=took)
            told = {"body": outcome.payload, "log": outcome.log, "raw": outcome.raw}
            told["is_spaced"] = function.runtime.startswith("python")
            if outcome.is_error:
                told |= {"error": True, "function_error": "Unhandled"}
            return told

        return dispatch
