"""What Lambda takes of memory, time, concurrency and words; checked before CloudFormation would find out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MEMORY_MIB = range(128, 10_240 + 1)
LONGEST_TIMEOUT_SECONDS = 900
LONGEST_DESCRIPTION = 256  # https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html


def check_limits(
    refusals: Refusals,
    *,
    memory_mib: int,
    timeout: cdk.Duration,
    reserved_concurrency: int | None,
    description: str | None,
) -> None:
    """Note what is out of Lambda's bounds; what is not known before deploy is not looked at."""
    if description and not cdk.Token.is_unresolved(description) and len(description) > LONGEST_DESCRIPTION:
        refusals.refuse(
            f"description has {len(description)} characters, and Lambda takes {LONGEST_DESCRIPTION}",
            fix="shorten it",
        )
    if not cdk.Token.is_unresolved(memory_mib) and memory_mib not in MEMORY_MIB:
        refusals.refuse(
            f"memory_mib is {memory_mib!r}, wanted a number from {MEMORY_MIB.start} to {MEMORY_MIB.stop - 1}",
            fix="leave memory_mib out for 512, or choose a size that Lambda has",
        )
    if (
        reserved_concurrency is not None
        and not cdk.Token.is_unresolved(reserved_concurrency)
        and reserved_concurrency < 0
    ):
        refusals.refuse(
            f"reserved_concurrency is {reserved_concurrency}, wanted 0 (never runs) or more", fix="leave it out"
        )
    if not timeout.is_unresolved():
        _check_timeout(timeout.to_milliseconds() / 1000, refusals)


def _check_timeout(seconds: float, refusals: Refusals) -> None:
    if seconds > LONGEST_TIMEOUT_SECONDS:
        refusals.refuse(
            f"timeout ({seconds:g} s) is longer than Lambda allows (900 s)",
            fix="split the work into steps of a state machine, or run it on Fargate",
        )
    elif seconds < 1 or seconds != int(seconds):
        refusals.refuse(
            f"timeout ({seconds:g} s) is not a whole number of seconds, one at least",
            fix=f"write cdk.Duration.seconds({max(1, math.ceil(seconds))})",
        )
