"""The routes of deployed HTTP and REST APIs, each with a command that calls it as typed."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client

    from constructs_lib.local.aws_clients import AwsClients
    from constructs_lib.local.deploy import DeployedStack

API, ROUTE, STAGE = (f"AWS::ApiGatewayV2::{name}" for name in ("Api", "Route", "Stage"))
METHOD = "AWS::ApiGateway::Method"
EXAMPLE = "constructs-lib:example"  # the metadata a route's sample path and body are kept in
DEFAULT = "$default"  # the name of the stage without a path, and of the route that takes everything else
WITH_BODY = {"POST", "PUT", "PATCH"}
PARAMETER = re.compile(r"\{([^}+]+)\+?\}")
JSON_HEADER = "-H 'content-type: application/json'"
MOST_SHOWN = 40  # commands said at once; more would hide everything else that is said


def shown(commands: Sequence[str]) -> list[str]:
    """Return what to say of these commands: a screen of them, and where the others are."""
    more = len(commands) - MOST_SHOWN
    rest = [f"... and {more} more: the page shows every route, `constructs-lib openapi` writes them down"]
    return [*commands[:MOST_SHOWN], *(rest if more > 0 else [])]


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a deployed API.

    Args:
        method: The HTTP method; `ANY` for all.
        path: The path as the route declares it, with its parameters.
        url: The address of a sample call.
        body: The body of a sample call; empty for none.
        authorization: `NONE`, `AWS_IAM`, `JWT`, `COGNITO_USER_POOLS` or `CUSTOM`.
        api_id: The API it belongs to.
        construct: The construct path of the route.
        api_key: The key to show; empty for none.
    """

    method: str
    path: str
    url: str
    body: str
    authorization: str
    api_id: str
    construct: str
    api_key: str = ""

    def command(self, program: str) -> str:
        """Return the line to type to call this route.

        Args:
            program: What to type to call this program, for routes that want a signature.
        """
        method = "GET" if self.method == "ANY" else self.method
        body = f" -d {shlex.quote(self.body)}" if self.body else ""
        url = shlex.quote(self.url)
        key = f" -H {shlex.quote(f'x-api-key: {self.api_key}')}" if self.api_key else ""
        if self.authorization == "AWS_IAM":
            return f"{program} call {method} {url}{key}{body}"
        verb = {"GET": "", "HEAD": " -I"}.get(method, f" -X {method}")
        header = f" {JSON_HEADER}" if body else ""
        token = ' -H "authorization: Bearer $TOKEN"' if self.authorization != "NONE" else ""
        return f"curl{verb} {url}{header}{token}{key}{body}"


def routes_of(stacks: Sequence[DeployedStack], clients: AwsClients, base_url: str) -> list[Route]:
    """Return the routes of every HTTP and REST API in these stacks, in the order of their templates."""
    found = [
        route
        for stack in stacks
        for routes in (_routes_in(stack, clients, base_url), _methods_in(stack, clients, base_url))
        for route in routes
    ]
    keys = Counter((route.method, route.path) for route in found)
    return [_behind_its_api(route, base_url) if keys[route.method, route.path] > 1 else route for route in found]


def _routes_in(stack: DeployedStack, clients: AwsClients, base_url: str) -> Iterator[Route]:
    declared = [(key, value) for key, value in stack.artifact.resources.items() if value.get("Type") == ROUTE]
    if not declared:
        return
    gateway: ApiGatewayV2Client = clients.client("apigatewayv2", stack.region)
    live = {
        route["RouteId"]: (api, route)
        for api in gateway.get_apis()["Items"]
        if api["ProtocolType"] == "HTTP"
        for route in gateway.get_routes(ApiId=api["ApiId"])["Items"]
    }
    for logical_id, resource in declared:
        physical = stack.resources.get(logical_id)
        route_id = "" if physical is None else physical.physical_id.rpartition("/")[2]  # the base writes <api>/<route>
        if route_id not in live:
            continue
        api, route = live[route_id]
        stages = [stage["StageName"] for stage in gateway.get_stages(ApiId=api["ApiId"])["Items"]]
        method, _, path = route["RouteKey"].partition(" ")
        if route["RouteKey"] == DEFAULT:
            method, path = "ANY", "/"
        example = _example(resource.get("Metadata"))
        yield Route(
            method=method,
            path=path,
            url=base_url + _stage_prefix(stages) + example.get("path", PARAMETER.sub(r"\1", path)),
            body=_body(method, example),
            authorization=route.get("AuthorizationType", "NONE"),
            api_id=api["ApiId"],
            construct=stack.artifact.construct_path(logical_id),
        )


def _methods_in(stack: DeployedStack, clients: AwsClients, base_url: str) -> Iterator[Route]:
    """The methods of REST APIs, without those that only answer a preflight."""
    declared = [(key, value) for key, value in stack.artifact.resources.items() if value.get("Type") == METHOD]
    if not declared:
        return
    gateway = clients.client("apigateway", stack.region)
    methods, stages = _live_methods(gateway), _first_stages(gateway)
    for logical_id, resource in declared:
        physical = stack.resources.get(logical_id)
        if physical is None or physical.physical_id not in methods:
            continue
        api_id, path, method = methods[physical.physical_id]
        name = method["httpMethod"]
        if api_id not in stages or (name == "OPTIONS" and method.get("methodIntegration", {}).get("type") == "MOCK"):
            continue
        example, prefix = _example(resource.get("Metadata")), f"/{stages[api_id]}"
        yield Route(
            method=name,
            path=prefix + path,
            url=base_url + prefix + example.get("path", PARAMETER.sub(r"\1", path)),
            body=_body(name, example),
            authorization=method.get("authorizationType", "NONE"),
            api_id=api_id,
            construct=stack.artifact.construct_path(logical_id),
            api_key=_key_for(gateway, api_id) if method.get("apiKeyRequired") else "",
        )


def _live_methods(gateway: Any) -> dict[str, tuple[str, str, Mapping[str, Any]]]:
    """The API, the path and the settings of every method, by the id the base gives it in a stack."""
    found = {}
    for api in gateway.get_rest_apis(limit=500)["items"]:
        pages = gateway.get_paginator("get_resources").paginate(restApiId=api["id"], embed=["methods"])
        for resource in (each for page in pages for each in page["items"]):
            for name, method in resource.get("resourceMethods", {}).items():
                key = f"{api['id']}-{resource['id']}-{name}"
                found[key] = (api["id"], resource["path"], method)
    return found


def _first_stages(gateway: Any) -> dict[str, str]:
    """The name of the first stage of each API that has one."""
    found = {}
    for api in gateway.get_rest_apis(limit=500)["items"]:
        names = sorted(stage["stageName"] for stage in gateway.get_stages(restApiId=api["id"])["item"])
        if names:
            found[api["id"]] = names[0]
    return found


def _key_for(gateway: Any, api_id: str) -> str:
    """The value of a key that a usage plan of the API lets in; empty when there is none."""
    for plan in gateway.get_usage_plans(limit=500)["items"]:
        if any(stage.get("apiId") == api_id for stage in plan.get("apiStages", [])):
            for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"], limit=500)["items"]:
                value: str = gateway.get_api_key(apiKey=key["id"], includeValue=True).get("value", "")
                return value
    return ""


def _stage_prefix(stages: Iterable[str]) -> str:
    names = sorted(stages)
    return "" if DEFAULT in names or not names else f"/{names[0]}"


def _example(metadata: object) -> Mapping[str, Any]:
    """The sample the construct left for this route; whatever is not as agreed is left out."""
    example = metadata.get(EXAMPLE) if isinstance(metadata, dict) else None
    if not isinstance(example, dict):
        return {}
    path = example.get("path")
    usable = isinstance(path, str) and path.startswith("/")
    return example if usable or path is None else {key: value for key, value in example.items() if key != "path"}


def _body(method: str, example: Mapping[str, Any]) -> str:
    if "body" in example:
        body = example["body"]
        return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return "{}" if method in WITH_BODY else ""


def _behind_its_api(route: Route, base_url: str) -> Route:
    """The same route at the address that names its API, since another API has one like it."""
    return replace(route, url=f"{base_url}/_api/{route.api_id}{route.url.removeprefix(base_url)}")
