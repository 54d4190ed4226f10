"""Where an API is reached: its own domain name, or the address API Gateway gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.api_routes import API, REST_API, Kind
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node

DOMAIN_KINDS = {
    "AWS::ApiGatewayV2::ApiMapping": ("ApiId", "AWS::ApiGatewayV2::DomainName", "ApiMappingKey"),
    "AWS::ApiGateway::BasePathMapping": ("RestApiId", "AWS::ApiGateway::DomainName", "BasePath"),
}


def servers_of(assembly: Assembly, api: Node, kind: Kind) -> list[dict[str, Any]]:
    """Return the servers of one API, its own name first."""
    named = list(_named(assembly, api))
    if named and isinstance(api, Resource) and api.is_true("DisableExecuteApiEndpoint"):
        return named
    return [*named, _default(assembly, api, kind)]


def _named(assembly: Assembly, api: Node) -> Iterator[dict[str, Any]]:
    for type_, (key, domain_type, path_key) in DOMAIN_KINDS.items():
        for mapping in assembly.of_type(type_):
            if assembly.target(mapping.value(key), API, REST_API) is not api:
                continue
            domain = assembly.target(mapping.value("DomainName"), domain_type)
            name = domain.text("DomainName") if isinstance(domain, Resource) else mapping.text("DomainName")
            if name is not None:
                path = mapping.text(path_key) or ""
                yield {"url": f"https://{name}/{path}".rstrip("/")}


def _default(assembly: Assembly, api: Node, kind: Kind) -> dict[str, Any]:
    told = {
        "api": {"default": api.logical_id if isinstance(api, Resource) else "api", "description": "The API's id."},
        "region": {"default": "us-east-1"},
    }
    url = "https://{api}.execute-api.{region}.amazonaws.com"
    stage = _stage(assembly, api, kind)
    return {"url": url + (f"/{stage}" if stage else ""), "variables": told}


def _stage(assembly: Assembly, api: Node, kind: Kind) -> str:
    rest = kind is Kind.REST
    for stage in assembly.of_type("AWS::ApiGateway::Stage" if rest else "AWS::ApiGatewayV2::Stage"):
        if assembly.target(stage.value("RestApiId" if rest else "ApiId"), REST_API if rest else API) is api:
            name = stage.value("StageName")
            literal = name.literal if isinstance(name, Text) else None
            return "" if literal in {None, "$default"} else str(literal)
    return ""
