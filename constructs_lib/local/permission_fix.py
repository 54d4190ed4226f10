"""What would allow a denied call: the grant of our constructs where they are used, else the statement."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.local.permissions_record import Known, PermissionsRecord

EXPLICIT = "with an explicit deny"
LIMITS = ("permissions boundary", "session policy", "resource-based policy")
OURS = "/Identity/Role"  # where a function of ours has its role


@dataclass(frozen=True, slots=True)
class _Grant:
    """How a construct of ours grants.

    Args:
        child: The id of the resource below the construct.
        call: The method with its arguments; `{to}` is the function, `{action}` the name of the action.
        actions: The actions it grants. Default: any.
    """

    child: str
    call: str
    actions: frozenset[str] = frozenset()


GRANTS = {
    "AWS::DynamoDB::Table": (_Grant("Table", 'grant({to}, "{action}")'),),
    "AWS::SecretsManager::Secret": (),
    "AWS::DynamoDB::GlobalTable": (_Grant("Table", 'grant({to}, "{action}")'),),
    "AWS::SQS::Queue": (_Grant("Queue", "grant_send({to})", frozenset({"SendMessage"})),),
    "AWS::SNS::Topic": (_Grant("Topic", "grant_publish({to})", frozenset({"Publish"})),),
    "AWS::Events::EventBus": (_Grant("Bus", 'grant_put_events({to}, sources=["..."])', frozenset({"PutEvents"})),),
    "AWS::S3::Bucket": (
        _Grant("Bucket", 'grant_read({to}, prefix="...")', frozenset({"GetObject"})),
        _Grant("Bucket", 'grant_write({to}, prefix="...")', frozenset({"PutObject"})),
        _Grant("Bucket", 'grant_read({to}, prefix="...", listing=True)', frozenset({"ListBucket"})),
    ),
    "AWS::StepFunctions::StateMachine": (
        _Grant("StateMachine", "grant_start({to})", frozenset({"StartExecution"})),
        _Grant("StateMachine", "grant_start({to}, sync=True)", frozenset({"StartSyncExecution"})),
        _Grant("StateMachine", "grant_callback({to})", frozenset({"SendTaskSuccess", "SendTaskFailure"})),
    ),
    "AWS::Lambda::Function": (_Grant("Function", "grant_invoke({to})", frozenset({"InvokeFunction"})),),
}

_NAMESPACES = {"states": "stepfunctions"}  # of CloudFormation, where it is another than the one in ARNs


def fix_for(entry: Mapping[str, Any], caller: str, record: PermissionsRecord) -> str:
    """Return what to change, so that the call of a journal entry is allowed.

    Args:
        entry: The entry.
        caller: The construct path of the function that called, or whoever else did.
        record: What is deployed.
    """
    action, resource, reason = (str(entry.get(key, "")) for key in ("action", "resource", "reason"))
    principal = str(entry.get("principal", ""))
    if EXPLICIT in reason:
        policy = reason.rpartition(f"{EXPLICIT} in ")[2]
        return f"take the statement that denies it out of {policy}, or leave the call out"
    if ":assumed-role/" not in principal and principal.endswith(".amazonaws.com"):
        return _for_service(principal, action, resource, reason, record)
    limit = next((each for each in LIMITS if f"because no {each}" in reason), "")
    granted = "" if limit else _grant(action, resource, caller, record)
    if granted:
        return granted
    statement = json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})
    where = f"the {limit} that limits {caller}" if limit and limit != LIMITS[-1] else f"the role of {caller}"
    return f"allow it in {'the policy of the resource' if limit == LIMITS[-1] else where}: {statement}"


def _for_service(service: str, action: str, resource: str, reason: str, record: PermissionsRecord) -> str:
    if action == "sts:AssumeRole":
        return f"let {service} assume the role, in its trust policy"
    known = resource_of(resource, record)
    name = short(resource) if known is None else known.path
    source = reason.rpartition(" for ")[2]
    told: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action}
    told |= {"Resource": resource, "Condition": {"ArnLike": {"aws:SourceArn": source}}}
    if action == "lambda:InvokeFunction":
        return f'allow it with an AWS::Lambda::Permission on {name}: Principal "{service}", SourceArn "{source}"'
    return f"allow it in the policy of {name}: {json.dumps(told)}"


def _grant(action: str, resource: str, caller: str, record: PermissionsRecord) -> str:
    known = resource_of(resource, record)
    if known is None or not any(each.path == f"{caller}{OURS}" for each in record.resources):
        return ""
    name = action.partition(":")[2]
    for each in GRANTS.get(known.type, ()):
        if known.path.endswith(f"/{each.child}") and (not each.actions or name in each.actions):
            construct = known.path.removesuffix(f"/{each.child}")
            return f"{_variable(construct)}.{each.call.format(to=_variable(caller), action=name)}"
    return ""


def resource_of(arn: str, record: PermissionsRecord) -> Known | None:
    """Return the deployed resource that an ARN names, or a part of it: an index, a key, an execution."""
    tail = arn.split(":", 5)[-1]
    names = {arn, *tail.split("/"), *tail.split(":")}
    service = arn.split(":")[2] if arn.startswith("arn:") else ""
    namespace = _NAMESPACES.get(service, service)
    return next((each for each in record.resources if _is(each, namespace, names)), None)


def _is(known: Known, namespace: str, names: set[str]) -> bool:
    """Whether a resource is one that a call can be about, and has one of these names."""
    if known.type not in GRANTS or known.type.split("::")[1].lower() != namespace:
        return False
    return bool(names & {known.id, known.id.rpartition("/")[2], known.id.rpartition(":")[2]})


def short(arn: str) -> str:
    """Return what of an ARN tells one resource of an app from another."""
    return arn.split(":", 5)[-1] if arn.startswith("arn:") else arn


def _variable(path: str) -> str:
    """A construct as the code that defines it may call it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path.rpartition("/")[2]).lower()
