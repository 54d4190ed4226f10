"""Where the calls of an API go: to the function, workflow or queue behind each route.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import APIS, function_of_integration
from constructs_lib.assembly.flow.message import Message, Passage, lesser
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.text_set import Extent, TextSet, relation
from constructs_lib.assembly.value import Text, Value

if TYPE_CHECKING:
    from constructs_lib.assembly.model import Assembly, Node

HTTP_ROUTE, HTTP_INTEGRATION = "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration"
REST_METHOD, REST_RESOURCE = "AWS::ApiGateway::Method", "AWS::ApiGateway::Resource"
FUNCTION, MACHINE, QUEUE = "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine", "AWS::SQS::Queue"
INTEGRATION = "x-amazon-apigateway-integration"  # in an OpenAPI document
VARIABLE = re.compile(r"\{[^}]*\}")
MOST_PARENTS = 30
EVERY_METHOD = {"ANY", "X-AMAZON-APIGATEWAY-ANY-METHOD", "$DEFAULT"}


def api_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways that begin at APIs."""
    for route in assembly.of_type(HTTP_ROUTE):
        api = assembly.target(route.value("ApiId"), *APIS)
        told = route.value("Target")
        name = told.split("/", 1)[-1] if isinstance(told, Text) else None
        integration = assembly.target(name, HTTP_INTEGRATION)
        if api is not None and isinstance(integration, Resource):
            method, _, path = str(route.value("RouteKey")).partition(" ")
            for target in _behind(assembly, integration):
                yield Route(api, target, route, f"sends {route.value('RouteKey')} to", _filter(method, path))
    for rest_method in assembly.of_type(REST_METHOD):
        api = assembly.target(rest_method.value("RestApiId"), *APIS)
        integrated = _integrated(assembly, rest_method.value("Integration", "Uri"))
        if api is not None and integrated is not None:
            path, verb = _rest_path(assembly, rest_method), str(rest_method.value("HttpMethod"))
            yield Route(api, integrated, rest_method, f"sends {verb} /{path} to", _filter(verb, path))
    for described in assembly.of_type(*APIS):
        yield from _described(assembly, described)


def _behind(assembly: Assembly, integration: Resource) -> Iterator[Node]:
    target = _integrated(assembly, integration.value("IntegrationUri"))
    if target is not None:
        yield target
    for key, kind in (("QueueUrl", QUEUE), ("StateMachineArn", MACHINE)):
        told = integration.value("RequestParameters", key)
        node = assembly.target(told, kind) if told is not None else None
        if node is not None:
            yield node


def _integrated(assembly: Assembly, uri: Value) -> Node | None:
    if not isinstance(uri, Text):
        return None
    return function_of_integration(assembly, uri) or (
        assembly.target(uri, FUNCTION) if ":function:" in str(uri) else None
    )


def _described(assembly: Assembly, api: Resource) -> Iterator[Route]:
    """The routes of an API that is described by an OpenAPI document, as SAM does."""
    paths = api.value("Body", "paths")
    for path, methods in paths.items() if isinstance(paths, dict) else ():
        for verb, told in methods.items() if isinstance(methods, dict) else ():
            integration = told.get(INTEGRATION) if isinstance(told, dict) else None
            target = _integrated(assembly, integration.get("uri")) if isinstance(integration, dict) else None
            if target is not None:
                yield Route(api, target, api, f"sends {verb.upper()} {path} to", _filter(verb.upper(), path))


def _rest_path(assembly: Assembly, method: Resource) -> str:
    """The path of a method, from the resources it is below."""
    pieces: list[str] = []
    resource = assembly.target(method.value("ResourceId"), REST_RESOURCE)
    while isinstance(resource, Resource) and len(pieces) < MOST_PARENTS:
        pieces.append(str(resource.value("PathPart")))
        resource = assembly.target(resource.value("ParentId"), REST_RESOURCE)
    return "/".join(reversed(pieces))


def _filter(method: str, path: str) -> Filter:
    every = method.upper() in EVERY_METHOD
    methods = TextSet.any() if every else TextSet.exactly(method.upper())
    is_default = method.upper() == "$DEFAULT"
    paths = TextSet.any() if is_default else TextSet.glob(VARIABLE.sub("*", path.lstrip("/").replace("*", "?")))

    def passes(message: Message) -> Passage:
        request = message.request
        if request is None:
            return Passage(Extent.SOME, "it is not known which route is called")
        by_method, by_path = relation(request.methods, methods), relation(request.paths, paths)
        extent = lesser(by_method.extent, by_path.extent)
        worse = by_method if by_method.extent is Extent.NONE else by_path
        return Passage(extent, worse.why, Message(), worse)

    return passes
