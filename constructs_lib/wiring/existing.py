"""What was made elsewhere: by another app, by hand, by a team that does not use this library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.refusals import Refusals

if TYPE_CHECKING:
    from constructs import Construct


def check_existing(name: str, resource: object, bearer: Construct) -> None:
    """Refuse what a policy written here does not reach, as far as that is known before deployment.

    Args:
        name: The argument it was passed as.
        resource: The L2 of what exists.
        bearer: What stands for it in this app.

    Raises:
        PropError: It is in another account, or in another region.
    """
    refusals = Refusals(bearer)
    account, here = getattr(getattr(resource, "env", None), "account", None), cdk.Stack.of(bearer).account
    is_known = account is not None and not cdk.Token.is_unresolved(account) and not cdk.Token.is_unresolved(here)
    if is_known and account != here:
        refusals.refuse(
            f"{name} belongs to account {account}, and {bearer.node.path} to {here}: its owner says who may use it",
            fix="write a policy on it there, and function.add_to_role_policy(...) here",
        )
    check_same_region(name, resource, bearer, refusals)
    refusals.stop_if_any()
