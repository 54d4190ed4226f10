"""A function runs on a runtime that still gets security fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

AS_OF = "2026-11-23"  # the day this table was checked; the same template gives the same findings whatever the day
# Runtime: since when it is deprecated, since when no new function may use it, and what to use instead.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
DEPRECATED = {
    "dotnet6": ("2024-12-20", "2027-02-01", "dotnet10"),
    "dotnet8": ("2026-11-10", "2027-02-01", "dotnet10"),
    "dotnetcore1.0": ("2019-06-27", "2019-06-30", "dotnet10"),
    "dotnetcore2.0": ("2019-05-30", "2019-04-30", "dotnet10"),
    "dotnetcore2.1": ("2022-01-05", "2022-01-05", "dotnet10"),
    "dotnetcore3.1": ("2023-04-03", "2023-04-03", "dotnet10"),
    "go1.x": ("2024-01-08", "2024-02-08", "provided.al2023"),
    "java8": ("2024-01-08", "2024-02-08", "java25"),
    "nodejs": ("2016-08-30", "2016-09-30", "nodejs24.x"),
    "nodejs10.x": ("2021-07-30", "2021-07-30", "nodejs24.x"),
    "nodejs12.x": ("2023-03-31", "2023-03-31", "nodejs24.x"),
    "nodejs14.x": ("2023-12-04", "2024-01-09", "nodejs24.x"),
    "nodejs16.x": ("2024-06-12", "2027-02-01", "nodejs24.x"),
    "nodejs18.x": ("2025-09-01", "2027-02-01", "nodejs24.x"),
    "nodejs20.x": ("2026-04-30", "2027-02-01", "nodejs24.x"),
    "nodejs4.3": ("2020-03-05", "2020-02-03", "nodejs24.x"),
    "nodejs4.3-edge": ("2020-03-05", "2019-03-31", "nodejs24.x"),
    "nodejs6.10": ("2019-08-12", "2019-07-12", "nodejs24.x"),
    "nodejs8.10": ("2020-03-06", "2020-02-04", "nodejs24.x"),
    "provided": ("2024-01-08", "2024-02-08", "provided.al2023"),
    "provided.al2": ("2026-07-31", "2027-02-01", "provided.al2023"),
    "python2.7": ("2021-07-15", "2021-07-15", "python3.14"),
    "python3.10": ("2026-10-31", "2027-02-01", "python3.14"),
    "python3.6": ("2022-07-18", "2022-07-18", "python3.14"),
    "python3.7": ("2023-12-04", "2024-01-09", "python3.14"),
    "python3.8": ("2024-10-14", "2027-02-01", "python3.14"),
    "python3.9": ("2025-12-15", "2027-02-01", "python3.14"),
    "ruby2.5": ("2021-07-30", "2021-07-30", "ruby4.0"),
    "ruby2.7": ("2023-12-07", "2024-01-09", "ruby4.0"),
    "ruby3.2": ("2026-03-31", "2027-02-01", "ruby4.0"),
}


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function uses a runtime that AWS supports.

    Why it matters: a deprecated runtime gets no security fixes; some time later no function may be created with it, so
    that a new environment or a replaced function cannot be deployed.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html

    Refuses: a `Runtime` that AWS had deprecated when this version was released; as an error, one that no new function
    may use.

    Accepts: every other runtime, and container images.
    """
    for function in assembly.of_type(FUNCTION):
        runtime = function.text("Runtime")
        deprecated, blocked, successor = DEPRECATED.get(runtime or "", ("9", "9", ""))
        if deprecated > AS_OF:
            continue
        is_blocked = blocked <= AS_OF
        consequence = "no function can be created with it" if is_blocked else "it gets no security fixes"
        yield finding(
            function,
            problem=f"Runtime {runtime} has been deprecated since {deprecated}: {consequence}",
            fix=f"set Runtime to {successor}",
            at=("Runtime",),
            severity=Severity.ERROR if is_blocked else None,
        )
