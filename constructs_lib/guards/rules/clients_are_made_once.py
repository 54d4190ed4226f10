"""A handler makes no AWS client on every call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.clients_in_handlers.made import METADATA, Made
from constructs_lib.clients_in_handlers.python import made_in_python
from constructs_lib.clients_in_handlers.script import made_in_script
from constructs_lib.guards.bundle_files import handler_source
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """No handler makes an AWS client on every call.

    Why it matters: a client is made once an environment where it is made outside of the handler; its connections, TLS
    sessions and credentials then serve every later call. One that is made inside pays for all of that on each of them.
    https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html

    Refuses: `boto3.client`, `boto3.resource` or `boto3.Session` in a Python handler, `new ...Client(...)` of a class of
    `@aws-sdk` in one of JavaScript, and of TypeScript where our own constructs bundle it; the same in functions of its
    file that it calls.

    Accepts: a client that is made only where there is none yet, is kept by a cache, or differs from call to call: with
    credentials, or made of an argument. Minified bundles of others, default exports and layers are not read.
    """
    for function in own_functions(assembly):
        for name, made in _made(function):
            yield finding(
                function,
                detail=f"{name}:{made.what}",
                problem=f"{name} makes a client on every call: {made.what} at line {made.line}",
                fix="make it once, outside of the handler",
            )


def _made(function: Resource) -> Iterator[tuple[str, Made]]:
    """Each kind of client once, with the file it is made in."""
    told = function.metadata.get(METADATA)
    found: list[tuple[str, Made]] = []
    if isinstance(told, list):
        found = [
            (str(each.get("file")), Made(int(each.get("line") or 0), str(each.get("what"))))
            for each in told
            if isinstance(each, dict) and isinstance(each.get("line"), int)
        ]
    elif (source := handler_source(function)) is not None:
        made = made_in_python if source.name.endswith(".py") else made_in_script
        found = [(source.name, each) for each in made(source.text, source.handler)]
    yield from {(name, each.what): (name, each) for name, each in reversed(found)}.values()
