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
    if _is_apart(source, target, refusals):
        return
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
    # What was imported has nothing below it, and is named as well in any stage.
    if here is there or (owner.node.children and _is_apart(owner, user, refusals)):
        return
    if (here.account, here.region) == (there.account, there.region):
        return
    try:
        here.resolve(value)
    except RuntimeError as error:
        if NOT_CARRIED_OVER not in str(error):
            raise
        check_same_environment(owner, user, refusals, why=CARRIES_OVER, fix=CARRIES_OVER_FIX)


def _is_apart(source: IConstruct, target: IConstruct, refusals: Refusals) -> bool:
    """Note two constructs of different stages, which the CDK refuses at the end of a synthesis."""
    if cdk.Stack.of(source) is cdk.Stack.of(target):
        return False
    here, there = (_stage_of(each) for each in (source, target))
    if here != there:
        refusals.refuse(
            f"{target.node.path} is in {there}, {source.node.path} in {here}: a stage is deployed by itself, and no "
            "stack refers to what another stage defines",
            fix="define both in one stage, or name there what is deployed already: from_existing",
        )
    return here != there


def _stage_of(construct: IConstruct) -> str:
    stage = cdk.Stage.of(construct)
    return f"the stage {stage.node.path}" if stage is not None and stage.node.path else "no stage"


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
