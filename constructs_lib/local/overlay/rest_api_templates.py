"""Integrations of REST APIs that are no proxies: mocks, functions and the APIs of services, by mapping templates.

Stock answers with templates as they are written, hands functions the event of a proxy, and knows no service but SQS.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-integration-settings-integration-response.html
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from constructs_lib.local.overlay.authority import Role
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.event_input import MissingError, at
from constructs_lib.local.overlay.gateway_call import current
from constructs_lib.local.overlay.mapping_template import Overrides, written
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.rest_api_event import Request
from constructs_lib.local.overlay.rest_api_integration import (
    DEFAULT_TIMEOUT_MS,
    failure,
    may_call,
    method_source,
    request_of,
    run,
)
from constructs_lib.local.overlay.velocity import TemplateError
from constructs_lib.local.overlay.workflow_role import sdk_need

JSON_TYPE = "application/json"
JSON_SERVICES = {
    "dynamodb": "DynamoDB_20120810",
    "states": "AWSStepFunctions",
    "events": "AWSEvents",
    "kinesis": "Kinesis_20131202",
    "ssm": "AmazonSSM",
    "secretsmanager": "secretsmanager",
}  # what comes before the action in `X-Amz-Target`
_GATEWAY = "services.apigateway_v1"
_ACTION = re.compile(r"arn:[^:]+:apigateway:([^:]*):([^:]+):action/(\w+)")
_STATUS = re.compile(r"""["']?statusCode["']?\s*:\s*["']?(\d{3})""")  # API Gateway takes it without quotes, too
_log = logging.getLogger("constructs_lib.local")


@dataclass(frozen=True, slots=True)
class Backend:
    """What stood behind the API answered.

    Args:
        status: Its status.
        body: Its body.
        matched: What the patterns of integration responses look at.
        headers: Its headers.
    """

    status: int
    body: str
    matched: str
    headers: Mapping[str, str] = field(default_factory=dict)


def media_type(text: str) -> str:
    """The first media type of a header."""
    return (text or JSON_TYPE).partition(",")[0].partition(";")[0].strip().lower()


async def answer(given: dict[str, Any]) -> Any:
    """Map the request, ask, and map the answer."""
    integration, request, overrides = given["integration"], request_of(given), Overrides()
    try:
        asked = _asked(integration, request, overrides)
        if asked is None:
            return failure("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type")
        if action := _ACTION.fullmatch(integration.get("uri", "")):
            found = await _service(integration, action[2], action[3], asked, action[1] or given["owner_region"])
        else:
            found = await _function(given, asked)
        return _mapped(integration, request, found, overrides) if isinstance(found, Backend) else found
    except TemplateError as error:
        _log.warning("%s of API %s has a broken template: %s", request.resource_path, request.api_id, error)
        return failure("API_CONFIGURATION_ERROR", "Internal server error")


def mock(integration: Any, request: Request) -> Any:
    """The answer of an integration that has nothing behind it."""
    overrides = Overrides()
    try:
        asked = _asked(integration, request, overrides)
        if asked is None:
            return failure("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type")
        found = _STATUS.search(asked)
        status = found[1] if found else "200"
        return _mapped(integration, request, Backend(int(status), "", status), overrides)
    except TemplateError as error:
        _log.warning("%s of API %s has a broken mock: %s", request.resource_path, request.api_id, error)
        return failure("API_CONFIGURATION_ERROR", "Internal server error")


def _asked(integration: Mapping[str, Any], request: Request, overrides: Overrides) -> str | None:
    """What is handed on; nothing where the content of the request may not pass."""
    template = _request_template(integration, request)
    if template is None:
        return None
    sent = request.body.decode("utf-8", "replace")
    return written(template, sent, request, overrides) if template else sent


def _request_template(integration: Mapping[str, Any], request: Request) -> str | None:
    """The template for the content of the request; empty where it passes as it is, nothing where it may not."""
    templates: dict[str, str] = {
        media_type(name): text for name, text in (integration.get("requestTemplates") or {}).items()
    }
    found = templates.get(media_type(base(_GATEWAY)._header_ci(request.headers, "content-type")))
    if found is not None:
        return found
    behavior = (integration.get("passthroughBehavior") or "WHEN_NO_MATCH").upper()
    passes = behavior == "WHEN_NO_MATCH" or (behavior == "WHEN_NO_TEMPLATES" and not templates)
    return "" if passes else None


async def _function(given: dict[str, Any], asked: str) -> Any:
    gateway, functions, integration = base(_GATEWAY), base("services.lambda_svc"), given["integration"]
    account, region = given["owner_account_id"], given["owner_region"]
    reference = gateway._extract_lambda_ref_from_integration_uri(integration.get("uri", ""))
    record, configuration, _ = functions._get_func_record_for_ref_in_scope(reference, account_id=account, region=region)
    if record is None or configuration is None or not may_call(record, integration, reference, method_source(given)):
        return failure("API_CONFIGURATION_ERROR", "Internal server error")
    try:
        event = json.loads(asked or "{}")
    except ValueError as error:
        told = json.dumps({"message": f"Could not parse request body into json: {error}"})
        return Backend(400, told, told)
    execution = functions._execution_record_for_config(record, configuration)
    parameters = integration.get("requestParameters") or {}
    if parameters.get("integration.request.header.X-Amz-Invocation-Type") == "'Event'":
        functions.invoke_async_with_retry(execution, event)
        return Backend(202, "", "")
    limit = int(integration.get("timeoutInMillis") or DEFAULT_TIMEOUT_MS)
    result = await run(execution, event, limit)
    if result is None:
        return failure("INTEGRATION_TIMEOUT", "Endpoint request timed out")
    if result.get("throttle"):
        return failure("DEFAULT_5XX", "Internal server error")
    current().say({"integration.status": 200, "integrationStatus": 200})
    returned = result.get("body")
    said = returned.get("errorMessage", "") if result.get("error") and isinstance(returned, dict) else ""
    return Backend(200, json.dumps(returned, ensure_ascii=False), str(said))


async def _service(integration: Mapping[str, Any], service: str, action: str, asked: str, region: str) -> Any:
    """Call the API of a service with the role of the integration."""
    if service not in JSON_SERVICES:
        _log.warning("the embedded AWS maps no request to %s", service)
        return failure("API_CONFIGURATION_ERROR", "Internal server error")
    role = Role(integration.get("credentials") or "", "BackplaneAssumeRoleSession")
    account = role.account
    if denial := role.trust_denial("apigateway.amazonaws.com", {"aws:SourceAccount": account}):
        _log.warning("%s", denial)
        return failure("API_CONFIGURATION_ERROR", "Internal server error")
    try:
        need = sdk_need(f"{service}:{action}", json.loads(asked or "{}"), region, account)
    except ValueError:
        told = json.dumps({"__type": "SerializationException"})
        return Backend(400, told, "400")
    denial = (
        role.denial(need.action, need.resource, region=region, keys=need.keys)
        if need.resource
        else role.denial_anywhere(need.action, region=region)
    )
    if denial:
        told = json.dumps({"__type": "AccessDeniedException", "Message": denial})
        return Backend(400, told, "400")
    headers = {"x-amz-target": f"{JSON_SERVICES[service]}.{action}", "content-type": "application/x-amz-json-1.0"}
    status, answered, body = await base("app").SERVICE_HANDLERS[service]("POST", "/", headers, asked.encode(), {})
    current().say({"integration.status": status, "integrationStatus": status})
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return Backend(status, text, str(status), {name.lower(): str(value) for name, value in answered.items()})


def _mapped(integration: Mapping[str, Any], request: Request, found: Backend, overrides: Overrides) -> Any:
    """The answer, by the integration response whose pattern fits, else by the one without a pattern."""
    responses = [each or {} for each in (integration.get("integrationResponses") or {}).values()]
    chosen = _chosen(responses, found)
    if chosen is None:
        return failure("API_CONFIGURATION_ERROR", "Internal server error")
    templates = {media_type(name): text for name, text in (chosen.get("responseTemplates") or {}).items()}
    accepted = media_type(base(_GATEWAY)._header_ci(request.headers, "accept"))
    kind = accepted if accepted in templates else JSON_TYPE if JSON_TYPE in templates else next(iter(templates), "")
    body = written(templates[kind], found.body, request, overrides) if templates.get(kind) else found.body
    headers: dict[str, Any] = {"Content-Type": kind or JSON_TYPE}
    for name, source in (chosen.get("responseParameters") or {}).items():
        value = _parameter(str(source), request, found)
        if name.startswith("method.response.header.") and value is not None:
            headers[name.removeprefix("method.response.header.")] = value
    headers |= {name: str(value) for name, value in overrides.response["header"].items()}
    status = int(overrides.response.get("status") or chosen.get("statusCode") or 200)
    return status, headers, body.encode("utf-8", "surrogatepass")


def _chosen(responses: list[Any], found: Backend) -> Mapping[str, Any] | None:
    fitting = [each for each in responses if each.get("selectionPattern") and _fits(each["selectionPattern"], found)]
    plain = [each for each in responses if not each.get("selectionPattern")]
    same = [each for each in plain if str(each.get("statusCode")) == found.matched]
    for choice in (fitting, same, plain):
        if choice:
            chosen: Mapping[str, Any] = choice[0]
            return chosen
    return None


def _fits(pattern: str, found: Backend) -> bool:
    try:
        return bool(found.matched) and re.fullmatch(pattern, found.matched, re.DOTALL) is not None
    except re.error:
        return False


def _parameter(source: str, request: Request, found: Backend) -> str | None:
    """What a header of the answer is mapped from; nothing where that is not there."""
    if len(source) > 1 and source[0] == source[-1] == "'":
        return source[1:-1]
    if source.startswith("integration.response.header."):
        return found.headers.get(source.rpartition(".")[2].lower())
    if source.startswith("stageVariables."):
        return request.stage_variables.get(source.partition(".")[2])
    if source.startswith("context."):
        value = current().said.get(source.partition(".")[2])
        return None if value is None else str(value)
    if source.startswith("integration.response.body"):
        path = source.removeprefix("integration.response.body")
        try:
            return str(at(f"${path}", json.loads(found.body)))
        except (MissingError, ValueError):
            return None
    return None


_CUSTOM = (
    "integration",
    "api_id",
    "stage_name",
    "stage",
    "resource",
    "request_path",
    "method",
    "headers",
    "body",
    "query_params",
    "path_params",
    "owner_account_id",
    "owner_region",
    "binary_media_types",
    "authorizer_context",
    "caller_identity",
)


def _here() -> Request:
    """The request that is being answered, where the base does not hand it on."""
    request, said = current().request, current().said
    given, stage = request["given"], request["stage"] or {}
    return Request(
        account_id=given["owner_account_id"],
        api_id=given["api_id"],
        stage=given["stage_name"],
        deployment_id=stage.get("deploymentId") or "",
        resource_id=said.get("resourceId", ""),
        resource_path=request["resource_path"],
        method=given["method"],
        path=given["path"],
        headers=given["headers"] or {},
        query=given["query_params"] or {},
        path_parameters=request["path_params"] or {},
        stage_variables=stage.get("variables") or {},
        body=given["body"] or b"",
    )


def _wrap_custom(_stock: Any) -> Any:
    async def invoke_custom(*positional: Any, **named: Any) -> Any:
        return await answer(dict(zip(_CUSTOM, positional, strict=False)) | named)

    return invoke_custom


def _wrap_mock(_stock: Any) -> Any:
    def invoke_mock(integration: Any) -> Any:
        return mock(integration, _here())

    return invoke_mock


def _wrap_queue(stock: Any) -> Any:
    async def invoke_sqs(integration: Any, *positional: Any, **named: Any) -> Any:
        region, _, account_and_name = integration["uri"].split(":", 5)[3:6]
        account, _, name = account_and_name.removeprefix("path/").partition("/")
        role = Role(integration.get("credentials") or "", "BackplaneAssumeRoleSession")
        denial = role.trust_denial("apigateway.amazonaws.com", {"aws:SourceAccount": role.account})
        denial = denial or role.denial("sqs:SendMessage", f"arn:aws:sqs:{region}:{account}:{name}", region=region)
        if not denial:
            return await stock(integration, *positional, **named)
        _log.warning("%s", denial)
        told = json.dumps({"Error": {"Code": "AccessDenied", "Message": denial}})
        return _mapped(integration, _here(), Backend(403, told, "403"), Overrides())

    return invoke_sqs


def _wrap_render(_stock: Any) -> Any:
    def render(template: str, body_str: str, params_map: Any, context: Any = None) -> str:
        del params_map, context
        return written(template, body_str, _here(), Overrides())

    return render


PATCHES = (
    Patch(_GATEWAY, "_invoke_lambda_custom_v1", _CUSTOM, _wrap_custom),
    Patch(_GATEWAY, "_invoke_mock_v1", ("integration",), _wrap_mock),
    Patch(_GATEWAY, "_invoke_sqs_v1", _CUSTOM, _wrap_queue),
    Patch(_GATEWAY, "_render_request_template_v1", ("template", "body_str", "params_map", "context"), _wrap_render),
)
