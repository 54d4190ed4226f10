"""Whether a step can reach what it acts on: Step Functions calls nothing in another region.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.workflow_steps.bucket_items import BucketItems
from constructs_lib.workflow_steps.step import Each, Step, Task, all_steps

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.wiring.refusals import Refusals


def check_places(scope: Construct, steps: Sequence[Step], refusals: Refusals) -> None:
    """Note what is in another region than the workflow, or made by a stack of another account; unknown places pass."""
    for step in all_steps(steps):
        if isinstance(step, Task):
            _check_place(scope, step.name, step.target, refusals)
        elif isinstance(step, Each) and isinstance(step.items, BucketItems):
            _check_place(scope, step.name, step.items.bucket, refusals)


def _check_place(scope: Construct, name: str, target: object, refusals: Refusals) -> None:
    if not isinstance(target, cdk.Resource):
        return
    here, there = cdk.Stack.of(scope), cdk.Stack.of(target)
    # A resource from elsewhere says itself where it is; it may be of another account, which its own policy can allow.
    for what, own, others in (
        ("region", here.region, target.env.region),
        ("account", here.account, there.account),
    ):
        if not cdk.Token.is_unresolved(own) and not cdk.Token.is_unresolved(others) and own != others:
            refusals.refuse(
                f"{name!r} acts on {target.node.path} in the {what} {others}, and the workflow is in {own}",
                fix=f"put a workflow into that {what}, and tell it by an event",
            )
