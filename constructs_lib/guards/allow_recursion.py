"""Saying that one loop is meant, and what ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.guards.recorded import NAMESPACE
from constructs_lib.problem import Problem, PropError

if TYPE_CHECKING:
    from constructs import IConstruct

RULE = "recursion"


def allow_recursion(construct: IConstruct, evidence: str, *, loop: str | None = None) -> None:
    """Acknowledge the one loop that goes through a construct, with the evidence that it ends.

    The evidence stays beside the finding in every report. It speaks for one loop: when a second one comes to go through
    the same construct, both are refused again, until each is named by its own id.

    Args:
        construct: Any part of the loop: a bucket, a queue, the function.
        evidence: What ends the loop: the condition in the code, the test that proves it.
        loop: The id of the loop, or what stands in its brackets, as the finding tells it. Default: the only one there.

    Raises:
        PropError: The evidence is empty.

    Example:
        >>> from constructs_lib import allow_recursion
        >>> allow_recursion(thumbnails, "writes once a picture; see test_pictures_end")  # doctest: +SKIP
    """
    if not evidence.strip():
        raise PropError(
            Problem(
                what="a loop is allowed without evidence",
                where=f"{construct.node.path} (allow_recursion)",
                fix="say what ends the loop: the condition in the code, the test that proves it",
            )
        )
    named = "" if loop is None else f"[{loop.removeprefix(f'{RULE}[').removesuffix(']')}]"
    acknowledgment = cdk.Acknowledgment(id=f"{NAMESPACE}::{RULE}{named}", reason=evidence)
    cdk.Validations.of(construct).acknowledge(acknowledgment)
