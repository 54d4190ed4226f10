"""What API Gateway answers by itself, by the kind of an API and what a route asks for.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.api_routes import Kind

if TYPE_CHECKING:
    from constructs_lib.assembly.api_routes import Route

REFUSAL = "GatewayMessage"
COMPONENT_SCHEMAS: dict[str, Any] = {
    REFUSAL: {
        "type": "object",
        "description": "What API Gateway says when it answers by itself.",
        "properties": {"message": {"type": ["string", "null"]}},
    }
}
WORDS = {
    "Invalid": "The body, or a parameter, is not what the route takes; no function was called.",
    "Unknown": "There is no token, or none that is accepted.",
    "Forbidden": "The caller may not call this route, or the firewall blocked the request.",
    "TooLarge": "The request is larger than API Gateway takes, 10 MB.",
    "TooMany": "There were more requests than the limits of the route, the API or the account.",
    "Failed": "The function failed, or did not answer as API Gateway understands.",
    "TooLate": "The function did not answer in time.",
}
RESPONSES: dict[str, Any] = {
    name: {
        "description": words,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{REFUSAL}"}}},
    }
    for name, words in WORDS.items()
}


def responses_of(route: Route, *, has_body: bool, is_checked: bool) -> dict[str, dict[str, Any]]:
    """Return the responses of one route by status; what its function answers is the default."""
    rest = route.kind is Kind.REST
    statuses = {
        "400": "Invalid" if is_checked or (rest and route.is_validated) else "",
        "401": "Unknown" if route.is_authorized and route.resource.text("AuthorizationType") != "AWS_IAM" else "",
        "403": "Forbidden" if route.is_authorized or rest else "",
        "413": "TooLarge" if has_body else "",
        "429": "TooMany",
        "500": "Failed",
        "502": "Failed" if rest else "",
        "503": "" if rest else "TooLate",
        "504": "TooLate" if rest else "",
    }
    told = {status: {"$ref": f"#/components/responses/{name}"} for status, name in statuses.items() if name}
    return {"default": {"description": "What the function answers."}, **told}
