"""The short way from a request to the function that answers it, where everything on that way has been seen before.

Taken by requests to an HTTP API whose route hands them to a function as they are, while an environment of that function
waits. All else goes the usual way, as does whatever turns out to be unusual. What is left out is work, no step: limits,
permission, trace, logs and journal are those of the usual way. docs/decisions/warm-path.md
"""

from __future__ import annotations

import asyncio
import re
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from constructs_lib.local.executor.invocation import Invocation
from constructs_lib.local.executor.warm_runs import WarmRuns
from constructs_lib.local.overlay import (
    faults,
    front_door,
    ids,
    invoke_permission,
    journal,
    loopback_only,
    recursion,
    trace,
)
from constructs_lib.local.overlay.base import log
from constructs_lib.local.overlay.control import command
from constructs_lib.local.overlay.decisions import settle
from constructs_lib.local.overlay.http_api_event import Request
from constructs_lib.local.overlay.http_api_integration import SERVICE
from constructs_lib.local.overlay.invocation_journal import trace_header
from constructs_lib.local.overlay.warm_call import WarmCall
from constructs_lib.local.overlay.warm_event import WarmEvent
from constructs_lib.local.overlay.warm_plan import forget, layout, way_of
from constructs_lib.local.plain_request import HEAD_END, LONGEST_HEAD_BYTES, Head, PlainRequest, plain_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.local.executor.environment import Environment
    from constructs_lib.local.overlay.lambda_executor import LambdaExecutor
    from constructs_lib.local.overlay.warm_plan import Plan
    from constructs_lib.local.plain_http import PlainConnection

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:-]+)*/?")  # the same, decoded or not; @ begins what is no route's
LONGEST_BODY_BYTES = 1 << 16  # what a process takes at once, whatever it is doing
MOST_KNOWN = 512  # heads
WRITTEN_SECONDS = 0.01  # how long something of a call may wait until it is written
AGAIN_SECONDS = 0.5  # how long a request that has to go the usual way is not looked at again

_Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of requests that have the same head.

    Args:
        head: The head.
        headers: Its headers, as the base wants them.
        plan: What becomes of them, as long as that is true; else it is gone with the copies it holds.
        path: Their path within the stage.
        event: The event they make.
        root: The root of the trace they say they belong to; empty when they begin one each.
        lineage: The chain of functions they begin.
    """

    head: Head
    headers: Mapping[str, str]
    plan: weakref.ref[Plan]
    path: str
    event: WarmEvent
    root: str
    lineage: str


class WarmPath:
    """Takes the requests it knows the way for.

    Args:
        functions: What runs functions.
        app_port: The port of the deployed APIs.
    """

    def __init__(self, functions: LambdaExecutor, app_port: int) -> None:
        """Begin with nothing known."""
        self._functions = functions
        self._app_port = app_port
        self._layout: list[Any] = []
        self._known: dict[_Key, Known] = {}
        self._unusual: dict[_Key, float] = {}  # until when
        self._runs: WarmRuns | None = None
        self._taken = 0
        self._has_unwritten = False
        command("settle")(self._told)

    def take(self, connection: PlainConnection, received: bytearray) -> int | None:
        """Take a request, as `Shortcut` has it; whoever is answered the usual way finds everything written."""
        size = self._take(connection, received)
        if size is None:
            self.settle()
        return size

    def settle(self) -> None:
        """Write what was put off."""
        if self._has_unwritten:
            self._has_unwritten = False
            journal.flush()
            self._functions.executor.flush()

    def _told(self, _: dict[str, Any]) -> object:
        """Everything has been written by now: that is what this is asked for."""
        return {"warm": self._taken}

    def _take(self, connection: PlainConnection, received: bytearray) -> int | None:
        end = received.find(HEAD_END, 0, LONGEST_HEAD_BYTES)
        if end < 0 or connection.port != self._app_port or faults.are_there_any():
            return None
        key = connection.client, bytes(received[: end + len(HEAD_END)])
        known, plan = self._find(key)
        if known is None or plan is None:
            return None
        size = known.head.size + known.head.length
        if len(received) < size:
            return 0
        is_taken = self._begin(connection, known, plan, bytes(received[known.head.size : size]))
        return size if is_taken else None

    def _find(self, key: _Key) -> tuple[Known | None, Plan | None]:
        try:
            now = layout()
            if now != self._layout:
                self._known.clear()
                self._unusual.clear()
                forget()
                self._layout = now
            known = self._known.get(key)
            plan = None if known is None else known.plan()
            if plan is not None and plan.is_true():
                return known, plan
            known = self._learn(key)
            return known, None if known is None else known.plan()
        except Exception as error:  # nothing that happens here is worth a request: there is the usual way
            log.debug("a request goes the usual way: %r", error)
            return None, None

    def _learn(self, key: _Key) -> Known | None:
        now = time.monotonic()
        self._known.pop(key, None)
        if self._unusual.get(key, 0.0) > now:
            return None
        for held in (self._known, self._unusual):
            if len(held) >= MOST_KNOWN:
                held.clear()
        known = self._read(*key)
        if known is None:
            self._unusual[key] = now + AGAIN_SECONDS
        else:
            self._known[key] = known
        return known

    def _read(self, client: str, content: bytes) -> Known | None:
        """What is to be known of a head; nothing where there is something unusual about it."""
        head = plain_head(bytearray(content))
        if head is None or head.method not in METHODS or head.length > LONGEST_BODY_BYTES:
            return None
        path, _, query = head.target.decode("ascii").partition("?")
        sent = [(name.lower(), value) for name, value in head.headers]
        headers = front_door.headers_of({"headers": sent})
        is_here = loopback_only.refusal_of({"headers": sent}, on_app_port=True) is None
        query_params = parse_qs(query, keep_blank_values=True)
        if not is_here or PATH.fullmatch(path) is None or _speaks_aws(headers, query_params):
            return None
        way = way_of(headers, head.method, path, self._functions.function_of)
        if way is None:
            return None
        plan = way.plan
        request = Request(
            request_id="",
            account_id=plan.owner[0],
            api_id=plan.api_id,
            stage=plan.stage,
            route_key=plan.route_key,
            method=head.method,
            path=way.path,
            raw_query_string=query,
            headers=headers,
            query=query_params,
            body=b"some" if head.length else b"",
            source_ip=client,
            path_parameters=way.parameters,
            stage_variables=plan.settings.get("stageVariables") or {},
        )
        function = plan.function.arn
        return Known(
            head=head,
            headers=headers,
            plan=weakref.ref(plan),
            path=way.path,
            event=WarmEvent(request),
            root=trace.root_of(headers.get(trace.HEADER, "")),
            lineage=recursion.written(recursion.following(function, {"requestContext": {"apiId": plan.api_id}})),
        )

    def _begin(self, connection: PlainConnection, known: Known, plan: Plan, body: bytes) -> bool:
        executor = self._functions.executor
        call_id, root = ids.new_call_id(), known.root or trace.new_root()
        event = known.event.text(call_id, body)
        environment = executor.take_idle(plan.function) if plan.may_run_now() else None
        if environment is None:
            return False
        slot, is_allowed = None, False
        try:
            slot = plan.take_slot()
            if slot is None:
                return False
            if plan.is_enforced:
                with trace.within(root):
                    settle(SERVICE, invoke_permission.ACTION, plan.reference, "")
            is_allowed = True
        except OSError as error:  # a full disk, which takes no decision
            log.debug("a request goes the usual way: %r", error)
            return False
        finally:
            if not is_allowed:
                plan.give_back_slot(slot)
                executor.give_back(environment)
        request = PlainRequest(connection, _nothing, {"method": known.head.method, "path": known.path}, known.head)
        request.receive_data(body)
        connection.answer(request)
        call = WarmCall(
            request=request,
            executor=executor,
            head=known.head,
            headers=known.headers,
            plan=plan,
            path=known.path,
            call_id=call_id,
            request_id=ids.new_uuid(),
            root=root,
            header=f"{trace_header(plan.function, root)};Lineage={known.lineage}",
            client=connection.client,
            slot=slot,
            write_later=self._write_later,
        )
        self._start(environment, call, event)
        return True

    def _start(self, environment: Environment, call: WarmCall, event: str) -> None:
        self._runs = self._runs or WarmRuns(asyncio.get_running_loop())
        arn = call.plan.function.arn
        self._runs.start(environment, Invocation(None, call.request_id, arn, call.header, event_json=event), call)
        self._taken += 1
        self._write_later()

    def _write_later(self) -> None:
        if not self._has_unwritten:
            self._has_unwritten = True
            asyncio.get_running_loop().call_later(WRITTEN_SECONDS, self.settle)


async def _nothing(*_: Any) -> None:
    """No application is asked."""


def _speaks_aws(headers: Mapping[str, str], query_params: Mapping[str, Any]) -> bool:
    """Whether a request is signed, or sent as only SDKs of AWS send theirs."""
    is_signed = headers.get("authorization", "").startswith("AWS")
    names = (*headers, *(name.lower() for name in query_params))
    return is_signed or any(name.startswith(("x-amz-", "awsaccesskeyid", "content-encoding")) for name in names)
