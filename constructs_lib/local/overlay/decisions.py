"""Every decision about a call is told in the journal; with `--iam=warn` a call that is denied passes all the same.

Stock tells nobody whom it allowed what, and either denies or checks nothing at all.

The first decision of a kind (who, what, on what, how) is told at once, those like it are counted and told together, so
that a warm call costs no more than a look into a dictionary. Denied calls are told one by one for longer.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.journal import tell
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.reasons import reason_of
from constructs_lib.local.overlay.trace import root_now

FLUSH_SECONDS = 30.0  # how long repeated decisions are counted before they are told; pollers repeat theirs for ever
DENIALS_TOLD = 100  # one by one, of each kind
MOST_COUNTED = 4096  # kinds of decisions; beyond, counting begins anew
PROOF = "constructs-lib-proof"  # the session of calls that only prove that roles are enforced
UNTRACED = ("logs:", "xray:")  # what every run does for itself is no step of a request
_EVALUATOR = "core.iam_evaluator"

_mode = {"lets_denied_pass": False}
_caller = threading.local()


@dataclass(slots=True)
class _Count:
    function: str
    told: int = 0
    untold: int = 0


_Kind = tuple[str, str, str, str]  # who, what, on what, and why not


class _Decisions:
    """What has been decided, told once and counted after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[_Kind, _Count] = {}
        self._timer: threading.Timer | None = None

    def add(self, principal: str, action: str, resource: str, reason: str) -> None:
        kind = (principal, action, resource, reason)
        with self._lock:
            count = self._counts.get(kind)
            if count is not None and (not reason or count.told >= DENIALS_TOLD):
                count.untold += 1
                if self._timer is None:
                    self._timer = threading.Timer(FLUSH_SECONDS, self.flush)
                    self._timer.daemon = True
                    self._timer.start()
                return
            if count is None:
                if len(self._counts) >= MOST_COUNTED:
                    self._tell_counted()
                    self._counts.clear()
                count = self._counts[kind] = _Count(_function_of(principal))
            count.told += 1
        _tell(kind, count, 1)

    def flush(self) -> None:
        with self._lock:
            self._tell_counted()

    def forget(self) -> None:
        with self._lock:
            self._tell_counted()
            self._counts.clear()

    def _tell_counted(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for kind, count in self._counts.items():
            if count.untold:
                _tell(kind, count, count.untold)
                count.untold = 0


def _tell(kind: _Kind, count: _Count, times: int) -> None:
    principal, action, resource, reason = kind
    tell(
        "authorization",
        principal=principal,
        function=count.function,
        action=action,
        resource=resource,
        allowed=not reason,
        enforced=not (reason and _mode["lets_denied_pass"]),
        reason=reason,
        count=times,
    )


_decisions = _Decisions()


def begin(*, lets_denied_pass: bool) -> None:
    """Choose what becomes of denied calls: they are refused, or pass and are told."""
    _mode["lets_denied_pass"] = lets_denied_pass


def flush() -> None:
    """Tell what has been counted until now."""
    _decisions.flush()


def forget() -> None:
    """Tell every kind of decision anew from now on."""
    _decisions.forget()


def settle(principal: str, action: str, resource: str, reason: str, *, is_use: bool = True) -> str:
    """Tell a decision, and return why the call is refused after all: not at all where denied calls pass.

    Args:
        principal: The ARN of the caller, or the name of a service.
        action: The action.
        resource: The ARN of what it acts on.
        reason: Why it is denied; empty when it is allowed.
        is_use: Whether the call is made; one that is only asked about is not told where it is allowed.
    """
    if not (reason or is_use):
        return ""
    if principal.endswith(f"/{PROOF}"):
        return reason
    _decisions.add(principal, action, resource, reason)
    if not reason and root_now() and ":assumed-role/" in principal and not action.startswith(UNTRACED):
        tell("call", principal=principal, action=action, resource=resource)
    return "" if _mode["lets_denied_pass"] else reason


def tell_use(principal: str, action: str, resource: str) -> None:
    """Tell that what was only asked about when it was allowed has been done."""
    _decisions.add(principal, action, resource, "")


def told_for(action: str) -> None:
    """Let the answer to a call of this action tell why the last call was denied, which was needed for it."""
    _, principal, reason = getattr(_caller, "denied", ("", "", ""))
    _caller.denied = (action, principal, reason)


def last_reason(action: str, principal: str) -> str:
    """Why the last call was denied that was denied in this thread; empty when it was another one."""
    *call, reason = getattr(_caller, "denied", ("", "", ""))
    return reason if call == [action, principal] else ""


def _function_of(principal: str) -> str:
    """The physical name of the function whose own role and session this is; empty for anybody else."""
    kind, _, rest = principal.partition(":assumed-role/")
    role, _, session = rest.partition("/")
    if not kind or not session:
        return ""
    for (_, _, name), function in base("services.lambda_svc")._functions.all_items():
        if name[:64] == session and (function.get("config") or {}).get("Role", "").endswith(f"/{role}"):
            return str(name)
    return ""


def _wrap_enforce(stock: Any) -> Any:
    def enforce(  # noqa: PLR0917 (the signature of the base)
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        _caller.arn = ""
        denied = stock(access_key_id, iam_action, service, region, resource_arn, service_context)
        principal = _caller.arn
        if not principal or (denied is not None and not hasattr(denied, "decision")):
            return denied  # the root user, what nobody is ever denied, and who is not whom he claims to be
        reason = "" if denied is None else reason_of(denied, service, iam_action, principal, resource_arn)
        if not settle(principal, iam_action, resource_arn, reason):
            return None
        _caller.denied = (iam_action, principal, reason)
        return denied

    return enforce


def _wrap_principal(stock: Any) -> Any:
    def resolve_principal(access_key_id: str, account_id: str, credential: Any = None) -> Any:
        found = stock(access_key_id, account_id, credential)
        if getattr(found, "policies", None) is not None:
            _caller.arn = found.arn
        return found

    return resolve_principal


def _wrap_resource_policy(stock: Any) -> Any:
    def resource_policy_allows(raw_policy: Any, ctx: Any, same_account: bool) -> bool:
        return stock(raw_policy, ctx, same_account) or _mode["lets_denied_pass"]  # told at the front already

    return resource_policy_allows


def _wrap_trust_policy(stock: Any) -> Any:
    def evaluate_trust_policy(trust_doc: Any, caller_arn: str, ctx: Any = None) -> bool:
        allowed = stock(trust_doc, caller_arn, ctx)
        if ctx is None or ctx.resource_arn == "*":
            return bool(allowed)
        reason = (
            "" if allowed else f"the trust policy of {ctx.resource_arn} does not allow {ctx.action} to {caller_arn}"
        )
        return not settle(caller_arn, ctx.action, ctx.resource_arn, reason)

    return evaluate_trust_policy


def _wrap_anonymous(stock: Any) -> Any:
    def anonymous_policy_error(  # noqa: PLR0917 (the signature of the base)
        api_id: str, stage_name: str, method: str, path: str, account_id: str, region: str
    ) -> Any:
        refused = stock(api_id, stage_name, method, path, account_id, region)
        if refused is None:
            return None
        arn = base("core.arn").execute_api_arn(region, account_id, api_id, stage_name, method, path)
        reason = "no resource-based policy of the API allows anonymous callers"
        return refused if settle("anonymous", "execute-api:Invoke", arn, reason) else None

    return anonymous_policy_error


PATCHES = (
    Patch(
        _EVALUATOR,
        "enforce",
        ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
        _wrap_enforce,
    ),
    Patch(_EVALUATOR, "resolve_principal", ("access_key_id", "account_id", "credential"), _wrap_principal),
    Patch(_EVALUATOR, "resource_policy_allows", ("raw_policy", "ctx", "same_account"), _wrap_resource_policy),
    Patch(_EVALUATOR, "evaluate_trust_policy", ("trust_doc", "caller_arn", "ctx"), _wrap_trust_policy),
    Patch(
        "services.apigateway_v1",
        "_anonymous_policy_error",
        ("api_id", "stage_name", "method", "path", "account_id", "region"),
        _wrap_anonymous,
    ),
)
