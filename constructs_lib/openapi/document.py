"""The OpenAPI document of the APIs in an assembly: what the templates tell of each route, and nothing made up.

What a function answers when all goes well, no template knows: it is the `default` response. What API Gateway answers by
itself is known, and told by status. https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.api_routes import ANY, Kind, Route, routes_of
from constructs_lib.assembly.resource import Resource
from constructs_lib.openapi.responses import COMPONENT_SCHEMAS, RESPONSES, responses_of
from constructs_lib.openapi.schemas import SCHEMAS, as_component
from constructs_lib.openapi.security import security_of
from constructs_lib.openapi.servers import servers_of
from constructs_lib.problem import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constructs_lib.assembly.model import Assembly

EVERY_METHOD = ("get", "put", "post", "delete", "patch", "head", "options")  # what ANY stands for
WITH_BODY = frozenset({"put", "post", "patch"})
EXAMPLE = "constructs-lib:example"  # metadata of a route: a request that works
MODEL, FUNCTION = "AWS::ApiGateway::Model", "AWS::Lambda::Function"
VARIABLE = re.compile(r"\{([^}+]+)(\+?)\}")
PLACES = {"querystring": "query", "header": "header"}


class DocumentError(ProblemError):
    """An app of which there is no single document."""


def document_of(assembly: Assembly, *, api: str = "", title: str = "", version: str = "1") -> dict[str, Any]:
    """Return the document of all APIs, or of those below a construct.

    Args:
        assembly: The app.
        api: A construct path: of an API, or of a stack or stage that has some. Default: all of the app.
        title: What the document is about. Default: the APIs' paths.
        version: Of the document.

    Raises:
        DocumentError: There is no such API, or two of them have the same route.
    """
    routes = [each for each in routes_of(assembly) if _is_told(each) and _is_below(str(each.api), api)]
    if not routes:
        told = {_construct(str(each.api)) for each in routes_of(assembly) if _is_told(each)}
        known = ", ".join(sorted(told)) or "none, the app has no routes that a document could tell"
        raise DocumentError(
            Problem(f"no HTTP or REST API is at {api or 'the app'}", api or "the assembly", f"name one of: {known}")
        )
    _refuse_twins(routes)
    return _Document(assembly, routes).written(title, version)


class _Document:
    def __init__(self, assembly: Assembly, routes: Sequence[Route]) -> None:
        self.assembly = assembly
        # A path in one piece comes before one that takes the rest: a document has no other word for that.
        self.routes = sorted(routes, key=lambda each: ("+}" in each.path, each.path, each.method == ANY, each.method))
        self.paths: dict[str, dict[str, Any]] = {}
        self.schemas: dict[str, Any] = dict(COMPONENT_SCHEMAS)
        self.schemes: dict[str, dict[str, Any]] = {}
        self.statuses: set[str] = set()
        self._ids: set[str] = set()
        self._shapes: dict[str, str] = {}

    def written(self, title: str, version: str) -> dict[str, Any]:
        apis = {_construct(str(each.api)): each for each in self.routes}
        for route in self.routes:
            self._add(route, is_alone=len(apis) == 1)
        [first, *_] = apis.values()
        return {
            "openapi": "3.1.0",
            "info": {"title": title or ", ".join(sorted(apis)), "version": version},
            **({"servers": servers_of(self.assembly, first.api, first.kind)} if len(apis) == 1 else {}),
            "tags": [{"name": name} for name in sorted(apis)],
            "paths": dict(sorted(self.paths.items())),
            "components": {
                "schemas": dict(sorted(self.schemas.items())),
                "responses": {name: RESPONSES[name] for name in sorted(self.statuses)},
                "securitySchemes": dict(sorted(self.schemes.items())),
            },
        }

    def _add(self, route: Route, *, is_alone: bool) -> None:
        # Paths that differ in the names of their variables alone are one path here: the first names count.
        plain = VARIABLE.sub(r"{\1}", route.path)
        path = self._shapes.setdefault(VARIABLE.sub("{}", route.path), plain)
        servers = {} if is_alone else {"servers": self._servers(route)}
        item = self.paths.setdefault(path, dict(servers))
        elsewhere = {} if item.get("servers") == servers.get("servers") else servers  # another API's path, too
        for method in EVERY_METHOD if route.method == ANY else (route.method.lower(),):
            if method not in item:  # what has a method of its own comes before what has ANY
                item[method] = {**self._operation(route, method, path), **elsewhere}

    def _servers(self, route: Route) -> list[dict[str, Any]]:
        return servers_of(self.assembly, route.api, route.kind)

    def _operation(self, route: Route, method: str, path: str) -> dict[str, Any]:
        function = self.assembly.target(route.function, FUNCTION) if route.function is not None else None
        summary = function.text("Description") if isinstance(function, Resource) else None
        parameters = [*self._path_parameters(route, path), *_other_parameters(route)]
        security = security_of(self.assembly, route, self.schemes)
        body = self._body(route, method)
        responses = responses_of(route, has_body=body is not None, is_checked=bool(body and body.get("required")))
        self.statuses |= {each["$ref"].rpartition("/")[2] for each in responses.values() if "$ref" in each}
        return {
            "operationId": self._id(route, method, function),
            **({"summary": summary} if summary else {}),
            "tags": [_construct(str(route.api))],
            **({"parameters": parameters} if parameters else {}),
            **({"requestBody": body} if body is not None else {}),
            "responses": responses,
            **({"security": security} if security is not None else {}),
        }

    def _id(self, route: Route, method: str, function: object) -> str:
        """A name no other operation has: the construct's, as a function in a program would be called."""
        words: list[str] = re.findall(r"[A-Za-z0-9]+", str(function).rpartition("/Function")[0].rpartition("/")[2])
        if not words:
            words = [method, *re.findall(r"[A-Za-z0-9]+", route.path)]
        elif route.method == ANY:
            words = [method, *words]
        name = words[0][0].lower() + words[0][1:] + "".join(each[0].upper() + each[1:] for each in words[1:])
        if name in self._ids:
            name = f"{name}{len(self._ids)}"
        self._ids.add(name)
        return name

    def _path_parameters(self, route: Route, path: str) -> Iterator[dict[str, Any]]:
        told = _example_of(route).get("path", "")
        pattern = VARIABLE.sub(lambda match: "(.+)" if match[2] else "([^/?]+)", route.path)
        found = re.match(pattern, told) if isinstance(told, str) else None
        names = [match[1] for match in VARIABLE.finditer(path)]
        for number, (name, match) in enumerate(zip(names, VARIABLE.finditer(route.path), strict=True), 1):
            yield {
                "name": name,
                "in": "path",
                "required": True,
                **({"description": "The rest of the path, slashes and all."} if match[2] else {}),
                "schema": {"type": "string"},
                **({"example": found[number]} if found is not None else {}),
            }

    def _body(self, route: Route, method: str) -> dict[str, Any] | None:
        example = _example_of(route).get("body")
        models = route.resource.value("RequestModels") if route.kind is Kind.REST else None
        content: dict[str, Any] = {}
        for kind, reference in models.items() if isinstance(models, dict) else ():
            model = self.assembly.target(reference, MODEL)
            if isinstance(model, Resource):
                content["application/json" if kind == "$default" else kind] = {
                    "schema": {"$ref": f"{SCHEMAS}{self._component(model)}"}
                }
        is_checked = bool(content) and route.is_validated
        if not content and (example is not None or method in WITH_BODY):
            content["application/json"] = {}
        if example is not None and "application/json" in content:
            content["application/json"]["example"] = example
        return {**({"required": True} if is_checked else {}), "content": content} if content else None

    def _component(self, model: Resource) -> str:
        schema = model.raw.get("Schema")
        title = schema.get("title") if isinstance(schema, dict) else None
        name = re.sub(r"[^A-Za-z0-9._-]", "", str(title or model.text("Name") or model.logical_id)) or model.logical_id
        component = as_component(schema, name)
        if self.schemas.get(name, component) != component:
            name = f"{name}.{model.logical_id}"
            component = as_component(schema, name)
        self.schemas[name] = component
        return name


def _is_told(route: Route) -> bool:
    """Whether a document can have a route: it is no answer to a browser's question, and has a path."""
    is_for_browsers = route.is_mock and route.method == "OPTIONS"
    return (
        route.kind is not Kind.WEBSOCKET and not is_for_browsers and route.path.startswith("/") and bool(route.method)
    )


def _construct(path: str) -> str:
    """The construct a user wrote, rather than the resource in it."""
    return re.sub(r"(/(HttpApi|RestApi|Resource))+$", "", path)


def _is_below(path: str, wanted: str) -> bool:
    wanted = wanted.strip("/")
    return not wanted or path == wanted or path.startswith(f"{wanted}/")


def _refuse_twins(routes: Sequence[Route]) -> None:
    """Refuse one method of one path in two APIs; in one API, API Gateway knows which comes first."""
    served: dict[tuple[str, str], Route] = {}
    for route in sorted(routes, key=lambda each: each.method != ANY):
        for method in EVERY_METHOD if route.method == ANY else (route.method.lower(),):
            other = served.setdefault((method, VARIABLE.sub("{}", route.path)), route)
            if other.api is not route.api:
                paths = sorted(_construct(str(each.api)) for each in (route, other))
                raise DocumentError(
                    Problem(
                        f"{route} is a route of {paths[0]} and of {paths[1]}, and a document has it once",
                        str(route.resource),
                        f"name one of them, or the stage or stack it is in: --api {paths[0]}",
                    )
                )


def _other_parameters(route: Route) -> Iterator[dict[str, Any]]:
    """What a method of a REST API says of query and headers."""
    told = route.resource.value("RequestParameters") if route.kind is Kind.REST else None
    for name, required in sorted(told.items()) if isinstance(told, dict) else ():
        _, _, place, key = [*name.split(".", 3), "", "", ""][:4]
        if place in PLACES and name.startswith("method.request."):
            is_required = str(required).lower() == "true"
            yield {"name": key, "in": PLACES[place], "required": is_required, "schema": {"type": "string"}}


def _example_of(route: Route) -> dict[str, Any]:
    told = route.resource.metadata.get(EXAMPLE)
    return told if isinstance(told, dict) else {}
