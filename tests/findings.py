"""What cdk-nag says about a stack, by both packs that the examples pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aws_cdk as cdk


def findings_of(stack: cdk.Stack) -> list[str]:
    """The names of all rules that a stack breaks and has not acknowledged."""
    import cdk_nag  # noqa: PLC0415 - loading it takes a while, and few tests ask

    return [
        violation.rule_name
        for pack in (cdk_nag.AwsSolutionsChecks(), cdk_nag.ServerlessChecks())
        for violation in pack.validate_scope(stack).violations
    ]
