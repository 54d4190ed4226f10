"""Where things are deployed: what reaches only as far as its own account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs import IConstruct

    from constructs_lib.wiring.refusals import Refusals


def check_same_environment(source: IConstruct, target: IConstruct, refusals: Refusals, *, why: str, fix: str) -> None:
    """Note two constructs of which one cannot reach the other, since they are deployed to different places.

    Args:
        source: Where something comes from.
        target: Where it should arrive.
        refusals: Where problems are noted.
        why: What does not reach that far.
        fix: What to do about it.
    """
    here, there = (cdk.Stack.of(each).environment.removeprefix("aws://") for each in (source, target))
    if here != there:
        refusals.refuse(f"{target.node.path} is in {there}, {source.node.path} in {here}: {why}", fix=fix)


def check_same_region(name: str, resource: object, bearer: IConstruct, refusals: Refusals) -> None:
    """Note a resource that is used where it is not: a key, a bucket for logs, a destination.

    Args:
        name: The argument.
        resource: What was passed; nothing is said of None, nor of a region that is known at deploy only.
        bearer: Who uses it.
        refusals: Where problems are noted.
    """
    environment = getattr(resource, "env", None)
    there, here = getattr(environment, "region", None), cdk.Stack.of(bearer).region
    if there is None or cdk.Token.is_unresolved(there) or cdk.Token.is_unresolved(here) or there == here:
        return
    refusals.refuse(
        f"{name} is in {there}, and {bearer.node.path} in {here}: AWS uses it in its own region alone",
        fix=f"pass one of {here}",
    )
