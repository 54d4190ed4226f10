"""What happens inside the embedded AWS, told to whoever follows: the terminal, the page, `permissions`, tests.

One file, one JSON object a line, with `time` (seconds since 1970) and `kind`. The kinds, and what else each holds:

Every entry that belongs to an X-Ray trace has its root as `trace`.

`authorization`
    One decision about one call: `principal` (ARN of the caller), `function` (the physical name of the function that
    called; empty for others), `action` (`dynamodb:PutItem`), `resource` (ARN), `allowed`, `enforced` (false where
    `--iam=warn` let a denied call pass), `reason` (AWS's sentence; empty when allowed), `count` (how many of the same
    kind this entry tells of: the first is told at once, the next ones within half a minute together). A right that is
    asked for ahead of any call, as that to a destination is when it is configured, is told where it is lacking.
`invocation`
    One run of a function, at its end: `function` (physical name), `arn`, `request_id`, `links` (the traces of the
    messages or records of its batch), `cause` (`apigateway`, `sqs`, `states`, ...; empty when called directly),
    `source` (the ARN or name of what caused it), `cold`, `milliseconds`, `error` (its type; empty when it succeeded),
    `message`.
`request`
    One request to a deployed API, at its end: `method`, `path`, `status`, `milliseconds`.
`execution`
    An execution of a workflow began or ended: `machine` and `execution` (ARNs), `status`.
`call`
    One allowed call of a role within a trace: `principal`, `action`, `resource`.
`delivery`
    Something handed on: `source` and `target` (ARNs), `what` (`event`, `notification`, `record`).
`unfinished`
    Work that still ran when its handler returned: `function`, `request_id`, `what`, `at` (file:line of user code;
    empty when it is not known), `callers` (the lines it was called from), `fix`.
`fault`
    A fault that was injected on request: `where`, `what`.
`throttle`
    An invocation refused because of a limit of concurrency: `function`, `limit`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from constructs_lib.local.json_lines import JsonLinesWriter
from constructs_lib.local.overlay.trace import root_now

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal[
    "authorization", "call", "invocation", "request", "execution", "delivery", "unfinished", "fault", "throttle"
]

_writers: list[JsonLinesWriter] = []


def open_journal(path: Path | None) -> None:
    """Write to this file from now on; without one nothing is kept."""
    for writer in _writers:
        writer.close()
    _writers[:] = [] if path is None else [JsonLinesWriter(path)]


def tell(kind: Kind, **values: Any) -> None:
    """Write one entry."""
    root = root_now()
    for writer in _writers:
        writer.write({"time": round(time.time(), 4), "kind": kind, **({"trace": root} if root else {}), **values})


def tell_soon(kind: Kind, **values: Any) -> None:
    """Write one entry with the next one, or at the next `flush`."""
    for writer in _writers:
        writer.write_soon({"time": round(time.time(), 4), "kind": kind, **values})


def flush() -> None:
    """Write what waits."""
    for writer in _writers:
        writer.flush()
