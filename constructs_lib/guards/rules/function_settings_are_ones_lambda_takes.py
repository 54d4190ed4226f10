"""Settings that Lambda refuses while a function is deployed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.amounts import count
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

MOST = 10_240  # MiB, of memory and of /tmp
AMOUNTS = (("MemorySize",), ("EphemeralStorage", "Size"))
WARM = ("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
RESERVED = ("ReservedConcurrentExecutions",)
SNAPS = ("SnapStart", "ApplyOn")
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
MOST_BESIDE_SNAPS = 512  # MiB of /tmp
NO_SNAPS = re.compile(r"nodejs|ruby|provided|go1|java8(?:\.al2)?$|dotnetcore|dotnet6$|python(?:2\.|3\.(?:\d|1[01])$)")
SNAPPED = "PublishedVersions"
LATEST = "$LATEST"
VARIABLES = ("Environment", "Variables")
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
TAKEN = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
})  # fmt: skip


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function and its aliases have settings that Lambda takes.

    Why it matters: Lambda refuses the others, and the deployment fails half way.
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

    Refuses: more than 10,240 MiB of memory or of `/tmp`; a variable of a name that Lambda sets itself (`AWS_REGION`);
    provisioned concurrency on an alias of `$LATEST`, or of more than is reserved for the function; SnapStart of
    container images and of runtimes that have none (Node.js, Ruby, custom ones, Python before 3.12), and beside
    provisioned concurrency, a file system, or more than 512 MiB of `/tmp`.

    Accepts: what Lambda takes; numbers that only a deployment knows.
    """
    for function in assembly.of_type(FUNCTION):
        for at in AMOUNTS:
            told = function.number(*at)
            if told is not None and told > MOST:
                yield finding(
                    function,
                    problem=f"{'.'.join(at)} is {count(told)} MiB, and Lambda gives {count(MOST)} MiB at most",
                    fix=f"ask for {count(MOST)} MiB or less, or run it as an ECS task",
                    at=at,
                    detail=at[-1],
                )
        for problem, fix in _against_snapshots(function):
            yield finding(function, problem=problem, fix=fix, at=SNAPS, detail=SNAPS[-1])
        for name in sorted(TAKEN.intersection(function.keys(*VARIABLES))):
            yield finding(
                function,
                problem=f"the variable {name} is one that Lambda sets itself, and refuses",
                fix=f"call it otherwise, or leave it out: the function finds {name} without it",
                at=(*VARIABLES, name),
                detail=name,
            )
    for alias in assembly.of_type("AWS::Lambda::Alias"):
        warm = alias.number(*WARM)
        called = assembly.target(alias.value("FunctionName"), FUNCTION)
        if not warm:
            continue
        if alias.text("FunctionVersion") == LATEST:
            yield finding(
                alias,
                problem=f"its environments are to be kept warm, and Lambda keeps none of {LATEST}",
                fix="let FunctionVersion be an AWS::Lambda::Version",
                at=("FunctionVersion",),
                detail="FunctionVersion",
            )
        if isinstance(called, Resource) and called.text(*SNAPS) == SNAPPED:
            yield finding(
                alias,
                problem=f"{count(warm)} environments are to be kept warm, and the function starts from snapshots: "
                "Lambda does not do both",
                fix="leave out one of the two",
                at=WARM,
                detail="SnapStart",
            )
        reserved = called.number(*RESERVED) if isinstance(called, Resource) else None
        if reserved is not None and warm > reserved:
            yield finding(
                alias,
                problem=f"{count(warm)} environments are to be kept warm, and {count(reserved)} are reserved for the "
                "function",
                fix=f"reserve {count(warm)} or more, or keep fewer warm",
                at=WARM,
                detail=WARM[-1],
            )


def _against_snapshots(function: Resource) -> Iterator[tuple[str, str]]:
    """What Lambda does not take beside SnapStart, and what to do about it."""
    if function.text(*SNAPS) != SNAPPED:
        return
    runtime, disk = function.text("Runtime") or "", function.number(*AMOUNTS[1])
    if NO_SNAPS.match(runtime):
        yield f"it is to start from snapshots, and Lambda takes none of {runtime}", "leave SnapStart out"
    if function.text("PackageType") == "Image":
        yield "it is to start from snapshots, and Lambda takes none of container images", "leave SnapStart out"
    fix = "leave out one of the two"
    if disk is not None and disk > MOST_BESIDE_SNAPS:
        most = f"{MOST_BESIDE_SNAPS} at most go with them"
        yield f"it is to start from snapshots, and /tmp has {count(disk)} MiB: {most}", fix
    if not function.lacks("FileSystemConfigs"):
        yield "it is to start from snapshots, and has a file system: Lambda does not do both", fix
