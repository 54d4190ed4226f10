"""Whether a role, or an AWS service on behalf of a resource, may do what the base is about to do for it.

What happens between services never passes the base's front, where IAM is enforced: a state machine that calls a
function, a rule that sends to a queue, a mapping that polls. Each of them asks here first.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay import invoke_permission
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.decisions import settle, tell_use
from constructs_lib.local.overlay.reasons import reason_of

ORIGIN = ("127.0.0.1", True)  # what happens between services happens over TLS
_RESOURCE_SERVICES = {"sqs", "sns", "lambda", "s3", "secretsmanager", "kms", "events"}


@dataclass(frozen=True, slots=True)
class Role:
    """A role somebody acts with.

    Args:
        arn: Its ARN; empty for the root of the account, who may do everything.
        session: The name of the session it is assumed in.
    """

    arn: str
    session: str = "constructs-lib"

    @property
    def name(self) -> str:
        """Its name."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def account(self) -> str:
        """Its account."""
        return self.arn.split(":")[4] if self.arn else here()[0]

    @property
    def principal(self) -> str:
        """The ARN of the session."""
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/{self.session}"

    def denial(
        self,
        action: str,
        resource: str,
        *,
        region: str,
        keys: Mapping[str, Any] | None = None,
        required: bool = False,
        is_use: bool = True,
    ) -> str:
        """Why the role may not; empty when it may.

        Args:
            action: The action.
            resource: The ARN of what it acts on.
            region: Where.
            keys: The condition keys of the call.
            required: Whether the resource's own policy must allow it, too, as that of a KMS key.
            is_use: Whether it is about to be done, and not only asked for what is configured.
        """
        if not is_enforced():
            return ""
        evaluator, iam = base("core.iam_evaluator"), base("services.iam")
        if not self.arn or iam._roles.get_scoped(self.account, None, self.name) is None:
            return settle(self.principal, action, resource, f"The role {self.arn or '(none)'} does not exist")
        context = evaluator.EvalContext(
            principal_arn=self.principal,
            principal_type="AssumedRole",
            principal_account=self.account,
            action=action,
            resource_arn=resource,
            region=region,
            source_ip=ORIGIN[0],
            secure_transport=ORIGIN[1],
            service_context={key.lower(): value for key, value in (keys or {}).items()},
        )
        limits = evaluator._permissions_boundary(iam._roles, self.name, self.account)
        result = evaluator.evaluate(context, evaluator._gather_role_policies(self.name, self.account), *limits)
        service = action.partition(":")[0]
        found = evaluator._resource_policy(service, resource) if service in _RESOURCE_SERVICES else None
        if found is not None:
            result = evaluator.combine_resource_policy(result, context, *found, required=required, limits=limits)
        is_allowed = result.decision == "Allow"
        reason = "" if is_allowed else reason_of(result, service, action, self.principal, resource)
        return settle(self.principal, action, resource, reason, is_use=is_use)

    def use(self, action: str, resource: str) -> None:
        """Tell that Lambda did with the role what it had asked for before."""
        if is_enforced():
            tell_use(self.principal, action, resource)

    def denial_anywhere(self, action: str, *, region: str) -> str:
        """Why the role may do this nowhere; empty when some statement allows it on something."""
        evaluator = base("core.iam_evaluator")
        policies = evaluator._gather_role_policies(self.name, self.account)
        for each in (statement for policy in policies for statement in policy):
            if each.effect == "Allow" and evaluator._action_matches(action, each.actions, each.not_actions):
                return settle(self.principal, action, "*", "")
        return self.denial(action, "*", region=region)

    def trust_denial(self, service: str, keys: Mapping[str, str]) -> str:
        """Why the service may not assume the role; empty when it may.

        Args:
            service: The service, `states.amazonaws.com`.
            keys: The condition keys of the call: `aws:SourceArn`, `aws:SourceAccount`.
        """
        if not is_enforced():
            return ""
        evaluator, iam = base("core.iam_evaluator"), base("services.iam")
        role = iam._roles.get_scoped(self.account, None, self.name) if self.arn else None
        told = f"{service} is not authorized to assume the role {self.arn or '(none)'}"
        if role is None:
            return settle(service, "sts:AssumeRole", self.arn, f"{told}: it does not exist")
        context = evaluator.EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action="sts:AssumeRole",
            resource_arn=self.arn,
            region="",
            service_context={key.lower(): value for key, value in keys.items()},
        )
        document = _with_resource(role["AssumeRolePolicyDocument"], self.arn)
        decided = evaluator.evaluate_resource_policy(document, context, service=service).decision
        reason = "" if decided == "Allow" else f"{told}: its trust policy does not allow it"
        return settle(service, "sts:AssumeRole", self.arn, reason)


def service_denial(
    service: str, action: str, resource: str, source_arn: str, account: str, *, policy: Mapping[str, Any] | None = None
) -> str:
    """Why a service may not act on a resource for its source; empty when the resource's policy lets it.

    Args:
        service: The service, `sns.amazonaws.com`.
        action: `sqs:SendMessage`, `sns:Publish` or `lambda:InvokeFunction`.
        resource: The ARN of the queue, topic or function; the function with its qualifier.
        source_arn: The ARN of what the service acts for.
        account: The account of that.
        policy: The policy of the function. Default: it is looked up.
    """
    if not is_enforced():
        return ""
    if action == "sqs:SendMessage":
        allowed = base("services.sqs").queue_policy_allows(resource, service, source_arn, account)
        allowed = allowed and _key_lets_in(service, resource, source_arn, account)
    elif action == "sns:Publish":
        allowed = base("services.sns").topic_policy_allows(resource, service, source_arn, account)
    else:
        policy = function_policy(resource) if policy is None else policy
        allowed = invoke_permission.allows(policy, resource, service, source_arn, account)
    reason = f"{service} is not authorized to perform: {action} on resource: {resource} for {source_arn}"
    return settle(service, action, resource, "" if allowed else reason)


def _key_lets_in(service: str, queue_arn: str, source_arn: str, account: str) -> bool:
    """Whether the key of an encrypted queue lets a service send: its own key must say so, that of AWS never does."""
    key = (base("services.sqs")._queue_by_arn(queue_arn) or {}).get("attributes", {}).get("KmsMasterKeyId") or ""
    if not key:
        return True
    found = base("services.kms")._resolve_key(key)
    if key.startswith("alias/aws/") or found is None:
        return False
    evaluator = base("core.iam_evaluator")
    keys = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        context = evaluator.EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action=action,
            resource_arn=found["Arn"],
            region=queue_arn.split(":")[3],
            service_context=keys,
        )
        if evaluator.evaluate_resource_policy(found.get("Policy") or "", context, service=service).decision != "Allow":
            return False
    return True


def function_policy(arn: str) -> Mapping[str, Any] | None:
    """The policy of a deployed function."""
    lambda_svc = base("services.lambda_svc")
    function, _, _ = lambda_svc._get_base_func_record_for_ref(arn)
    return None if function is None else function.get("policy")


def is_enforced() -> bool:
    """Whether IAM is on."""
    return bool(base("app").AUTH)


@contextlib.contextmanager
def scope_of(account: str, region: str) -> Iterator[None]:
    """Be in an account and region, over TLS, for what follows in this thread."""
    evaluator = base("core.iam_evaluator")
    before = evaluator._request_origin.set(ORIGIN)
    try:
        with base("core.responses").request_scope(account, region):
            yield
    finally:
        evaluator._request_origin.reset(before)


def acting_as(principal: str, act: Callable[[], Any]) -> Any:
    """Do something whose policies see this principal as the caller, over TLS."""
    evaluator = base("core.iam_evaluator")

    def run() -> Any:
        evaluator._request_origin.set(ORIGIN)
        evaluator._request_caller_arn.set(principal)
        return act()

    return contextvars.copy_context().run(run)


def here() -> tuple[str, str]:
    """The account and region of this thread."""
    responses = base("core.responses")
    return responses.get_account_id(), responses.get_region()


def _with_resource(document: Any, arn: str) -> dict[str, Any]:
    """A trust policy names no resource; the evaluator wants one."""
    read = json.loads(document) if isinstance(document, str) else document
    statements = read.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    return {"Statement": [{**each, "Resource": arn} for each in statements]}
