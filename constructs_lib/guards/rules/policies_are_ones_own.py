"""Roles have policies of their own, not AWS's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.aws_managed import name_of
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.identity_statements import GROUP, ROLE, USER, lowered
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

WIDE = re.compile(r"FullAccess|^AdministratorAccess|^PowerUserAccess$|ReadWrite|^ReadOnlyAccess$|AdminAccess$|Admin$")
# Roles that a service of AWS takes on for itself, and for which it asks for just this policy.
FOR_A_SERVICE = frozenset({"AmazonAPIGatewayPushToCloudWatchLogs", "AWSAppSyncPushToCloudWatchLogs"})


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A role has policies that were written for it, not AWS-managed ones.

    Why it matters: AWS's policies are made for everybody, so that they allow on every resource what a function needs on
    one, and AWS changes them; `AdministratorAccess` makes any fault of a function a fault of the account.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html

    Refuses: as an error, AWS's policies for full access, for administrators and for reading everything; as a warning,
    the others, `AWSLambdaBasicExecutionRole` among them; as a hint, those that a service of AWS asks for.

    Accepts: managed policies of the app or the account.
    """
    for holder in assembly.of_type(ROLE, USER, GROUP):
        for arn in dict.fromkeys(holder.texts("ManagedPolicyArns", "*")):
            name = name_of(arn)
            if name is None:
                continue
            grave = Severity.ERROR if WIDE.search(name) else Severity.WARNING
            yield finding(
                holder,
                at=("ManagedPolicyArns",),
                detail=name,
                problem=f"{name} is a policy of AWS's own, which allows its actions on every resource there is",
                fix="write a policy with the actions and resources that are used, and attach that",
                severity=Severity.INFO if name in FOR_A_SERVICE else lowered(holder, grave),
            )
