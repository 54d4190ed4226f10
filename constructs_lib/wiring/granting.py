"""A grant that is given or refused, never lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.environments import check_carried_over
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.upload_loops import note_calls


def grant_exactly(
    scope: Construct,
    grantee: iam.IGrantable,
    actions: Sequence[str],
    resource: str,
    *,
    conditions: Mapping[str, Mapping[str, object]] | None = None,
) -> iam.Grant:
    """Allow exactly these actions on exactly this resource.

    CDK drops a grant in silence where the grantee has no policy to write it to: a service, a role of another account.

    Args:
        scope: The construct that grants, for the error.
        grantee: Who is allowed.
        actions: Actions with their prefix.
        resource: The ARN.
        conditions: Under which the grant holds. Default: always.

    Raises:
        PropError: The grant would be dropped, CDK does not carry the ARN over to the region of the grantee, or an
            upload could set off the next one by it.
    """
    principal = grantee.grant_principal
    if isinstance(principal, iam.UnknownPrincipal):
        who = grantee.node.path if isinstance(grantee, Construct) else type(grantee).__name__
        problem = Problem(
            f"{', '.join(actions)} cannot be granted to {who}, which was imported without its role",
            f"{scope.node.path} ({type(scope).__name__})",
            "import it with its role: lambda_.Function.from_function_attributes(..., role=..., same_environment=True)",
        )
        raise PropError(problem)
    account = principal.principal_account
    here = cdk.Stack.of(scope).account
    are_known = account is not None and not cdk.Token.is_unresolved(account) and not cdk.Token.is_unresolved(here)
    if are_known and account != here:
        raise _lost(scope, actions, f"a role of another account ({account}, this is {here})")
    if isinstance(grantee, Construct):
        refusals = Refusals(scope)
        check_carried_over(resource, scope, grantee, refusals)
        refusals.stop_if_any()
    note_calls(scope, grantee, actions)
    grant = iam.Grant.add_to_principal(
        grantee=grantee, actions=list(actions), resource_arns=[resource], conditions=conditions
    )
    if not grant.success:
        raise _lost(scope, actions, f"a {type(grantee).__name__}, which has no policy of its own")
    return grant


def _lost(scope: Construct, actions: Sequence[str], to: str) -> PropError:
    return PropError(
        Problem(
            f"{', '.join(actions)} cannot be granted to {to}",
            f"{scope.node.path} ({type(scope).__name__})",
            "grant it to a function or role of this account, or write a resource policy on the L2",
        )
    )
