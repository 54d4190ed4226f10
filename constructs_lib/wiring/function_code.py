"""From the file that holds a handler to what Lambda runs: its language, its runtime, its bundle."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_

from constructs_lib.bundling.code import BundledCode, BundlingOptions
from constructs_lib.problem import BundlingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs_lib.wiring.refusals import Refusals

NODE_RUNTIME = lambda_.Runtime.NODEJS_24_X
PYTHON_RUNTIME = lambda_.Runtime.PYTHON_3_14
NODE_SUFFIXES = frozenset({".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"})
PYTHON_SUFFIXES = frozenset({".py"})


def runtime_of(entry: str) -> lambda_.Runtime | None:
    """The newest runtime of an entry's language; nothing where it has none of the two."""
    suffix = PurePath(entry).suffix.lower()
    if suffix in NODE_SUFFIXES:
        return NODE_RUNTIME
    return PYTHON_RUNTIME if suffix in PYTHON_SUFFIXES else None


def chosen_runtime(entry: str, runtime: lambda_.Runtime | None, refusals: Refusals) -> lambda_.Runtime:
    """The runtime that was passed, or that of the entry's language; noted where there is neither."""
    chosen = runtime_of(entry) if runtime is None else runtime
    if chosen is not None:
        return chosen
    refusals.refuse(
        f"entry {entry!r} is neither TypeScript, JavaScript nor Python",
        fix="name the file that holds the handler: .ts, .mts, .js, .mjs, .cjs or .py",
    )
    return NODE_RUNTIME


def bundled(
    entry: str,
    refusals: Refusals,
    *,
    handler: str,
    runtime: lambda_.Runtime,
    architecture: lambda_.Architecture,
    include: Sequence[str],
    options: BundlingOptions,
) -> BundledCode:
    """The code to be, or everything that is wrong with the props, the code's problems among them.

    Raises:
        PropError: Something was noted before.
        BundlingError: Only the code is wrong.
    """
    if refusals.are_none:
        return BundledCode(
            entry, handler=handler, runtime=runtime, architecture=architecture, include=include, **options
        )
    if runtime_of(entry) is None:
        raise refusals.error()
    try:
        BundledCode(entry, handler=handler, runtime=runtime, architecture=architecture, include=include, **options)
    except BundlingError as error:
        refusals.include(error.problems)
    raise refusals.error()
