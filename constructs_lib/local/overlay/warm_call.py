"""One request on the short way: its answer, and everything that is told of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from constructs_lib.local.executor.failure import RESPONSE_LIMIT_BYTES
from constructs_lib.local.overlay import api_access_log, dated, gateway_call, journal, reused_threads, trace
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.http_api_result import internal_server_error, message, response_of
from constructs_lib.local.overlay.http_api_sendable import flaw
from constructs_lib.local.overlay.invocation_journal import tell_invocation_soon
from constructs_lib.local.overlay.request_journal import PATH_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from constructs_lib.local.executor.environment import Environment
    from constructs_lib.local.executor.executor import Executor
    from constructs_lib.local.executor.run import Outcome, Run
    from constructs_lib.local.overlay.http_api_result import Response
    from constructs_lib.local.overlay.warm_plan import Plan
    from constructs_lib.local.plain_request import Head, PlainRequest

INTEGRATED = {"integration.integrationStatus": 200, "integration.status": 200, "integrationStatus": 200}


@dataclass(eq=False, slots=True)
class WarmCall:
    """A request whose function runs.

    Args:
        request: What is answered.
        executor: What runs the function.
        head: The head of the request.
        headers: Its headers, as the base wants them.
        plan: What becomes of it.
        path: Its path within the stage.
        call_id: Its id at the API.
        request_id: Its id at the function.
        root: The root of its trace.
        header: The trace header the function sees.
        client: The address it comes from.
        slot: The unit of concurrency it holds.
        write_later: Called when something is to be written soon.
    """

    request: PlainRequest
    executor: Executor
    head: Head
    headers: Mapping[str, str]
    plan: Plan
    path: str
    call_id: str
    request_id: str
    root: str
    header: str
    client: str
    slot: Any
    write_later: Callable[[], None]
    began: float = field(default_factory=time.monotonic)
    arrived: float = field(default_factory=time.time)

    def answered(self, environment: Environment, run: Run) -> None:
        """Answer first, then settle what is left of the run."""
        frame = run.answer or {}
        is_plain = frame["kind"] == "response" and "raw" not in frame and not frame.get("unfinished")
        if not is_plain or frame["size"] > RESPONSE_LIMIT_BYTES:
            self.is_slow(environment, run)
            return
        try:
            status = self._answer(frame["payload"])
        finally:  # whatever becomes of the answer, the function is free again
            with base("core.responses").request_scope(*self._function_scope):
                self._end(environment, run)
        self._tell(status)
        self.write_later()

    def is_slow(self, environment: Environment, run: Run) -> None:
        """Let a thread wait."""
        task = asyncio.get_running_loop().create_task(self._wait(environment, run))
        _waiting.add(task)
        task.add_done_callback(_waiting.discard)

    @property
    def _function_scope(self) -> tuple[str, str]:
        _, _, _, region, account = self.plan.function.arn.split(":")[:5]
        return account, region

    async def _wait(self, environment: Environment, run: Run) -> None:
        trace.begin(f"Root={self.root}")
        left = max(0.0, self.began + self.plan.seconds - time.monotonic())
        try:
            with base("core.responses").request_scope(*self._function_scope):
                outcome: Outcome = await reused_threads.run_within(left, self._end_slowly, environment, run)
        except reused_threads.LateError:  # the function goes on, as on AWS
            status = self._send(message(503, "Service Unavailable"), is_integrated=False)
        except Exception:
            log.exception("%s %s failed", self.head.method, self.path)
            status = self._send(internal_server_error(), is_integrated=False)
        else:
            status = self._send(internal_server_error()) if outcome.is_error else self._answer(outcome.payload)
        self._tell(status)
        journal.flush()

    def _end_slowly(self, environment: Environment, run: Run) -> Outcome:
        outcome = self._end(environment, run)
        journal.flush()
        return outcome

    def _end(self, environment: Environment, run: Run) -> Outcome:
        """See the run to its end, and tell of it."""
        try:
            outcome = self.executor.finish(environment, run)
        finally:
            self.plan.give_back_slot(self.slot)
        tell_invocation_soon(
            self.plan.function,
            {"requestContext": {"apiId": self.plan.api_id}},
            outcome,
            request_id=self.request_id,
            header=self.header,
            milliseconds=(time.monotonic() - self.began) * 1000,
        )
        return outcome

    def _answer(self, payload: Any) -> int:
        """Answer what the function has returned; return the status."""
        try:
            return self._send(response_of(payload))
        except Exception:
            log.exception("%s %s of API %s failed", self.head.method, self.path, self.plan.api_id)
            return self._send(internal_server_error())

    def _send(self, answer: Response, *, is_integrated: bool = True) -> int:
        status, headers, body = answer
        if self.plan.cors:
            origin = self.headers.get("origin", "")
            headers.update(base("services.apigateway")._cors_response_headers(self.plan.cors, origin))
        found = flaw(status, headers)
        if found:
            log.error("%s %s of API %s has no answer: %s", self.head.method, self.path, self.plan.api_id, found)
            status, headers, body = internal_server_error()
        headers["apigw-requestid"] = self.call_id
        if self.plan.settings.get("accessLogSettings"):
            self._write_access_log((status, headers, body), is_integrated=is_integrated)
        if "content-length" not in {name.lower() for name in headers}:
            headers["Content-Length"] = str(len(body))
        lines = base("app")._asgi_header_list(headers)
        if all(name.lower() != dated.DATE for name, _ in lines):
            lines.append((dated.DATE, dated.now()))
        self.request.answer(status, lines, body)
        return int(status)

    def _tell(self, status: int) -> None:
        path = self.head.target.partition(b"?")[0].decode("ascii")
        journal.tell_soon(
            "request",
            method=self.head.method,
            path=path[:PATH_CHARACTERS],
            status=status,
            trace=self.root,
            milliseconds=round((time.monotonic() - self.began) * 1000, 1),
        )

    def _write_access_log(self, answer: Response, *, is_integrated: bool) -> None:
        plan = self.plan
        call = gateway_call.Call(
            request_id=self.call_id,
            extended_id=self.call_id,
            trace=self.header,
            host=self.headers.get("host", ""),
            source_ip=self.client,
            started=self.arrived,
            is_http_api=True,
        )
        api_access_log.say_request(
            call,
            api_id=plan.api_id,
            stage=plan.stage,
            method=self.head.method,
            path=self.path,
            user_agent=self.headers.get("user-agent"),
        )
        call.say({"routeKey": plan.route_key})
        if is_integrated:
            call.say(INTEGRATED)
        api_access_log.write(call, answer)


_waiting: set[asyncio.Task[None]] = set()  # an event loop holds its tasks weakly
