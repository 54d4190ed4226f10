"""A function runs on the cheaper processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

# Runtimes that exist for arm64; for container images only their author knows.
READY = ("dotnet", "java", "nodejs", "provided.al2", "python3", "ruby")


@rule(severity=Severity.INFO)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function runs on arm64.

    Why it matters: the same time costs a fifth less, and most functions take no longer.
    https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html

    Refuses: x86_64, as an information.

    Accepts: arm64; container images; what runs at the edge, which is x86_64 only.
    """
    edge = {
        str(text)
        for distribution in assembly.of_type("AWS::CloudFront::Distribution")
        for at in (("DefaultCacheBehavior",), ("CacheBehaviors", "*"))
        for text in distribution.texts(
            "DistributionConfig", *at, "LambdaFunctionAssociations", "*", "LambdaFunctionARN"
        )
    }
    for function in own_functions(assembly):
        architecture = [each.literal for each in function.texts("Architectures", "*")] or ["x86_64"]
        runtime = function.text("Runtime") or ""
        if (
            architecture != ["x86_64"]
            or not runtime.startswith(READY)
            or any(str(function.arn) in each for each in edge)
        ):
            continue
        yield finding(
            function,
            problem="the function runs on x86_64, where the same time costs a quarter more than on arm64",
            fix='set Architectures to ["arm64"], and build native packages for it',
            at=("Architectures",),
        )
