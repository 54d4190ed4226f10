"""Takes along what this library runs inside functions: `constructs_lib.runtime`, and never the constructs."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from constructs_lib.bundling.fingerprint import digest_of
from constructs_lib.bundling.python_imports import Import

PACKAGE = "constructs_lib"
RUNTIME = f"{PACKAGE}.runtime"
NEEDS = "aws_lambda_powertools"  # which the function's own requirements bring
# What needs nothing but the runtime's own boto3: its files, and the names that the front door has of them.
ALONE = frozenset({"kept", "parameter_values", "rotation_steps", "secret_values"}) | {
    *(
        "RotationRefused",
        "rotation",
        "parameter_value",
        "parameters_below",
        "secret_value",
        "with_parameter",
        "with_secret",
    ),
}
ONLY_THE_RUNTIME = f"a function can import {RUNTIME} and nothing else of {PACKAGE}: constructs belong to the CDK app"


@functools.cache
def runtime_files() -> dict[str, bytes]:
    """Return the files of the runtime as installed, under the names a bundle has them by."""
    folder = Path(__file__).parents[1]
    names = ["__init__.py", "py.typed", *(f"runtime/{file.name}" for file in (folder / "runtime").glob("*.py"))]
    return {f"{PACKAGE}/{name}": (folder / name).read_bytes() for name in sorted(names)}


@functools.cache
def runtime_digest() -> str:
    """Return what changes when any of these files does."""
    return digest_of("".join(f"{name} {digest_of(data)}\n" for name, data in runtime_files().items()).encode())


def is_runtime(found: Import) -> bool:
    """Tell whether an import asks for the runtime and no construct."""
    if found.module == PACKAGE:
        return found.names == ("runtime",)
    return found.module == RUNTIME or found.module.startswith(f"{RUNTIME}.")


def needs_of_runtime(imports: Iterable[Import]) -> list[Import]:
    """Return what the runtime imports in turn, as if the handler did; nothing if it uses nothing that has needs."""
    return [
        Import(NEEDS, (), found.where, found.optional)
        for found in imports
        if is_runtime(found) and not _stands_alone(found)
    ]


def _stands_alone(found: Import) -> bool:
    if found.module == RUNTIME:
        return bool(found.names) and ALONE.issuperset(found.names)
    return found.module.removeprefix(f"{RUNTIME}.") in ALONE
