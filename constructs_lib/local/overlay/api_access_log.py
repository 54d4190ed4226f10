"""The access log of a stage, of REST and HTTP APIs: one line a call, in the format the stage gives.

Stock writes none.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay import gateway_call
from constructs_lib.local.overlay.authority import Role, scope_of
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.gateway_call import Call, request_time
from constructs_lib.local.overlay.http_api_result import Response
from constructs_lib.local.overlay.log_delivery import append
from constructs_lib.local.overlay.patching import Patch

DEFAULT_STAGE = "$default"
BAD_REQUEST = 400
_HANDLE = ("host", "path", "method", "headers", "body", "query_params", "raw_path", "raw_query_string")
_ENFORCE = ("api_id", "stage", "method", "execute_path", "headers", "query_params", "iam_action")
_log = logging.getLogger("constructs_lib.local")


def _wrap_handle(stock: Any) -> Any:
    async def handle(host: str, path: str, method: str, headers: Any, *rest: Any, **named: Any) -> Response | None:
        app = base("app")
        if app._parse_execute_api_url(host, path) is None and app._resolve_custom_domain_request(host, path) is None:
            return None  # no API is asked
        call = gateway_call.begin(headers)
        answer: Response | None = await stock(host, path, method, headers, *rest, **named)
        if answer is None or "apiId" not in call.said:
            return answer
        if call.is_http_api:
            answer[1]["apigw-requestid"] = call.request_id
        write(call, answer)
        return answer

    return handle


def _wrap_enforce(stock: Any) -> Any:
    def enforce(  # noqa: PLR0917 (the signature of the base)
        api_id: str,
        stage: str,
        method: str,
        execute_path: str,
        headers: Any,
        query_params: Any,
        *rest: Any,
        **named: Any,
    ) -> Any:
        call = gateway_call.current()
        if base("services.apigateway")._api_protocol(api_id) == "HTTP":
            call.is_http_api, call.request_id = True, call.extended_id
        agent = headers.get("user-agent")
        say_request(call, api_id=api_id, stage=stage, method=method, path=execute_path, user_agent=agent)
        refusal = stock(api_id, stage, method, execute_path, headers, query_params, *rest, **named)
        if refusal is not None:
            call.say({"error.message": _message(refusal), "error.responseType": "ACCESS_DENIED"})
        return refusal

    return enforce


def say_request(call: Call, *, api_id: str, stage: str, method: str, path: str, user_agent: str | None) -> None:
    """Note what is known of a call before it is answered."""
    call.say(
        {
            "requestId": call.request_id,
            "extendedRequestId": call.extended_id,
            "requestTime": request_time(call),
            "requestTimeEpoch": int(call.started * 1000),
            "apiId": api_id,
            "stage": stage,
            "httpMethod": method,
            "path": path if stage == DEFAULT_STAGE else f"/{stage}{path}",
            "protocol": "HTTP/1.1",
            "domainName": call.host,
            "domainPrefix": call.host.partition(".")[0].partition(":")[0],
            "identity.sourceIp": call.source_ip,
            "identity.userAgent": user_agent,
            "xrayTraceId": call.trace.partition("Root=")[2].partition(";")[0],
        }
    )


def write(call: Call, answer: Response) -> None:
    """Write the line of a call that was answered, if its stage has an access log."""
    api_id, stage_name = call.said["apiId"], call.said["stage"]
    for module, stages in (("services.apigateway_v1", "_stages_v1"), ("services.apigateway", "_stages")):
        scope = base(module).find_api_scope(api_id)
        if scope is not None:
            stage = getattr(base(module), stages).get_scoped(*scope, api_id, {}).get(stage_name) or {}
            _write(call, answer, stage, scope)
            return


def _write(call: Call, answer: Response, stage: Mapping[str, Any], scope: tuple[str, str]) -> None:
    settings = stage.get("accessLogSettings") or {}
    line, destination = settings.get("format"), settings.get("destinationArn") or ""
    if not line or ":log-group:" not in destination:
        return
    status, _, body = answer
    elapsed = int((time.time() - call.started) * 1000)
    call.say({"status": status, "responseLength": len(body), "responseLatency": elapsed, "accountId": scope[0]})
    if not call.is_http_api:
        call.say({"deploymentId": stage.get("deploymentId")})
    elif status >= BAD_REQUEST and "integration.status" not in call.said:
        call.say({"error.message": _message(answer), "error.messageString": json.dumps(_message(answer))})
    group = destination.split(":log-group:")[1].removesuffix(":*")
    stream = hashlib.md5(f"{call.said['apiId']}/{call.said['stage']}".encode(), usedforsecurity=False).hexdigest()
    with scope_of(*scope):
        if not call.is_http_api and (refusal := _refusal(scope, group, stream)):
            _log.warning("no access log of API %s: %s", call.said["apiId"], refusal)
        elif group not in base("services.cloudwatch_logs")._log_groups:
            _log.warning("no access log of API %s: there is no log group %s", call.said["apiId"], group)
        else:
            append(group, stream, [(int(time.time() * 1000), call.text(line))])


def _refusal(scope: tuple[str, str], group: str, stream: str) -> str:
    """Why the role of the account may not write; an account without one is taken for set up elsewhere."""
    account, region = scope
    arn = (base("services.apigateway_v1")._account_settings.get("settings") or {}).get("cloudwatchRoleArn")
    if not arn:
        return ""
    resource = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
    role = Role(arn, "apigateway")
    keys = {"aws:SourceAccount": account}
    denial = role.trust_denial("apigateway.amazonaws.com", keys)
    return denial or role.denial("logs:PutLogEvents", resource, region=region)


def _message(answer: Response) -> str | None:
    try:
        found = json.loads(answer[2])
    except ValueError:
        return None
    return found.get("message") or found.get("Message") if isinstance(found, dict) else None


PATCHES = (
    Patch("app", "_handle_execute_api_request", _HANDLE, _wrap_handle),
    Patch("app", "_enforce_execute_api", _ENFORCE, _wrap_enforce),
)
