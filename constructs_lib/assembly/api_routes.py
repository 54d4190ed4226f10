"""The routes of every API in an assembly, whether a template lists them as resources or in an OpenAPI body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text, Unknown, Value, likely

if TYPE_CHECKING:
    from constructs_lib.assembly.model import Assembly, Node

REST_API, REST_METHOD, REST_RESOURCE = (
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
)
API, ROUTE, INTEGRATION = "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration"
API_TYPES = frozenset({REST_API, REST_METHOD, API, ROUTE})  # what a route may stand in
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
ANY, ANY_METHOD = "ANY", "x-amazon-apigateway-any-method"
OPENAPI = "x-amazon-apigateway-"
DEFAULT = "$default"  # the route for whatever no other route takes
MOST_LEVELS = 64  # of resources below one another
MILLISECONDS = 1000


class Kind(Enum):
    """What kind of API it is, in AWS's words."""

    REST = "REST"
    HTTP = "HTTP"
    WEBSOCKET = "WebSocket"


# How long an API waits for an integration that does not say so itself.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
SECONDS = {Kind.REST: 29.0, Kind.HTTP: 30.0, Kind.WEBSOCKET: 29.0}


@dataclass(frozen=True, slots=True)
class Route:
    """One route of an API.

    Args:
        kind: What kind of API it is.
        api: The API.
        method: `GET`, `ANY` and so on; empty for a route of a WebSocket API, and for `$default`.
        path: The path, such as `/users/{id}`; or `$default`, `$connect`.
        resource: What a user would change: the method, the route, or the API whose body holds it.
        at: Where among the properties of that resource.
        function: The function it calls, as it names it; none when it calls none, or nobody can tell.
        seconds: How long it waits for an answer.
        is_authorized: Whether somebody must prove who they are; none when nobody can tell.
        is_validated: Whether requests are checked before the function is called.
        is_asynchronous: Whether the function is called without waiting for its answer.
        is_streamed: Whether the answer is passed on while it is made, for as long as the function may take.
        is_mock: Whether API Gateway answers itself, and calls nothing.
    """

    kind: Kind
    api: Node
    method: str
    path: str
    resource: Resource
    at: tuple[str, ...]
    function: Text | None
    seconds: float
    is_authorized: bool | None
    is_validated: bool = False
    is_asynchronous: bool = False
    is_streamed: bool = False
    is_mock: bool = False

    def __str__(self) -> str:
        """Write it as a route key."""
        return f"{self.method} {self.path}".strip()

    @property
    def is_greedy(self) -> bool:
        """Whether it takes every request to the API that no other route takes."""
        path = self.path.strip("/")
        whole = path.startswith("{") and path.endswith("+}") and "/" not in path
        return self.kind is not Kind.WEBSOCKET and (path == DEFAULT or (whole and self.method == ANY))


@remembered
def routes_of(assembly: Assembly) -> tuple[Route, ...]:
    """Return the routes of all APIs."""
    return tuple(_routes(assembly))


def _routes(assembly: Assembly) -> Iterator[Route]:
    for method in assembly.of_type(REST_METHOD):
        yield _rest_method(assembly, method)
    for api in assembly.of_type(REST_API):
        yield from _body(api, Kind.REST)
    for route in assembly.of_type(ROUTE):
        yield _route(assembly, route)
    for api in assembly.of_type(API):
        if not api.lacks("RouteKey") or not api.lacks("Target"):
            yield _quick(api)
        yield from _body(api, Kind.HTTP)


def kind_of(api: Node) -> Kind:
    """Return what kind of API it is."""
    if isinstance(api, Resource) and api.type == API:
        return Kind.WEBSOCKET if api.text("ProtocolType") == "WEBSOCKET" else Kind.HTTP
    return Kind.REST if api.type == REST_API else Kind.HTTP


def function_in(uri: Value) -> Text | None:
    """Return the function that the URI of an integration calls: in an ARN of API Gateway's own, or bare."""
    told = likely(uri)
    if not isinstance(told, Text):
        return None
    behind = told.split("/functions/", 1)
    if len(behind) > 1:
        return behind[1].split("/", 1)[0]
    # The CDK names the function alone for an HTTP API; what is of another service is no function.
    return told if ":lambda:" in str(told) or (len(told.parts) == 1 and told.literal is None) else None


def _rest_method(assembly: Assembly, method: Resource) -> Route:
    uri = method.value("Integration", "Uri")
    api = assembly.target(method.value("RestApiId"), REST_API)
    kind = method.text("AuthorizationType")
    return Route(
        kind=Kind.REST,
        api=method if api is None else api,
        method=(method.text("HttpMethod") or "").upper(),
        path=_rest_path(assembly, method),
        resource=method,
        at=("Integration", "Uri"),
        function=function_in(uri) if method.text("Integration", "Type") in {"AWS", "AWS_PROXY"} else None,
        seconds=_seconds(method.number("Integration", "TimeoutInMillis"), Kind.REST),
        is_authorized=_is_authorized(kind, is_there=not method.lacks("AuthorizationType")),
        is_validated=not method.lacks("RequestValidatorId"),
        is_asynchronous=_says_event(method.value("Integration", "RequestParameters")),
        is_streamed=_is_streamed(uri, method.value("Integration", "ResponseTransferMode")),
        is_mock=method.text("Integration", "Type") == "MOCK",
    )


def _rest_path(assembly: Assembly, method: Resource) -> str:
    pieces: list[str] = []
    at = method.value("ResourceId")
    while len(pieces) < MOST_LEVELS:
        parent = assembly.target(at, REST_RESOURCE)
        if not isinstance(parent, Resource):
            break
        pieces.insert(0, str(parent.value("PathPart") or ""))
        at = parent.value("ParentId")
    return "/" + "/".join(pieces)


def _route(assembly: Assembly, route: Resource) -> Route:
    found = assembly.target(route.value("ApiId"), API)
    api = route if found is None else found
    kind = kind_of(api)
    key = str(route.value("RouteKey") or "")
    method, _, path = key.rpartition(" ")
    target = route.value("Target")
    behind = target.split("integrations/", 1)[-1] if isinstance(target, Text) else None
    integration = assembly.target(behind, INTEGRATION)
    uri = integration.value("IntegrationUri") if isinstance(integration, Resource) else None
    seconds = integration.number("TimeoutInMillis") if isinstance(integration, Resource) else None
    is_authorized = _is_authorized(route.text("AuthorizationType"), is_there=not route.lacks("AuthorizationType"))
    return Route(
        kind, api, method.upper(), path, route, ("Target",), function_in(uri), _seconds(seconds, kind), is_authorized,
        is_asynchronous=isinstance(integration, Resource) and _says_event(integration.value("RequestParameters")),
    )  # fmt: skip


def _quick(api: Resource) -> Route:
    """The route of an HTTP API that is written as one resource."""
    method, _, path = (api.text("RouteKey") or DEFAULT).rpartition(" ")
    called = function_in(api.value("Target"))
    return Route(
        Kind.HTTP, api, method.upper(), path, api, ("Target",), called, SECONDS[Kind.HTTP], is_authorized=False
    )


def _body(api: Resource, kind: Kind) -> Iterator[Route]:
    body = api.value("Body")
    paths = likely(body.get("paths")) if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(paths, dict):
        return
    for path, told in paths.items():
        methods = likely(told)
        for name, each in methods.items() if isinstance(methods, dict) else ():
            operation = likely(each)
            if isinstance(operation, dict) and (name.lower() in METHODS or name == ANY_METHOD):
                yield _operation(api, kind, (path, name), body, operation)


def _operation(
    api: Resource, kind: Kind, place: tuple[str, str], body: Mapping[str, Value], operation: Mapping[str, Value]
) -> Route:
    path, name = place
    told = likely(operation.get(f"{OPENAPI}integration"))
    integration = told if isinstance(told, dict) else {}
    seconds = integration.get("timeoutInMillis")
    validator = f"{OPENAPI}request-validator"
    return Route(
        kind=kind,
        api=api,
        method=ANY if name == ANY_METHOD else name.upper(),
        path=path,
        resource=api,
        at=("Body", "paths", path, name),
        function=function_in(integration.get("uri")),
        seconds=_seconds(seconds if isinstance(seconds, int | float) else None, kind),
        is_authorized=_is_secured(body, operation),
        is_validated=validator in operation or validator in body,
        is_asynchronous=_says_event(integration.get("requestParameters")),
        is_streamed=_is_streamed(integration.get("uri"), integration.get("responseTransferMode")),
        is_mock=str(integration.get("type")).lower() == "mock",
    )


def _is_secured(body: Mapping[str, Value], operation: Mapping[str, Value]) -> bool | None:
    for told in (operation.get(f"{OPENAPI}auth"), body.get(f"{OPENAPI}auth")):
        own = likely(told)
        if isinstance(own, dict):
            return str(own.get("type", "")).upper() != "NONE"
    asked = likely(operation["security"] if "security" in operation else body.get("security"))
    if isinstance(asked, Unknown):
        return None
    if not isinstance(asked, list):
        return False
    names = {name for each in asked if isinstance(each, dict) for name in each}
    return bool(names - {"NONE", "api_key"})  # what SAM calls no authorizer, and a key that proves nothing


def _is_authorized(kind: str | None, *, is_there: bool) -> bool | None:
    if kind is None and is_there:
        return None
    return kind is not None and kind.upper() != "NONE"


def _seconds(milliseconds: float | None, kind: Kind) -> float:
    return SECONDS[kind] if milliseconds is None else milliseconds / MILLISECONDS


def _says_event(parameters: Value) -> bool:
    """Whether the integration tells Lambda not to answer."""
    told = likely(parameters)
    if not isinstance(told, dict):
        return False
    return any(
        key.lower() in {"integration.request.header.x-amz-invocation-type", "invocationtype"}
        and str(likely(each)).strip("'\"") == "Event"
        for key, each in told.items()
    )


def _is_streamed(uri: Value, mode: Value) -> bool:
    told = likely(uri)
    return "response-streaming-invocations" in str(told) or str(likely(mode)) == "STREAM"
