"""The routes of deployed HTTP APIs, each with a command that calls it as typed."""

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
EXAMPLE = "constructs-lib:example"  # the metadata a route's sample path and body are kept in
DEFAULT = "$default"  # the name of the stage without a path, and of the route that takes everything else
WITH_BODY = {"POST", "PUT", "PATCH"}
PARAMETER = re.compile(r"\{([^}+]+)\+?\}")
JSON_HEADER = "-H 'content-type: application/json'"


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a deployed API.

    Args:
        method: The HTTP method; `ANY` for all.
        path: The path as the route declares it, with its parameters.
        url: The address of a sample call.
        body: The body of a sample call; empty for none.
        authorization: `NONE`, `AWS_IAM`, `JWT` or `CUSTOM`.
        api_id: The API it belongs to.
        construct: The construct path of the route.
    """

    method: str
    path: str
    url: str
    body: str
    authorization: str
    api_id: str
    construct: str

    def command(self, program: str) -> str:
        """Return the line to type to call this route.

        Args:
            program: What to type to call this program, for routes that want a signature.
        """
        method = "GET" if self.method == "ANY" else self.method
        body = f" -d {shlex.quote(self.body)}" if self.body else ""
        url = shlex.quote(self.url)
        if self.authorization == "AWS_IAM":
            return f"{program} call {method} {url}{body}"
        verb = {"GET": "", "HEAD": " -I"}.get(method, f" -X {method}")
        header = f" {JSON_HEADER}" if body else ""
        token = ' -H "authorization: Bearer $TOKEN"' if self.authorization != "NONE" else ""
        return f"curl{verb} {url}{header}{token}{body}"


def routes_of(stacks: Sequence[DeployedStack], clients: AwsClients, base_url: str) -> list[Route]:
    """Return the routes of every HTTP API in these stacks, in the order of their templates."""
    found = [route for stack in stacks for route in _routes_in(stack, clients, base_url)]
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
