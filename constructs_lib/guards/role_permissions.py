"""What a role may do, as far as rules ask: one action on one resource, and what of it nobody can tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from constructs_lib.assembly.policies import aws_managed
from constructs_lib.assembly.policies.documents import policies_of
from constructs_lib.assembly.policies.permissions import Permissions, extent_on, keys_in, permissions_of
from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.text_set import Extent
from constructs_lib.guards.identity_statements import ROLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Absent, Text, Value

# Policies of AWS that let a function write logs and traces, and nothing else.
ONLY_TELEMETRY = frozenset(
    [
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaENIManagementAccess",
        "AWSLambdaVPCAccessExecutionRole",
        "AWSXRayDaemonWriteAccess",
        "AWSXrayWriteOnlyAccess",
        "CloudWatchLambdaInsightsExecutionRolePolicy",
        "CloudWatchLogsFullAccess",
    ]
)


@dataclass(frozen=True)
class RolePermissions:
    """What one role may do.

    Args:
        node: The role.
        permissions: Its permissions.
        aws_policies: The names of AWS's own policies that it has.
    """

    node: Resource
    permissions: Permissions
    aws_policies: frozenset[str]

    @cached_property
    def unknowns(self) -> tuple[str, ...]:
        """What of it nobody can tell, or is in a policy of AWS's own."""
        told = [f"what {name} allows is not told in full" for name in sorted(self.aws_policies - ONLY_TELEMETRY)]
        return (*self.permissions.unknowns(), *told)

    def may(self, action: str, arns: Sequence[Text] = ()) -> bool:
        """Whether it is allowed an action on a resource, or on part of it; without ARNs, on anything.

        Args:
            action: The action, in lower case.
            arns: The ARNs that the resource may be meant by.
        """
        return any(
            not arns or extent_on(grant.pattern, arns) is not Extent.NONE or _has_keys(grant.pattern, action, arns)
            for grant in self.permissions.grants((action,))
        )


def permissions_of_role(assembly: Assembly, role: Value | Absent) -> RolePermissions | None:
    """Return what a role may do; none for one that is not in the templates."""
    node = assembly.target(role, ROLE)
    return _permissions_of(node) if isinstance(node, Resource) else None


@remembered
def _permissions_of(node: Resource) -> RolePermissions:
    """What one role may do, for all rules that ask."""
    assembly = node.stack.assembly
    policies = policies_of(assembly)
    names = frozenset(name for arn in policies.managed_by_others(node) if (name := aws_managed.name_of(arn)))
    return RolePermissions(node, permissions_of(assembly, node), names)


def _has_keys(pattern: Text, action: str, arns: Sequence[Text]) -> bool:
    """Whether a pattern means objects of a bucket."""
    if not action.startswith("s3:"):
        return False
    return any(keys_in(pattern, arn.split(":::", 1)[-1]) is not None for arn in arns)
