"""What a call needs besides the permission for itself: each parameter it names, and the key of what it reads or writes.

Stock authorizes of several names in one `ssm:GetParameters` the first alone, and asks for no key of KMS: an encrypted
queue, topic, bucket, table, secret or parameter works without any grant on its key.
https://docs.aws.amazon.com/kms/latest/developerguide/service-integration.html
"""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from constructs_lib.local.overlay import decisions
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.parameter_by_arn import parameter_arns
from constructs_lib.local.overlay.patching import Patch

OWN_KEYS = "alias/aws/"  # keys that AWS manages: everybody of the account may use them through the service
WRITE, READ = ("kms:GenerateDataKey", "kms:Decrypt"), ("kms:Decrypt",)
OF_ITEMS = (
    "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
    "ConditionCheckItem", "PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete",
)  # fmt: skip
KMS_NEEDS = {
    "sqs:SendMessage": WRITE,
    "sqs:ReceiveMessage": READ,
    "sns:Publish": WRITE,
    "s3:PutObject": ("kms:GenerateDataKey",),
    "s3:GetObject": READ,
    "s3:GetObjectVersion": READ,
    "secretsmanager:GetSecretValue": READ,
    "secretsmanager:PutSecretValue": WRITE,
    "secretsmanager:UpdateSecret": WRITE,
    **{f"dynamodb:{each}": READ for each in OF_ITEMS},
}
SSM_READS = frozenset({"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"})
_SSE = "x-amz-server-side-encryption"


@dataclass(frozen=True, slots=True)
class _Request:
    """What is known of a request besides its action and resource."""

    service: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


_request: contextvars.ContextVar[_Request | None] = contextvars.ContextVar("authorized_request", default=None)


def _wrap_resource(stock: Any) -> Any:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        _request.set(_Request(service, headers, body))
        found: str = stock(service, method, path, headers, body, *rest)
        return found

    return extract_resource_arn


def _wrap_enforce(stock: Any) -> Any:
    def enforce(  # noqa: PLR0917 (the signature of the base)
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        denied = stock(access_key_id, iam_action, service, region, resource_arn, service_context)
        if denied is not None or not (iam_action in KMS_NEEDS or service in {"ssm", "rds-data"}):
            return denied
        request = _request.get()
        if request is None or request.service != service:
            request = _Request(service)
        for action, arn, context in _further(iam_action, resource_arn, region, request):
            denied = stock(access_key_id, action, action.partition(":")[0], region, arn, context)
            if denied is not None:
                decisions.told_for(iam_action)
                return denied
        return None

    return enforce


def _further(action: str, resource: str, region: str, request: _Request) -> Iterator[tuple[str, str, Any]]:
    """Yield action, resource and condition keys of what is needed besides."""
    if action == "ssm:GetParameters":
        account = base("core.responses").get_account_id()
        for arn in parameter_arns(request.body, region, account)[1:]:
            yield action, arn, None
    if request.service == "rds-data":
        with contextlib.suppress(ValueError, AttributeError):  # what is no JSON is refused later
            secret = json.loads(request.body).get("secretArn")
            if isinstance(secret, str):
                yield "secretsmanager:GetSecretValue", secret, None
        return
    key = _key_of(action, resource, request)
    if not key or key.startswith(OWN_KEYS):
        return
    found = base("services.kms")._resolve_key(key)
    if found is None or not found.get("Arn"):
        return
    via = {
        "kms:ViaService": f"{request.service}.{region}.amazonaws.com",
        "kms:CallerAccount": found["Arn"].split(":")[4],
    }
    via |= {f"kms:EncryptionContext:{name}": value for name, value in _context(action, resource).items()}
    via |= {"kms:EncryptionContextKeys": list(_context(action, resource)), "aws:ViaAWSService": "true"}
    needs = KMS_NEEDS.get(action) or (("kms:Encrypt",) if action == "ssm:PutParameter" else READ)
    for each in needs:
        yield each, found["Arn"], via


def _context(action: str, resource: str) -> dict[str, str]:
    """The encryption context the service uses."""
    service = action.partition(":")[0]
    name = {"sqs": "aws:sqs:arn", "sns": "aws:sns:topicArn", "s3": "aws:s3:arn", "ssm": "PARAMETER_ARN"}.get(service)
    if service == "secretsmanager":
        name = "SecretARN"
    if service == "dynamodb":
        return {"aws:dynamodb:tableName": resource.partition(":table/")[2].partition("/")[0]}
    return {name: resource} if name else {}


def _key_of(action: str, resource: str, request: _Request) -> str:
    """The key of what a call is about; empty when it has none of its own."""
    service = action.partition(":")[0]
    if service == "sqs":
        queue = base("services.sqs")._queue_by_arn(resource) or {}
        return str(queue.get("attributes", {}).get("KmsMasterKeyId") or "")
    if service == "sns":
        topic = base("services.sns")._topics.get(resource) or {}
        return str(topic.get("attributes", {}).get("KmsMasterKeyId") or "")
    if service == "s3":
        return _key_of_object(action, resource, request.headers)
    if service == "dynamodb":
        table = base("services.dynamodb")._tables.get(resource.partition(":table/")[2].partition("/")[0]) or {}
        described = table.get("SSEDescription") or {}
        return str(described.get("KMSMasterKeyArn") or "") if described.get("Status") == "ENABLED" else ""
    if service == "secretsmanager":
        _, secret = base("services.secretsmanager")._resolve(resource)
        return str((secret or {}).get("KmsKeyId") or "")
    return _key_of_parameter(action, resource, request.body)


def _key_of_object(action: str, resource: str, headers: Mapping[str, str]) -> str:
    s3 = base("services.s3")
    bucket, _, name = resource.partition(":::")[2].partition("/")
    if action == "s3:PutObject":
        said = headers.get(f"{_SSE}-aws-kms-key-id", "")
        if said or headers.get(_SSE) == "AES256":
            return said
        kept: Mapping[str, str] = s3._bucket_default_sse_headers(bucket)
    else:
        found = (s3._buckets.get(bucket) or {"objects": {}})["objects"].get(name) or {}
        kept = found.get("preserved_headers") or {}
        if not kept.get(_SSE):
            return ""
    return str(kept.get(f"{_SSE}-aws-kms-key-id") or "") if kept.get(_SSE) == "aws:kms" else ""


def _key_of_parameter(action: str, resource: str, body: bytes) -> str:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    if action == "ssm:PutParameter":
        return str(told.get("KeyId") or "") if told.get("Type") == "SecureString" else ""
    if action not in SSM_READS or not told.get("WithDecryption"):
        return ""
    name = resource.partition(":parameter")[2]
    parameters = base("services.ssm")._parameters
    found = parameters.get(name) or parameters.get(name.lstrip("/")) or {}
    return str(found.get("KeyId") or "") if found.get("Type") == "SecureString" else ""


PATCHES = (
    Patch(
        "core.iam_actions",
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
        _wrap_resource,
    ),
    Patch(
        "core.iam_evaluator",
        "enforce",
        ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
        _wrap_enforce,
    ),
)
