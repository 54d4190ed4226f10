"""Where things are deployed: what reaches only as far as its own account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs import IConstruct

    from constructs_lib.wiring.refusals import Refusals

NOT_CARRIED_OVER = "CannotUseCrossEnvironment"  # what the CDK says, at the end of a synthesis and here
CARRIES_OVER = "CDK carries names and ARNs to another region only where its stacks ask for it"
CARRIES_OVER_FIX = "give both stacks an env and cross_region_references=True, or put both into one region"


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


def check_carried_over(value: str, owner: IConstruct, user: IConstruct, refusals: Refusals) -> None:
    """Note a name or an ARN that CDK does not carry to the region where it is used.

    Whether it does is a flag of the stack that CDK shows to nobody, so it is asked to write the value down there.

    Args:
        value: The name or ARN.
        owner: What it is of.
        user: What gets it.
        refusals: Where problems are noted.
    """
    here, there = cdk.Stack.of(user), cdk.Stack.of(owner)
    if (here.account, here.region) == (there.account, there.region):
        return
    try:
        here.resolve(value)
    except RuntimeError as error:
        if NOT_CARRIED_OVER not in str(error):
            raise
        check_same_environment(owner, user, refusals, why=CARRIES_OVER, fix=CARRIES_OVER_FIX)


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
