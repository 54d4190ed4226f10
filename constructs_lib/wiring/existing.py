"""What was made elsewhere: by another app, by hand, by a team that does not use this library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.wiring.refusals import Refusals

if TYPE_CHECKING:
    from constructs import Construct

ACCOUNT = 4  # the place of the account among the parts of an ARN


def check_existing(name: str, resource: cdk.IResource, arn: str, bearer: Construct) -> None:
    """Refuse what a policy written here does not reach, as far as that is known before deployment.

    Args:
        name: The argument it was passed as.
        resource: The L2 of what exists.
        arn: Its ARN, which says more than some L2s do.
        bearer: What stands for it in this app.

    Raises:
        PropError: It is in another account, or in another region.
    """
    refusals = Refusals(bearer)
    stack, environment = cdk.Stack.of(bearer), resource.env
    parts = [] if cdk.Token.is_unresolved(arn) else arn.split(":")
    region, account = parts[3:5] if len(parts) > ACCOUNT else ("", "")
    account, region = account or environment.account, region or environment.region  # a bucket's ARN says neither
    if _differ(account, stack.account):
        refusals.refuse(
            f"{name} belongs to account {account}, and {bearer.node.path} to {stack.account}: its owner says who may "
            "use it",
            fix="write a policy on it there, and function.add_to_role_policy(...) here",
        )
    if _differ(region, stack.region):
        refusals.refuse(
            f"{name} is in {region}, and {bearer.node.path} in {stack.region}: what names it here would look for it in "
            "its own region",
            fix=f"pass one of {stack.region}, or write the grant yourself: function.add_to_role_policy(...)",
        )
    refusals.stop_if_any()


def _differ(there: str, here: str) -> bool:
    return not cdk.Token.is_unresolved(there) and not cdk.Token.is_unresolved(here) and there != here
