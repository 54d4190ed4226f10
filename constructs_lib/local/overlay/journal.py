"""What happens inside the embedded AWS, told to whoever follows: the terminal, the page, `permissions`, tests.

One file, one JSON object a line, with `time` (seconds since 1970) and `kind`. The kinds, and what else each holds:

`authorization`
    One decision about one call: `principal` (ARN of the caller), `function` (the physical name of the function that
    called; empty for others), `action` (`dynamodb:PutItem`), `resource` (ARN), `allowed`, `enforced` (false where
    `--iam=warn` let a denied call pass), `reason` (AWS's sentence; empty when allowed).
`invocation`
    One run of a function: `function` (physical name), `arn`, `request_id`, `trace` (the root of its X-Ray trace),
    `cause` (`apigateway`, `sqs`, `s3`, ...; empty when called directly), `cold`, `milliseconds`, `error` (its type;
    empty when it succeeded).
`delivery`
    Something handed on: `source` and `target` (ARNs), `trace`, `what` (`message`, `event`, `record`, ...).
`unfinished`
    Work that still ran when its handler returned: `function`, `request_id`, `what`, `at` (file:line of user code).
`fault`
    A fault that was injected on request: `where`, `what`.
`throttle`
    An invocation refused because of a limit of concurrency: `function`, `limit`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from constructs_lib.local.json_lines import JsonLinesWriter

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["authorization", "invocation", "delivery", "unfinished", "fault", "throttle"]

_writers: list[JsonLinesWriter] = []


def open_journal(path: Path | None) -> None:
    """Write to this file from now on; without one nothing is kept."""
    for writer in _writers:
        writer.close()
    _writers[:] = [] if path is None else [JsonLinesWriter(path)]


def tell(kind: Kind, **values: Any) -> None:
    """Write one entry."""
    for writer in _writers:
        writer.write({"time": round(time.time(), 4), "kind": kind, **values})
