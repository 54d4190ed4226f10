"""Who a function is: one role of its own, which may do what was granted and nothing else.

The role holds no inline policy and no AWS-managed policy. A *base* policy (own logs, own traces) exists before the
function does; a *grants* policy collects everything granted later. The function waits for the first and not for the
second, so that a grant on something that needs the function can never close a cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.policy_size import CHARACTERS, MOST_POLICIES, packed, size_of

EXACT_GRANTS = (
    "grant the exact actions instead: `table.grant(function, ...)`, or `function.add_to_role_policy(statement)`"
)


@jsii.implements(iam.IRole)
class Identity(cdk.Resource):
    """A role that takes grants, and refuses to be handed policies.

    To CDK it is an ordinary role: grants of any L2 (`queue.grant_send_messages(function)`) land in its grants policy,
    which is created with the first of them.

    Args:
        principal: The service that assumes the role.
        base: Statements the bearer needs before its first breath, created before the bearer; in one policy, and in more
            of them where they do not fit.
        apart: More of them, which share no policy with the others.

    Raises:
        PropError: They do not fit into the ten policies a role can have.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        principal: iam.IPrincipal,
        base: Sequence[iam.PolicyStatement],
        apart: Sequence[iam.PolicyStatement] = (),
    ) -> None:
        super().__init__(scope, id)
        guard(self)
        self.role = iam.Role(self, "Role", assumed_by=principal)
        packs = [each for statements in (base, apart) if statements for each in packed(statements)]
        self._check_number(len(packs))
        self.base_policies = [
            iam.ManagedPolicy(
                self,
                "Base" if number == 1 else f"Base{number}",
                roles=[self.role],
                document=iam.PolicyDocument(statements=list(statements), minimize=False),
            )
            for number, statements in enumerate(packs, 1)
        ]
        self.grants_policies: list[iam.ManagedPolicy] = []
        self._grants_size = 0

    @property
    def base_policy(self) -> iam.ManagedPolicy:
        """The policy with the first statements the bearer needs."""
        return self.base_policies[0]

    @property
    def grants_policy(self) -> iam.ManagedPolicy | None:
        """The policy that got the last statement; none before the first grant."""
        return self.grants_policies[-1] if self.grants_policies else None

    @property
    def role_arn(self) -> str:
        """The ARN of the role."""
        return self.role.role_arn

    @property
    def role_name(self) -> str:
        """The name of the role."""
        return self.role.role_name

    @property
    def role_ref(self) -> Any:
        """What CDK needs to refer to the role."""
        return self.role.role_ref

    @property
    def grant_principal(self) -> Identity:
        """Itself: grants come to `add_to_principal_policy`."""
        return self

    @property
    def assume_role_action(self) -> str:
        """The action by which the role is assumed."""
        return self.role.assume_role_action

    @property
    def policy_fragment(self) -> iam.PrincipalPolicyFragment:
        """The role as a principal in somebody's resource policy."""
        return self.role.policy_fragment

    @property
    def principal_account(self) -> str | None:
        """The account of the role."""
        return self.role.principal_account

    def add_to_principal_policy(self, statement: iam.PolicyStatement) -> iam.AddToPrincipalPolicyResult:
        """Add a statement to the grants policy, created with the first one; what does not fit begins another."""
        size = size_of(statement)
        if self.grants_policy is None or self._grants_size + size > CHARACTERS:
            self.grants_policies.append(self._new_policy())
            self._grants_size = 0
        self._grants_size += size
        policy = self.grants_policies[-1]
        policy.add_statements(statement)
        return iam.AddToPrincipalPolicyResult(statement_added=True, policy_dependable=policy)

    def _check_number(self, number: int) -> None:
        """Refuse more policies than a role can have."""
        if number > MOST_POLICIES:
            bearer = self.node.scope
            raise PropError(
                Problem(
                    f"what one role may do fills more than {MOST_POLICIES} policies of 6,144 characters, and it can "
                    "have no more",
                    f"{bearer.node.path} ({type(bearer).__name__})" if bearer else self.node.path,
                    "split it: it may do more than one function or workflow should",
                )
            )

    def _new_policy(self) -> iam.ManagedPolicy:
        bearer = self.node.scope
        if not isinstance(bearer, Construct):  # pragma: no cover - a resource always has a parent
            raise TypeError("an identity without a bearer")
        number = len(self.grants_policies) + 1
        self._check_number(len(self.base_policies) + number)
        # A sibling, not a child: what depends on this identity must not wait for the grants.
        return iam.ManagedPolicy(
            bearer,
            "Grants" if number == 1 else f"Grants{number}",
            roles=[self.role],
            document=iam.PolicyDocument(minimize=False),
        )

    def add_to_policy(self, statement: iam.PolicyStatement) -> bool:
        """Add a statement to the grants policy."""
        return self.add_to_principal_policy(statement).statement_added

    def grant(self, grantee: iam.IPrincipal, *actions: str) -> iam.Grant:
        """Let somebody act on the role."""
        return self.role.grant(grantee, *actions)

    def grant_pass_role(self, grantee: iam.IPrincipal) -> iam.Grant:
        """Let somebody pass the role to a service."""
        return self.role.grant_pass_role(grantee)

    def grant_assume_role(self, grantee: iam.IPrincipal) -> iam.Grant:
        """Let somebody assume the role."""
        return self.role.grant_assume_role(grantee)

    def add_managed_policy(self, policy: iam.IManagedPolicy) -> None:
        """Refuse: a managed policy allows more than was asked for.

        Raises:
            PropError: Always.
        """
        arn = policy.managed_policy_arn
        name = policy.node.path if isinstance(policy, Construct) else arn.rpartition("/")[2]
        raise self._refusal(f"a managed policy was added to the role of one function: {name}")

    def attach_inline_policy(self, policy: iam.Policy) -> None:
        """Refuse: grants live in one place, the grants policy.

        Raises:
            PropError: Always.
        """
        raise self._refusal(f"an inline policy was attached to the role of one function: {policy.node.path}")

    def _refusal(self, what: str) -> PropError:
        scope = self.node.scope
        return PropError(Problem(what, scope.node.path if scope else self.node.path, EXACT_GRANTS))
