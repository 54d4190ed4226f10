"""Who may call a route, as an OpenAPI document says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.resource import Resource

if TYPE_CHECKING:
    from constructs_lib.assembly.api_routes import Route
    from constructs_lib.assembly.model import Assembly

AUTHORIZERS = ("AWS::ApiGatewayV2::Authorizer", "AWS::ApiGateway::Authorizer")
KIND = "x-amazon-apigateway-authtype"
HEADER = {"type": "apiKey", "in": "header", "name": "Authorization"}
IAM = {
    **HEADER,
    KIND: "awsSigv4",
    "description": "Requests are signed with AWS credentials (SigV4), whose policies allow execute-api:Invoke.",
}
KEY = {"type": "apiKey", "in": "header", "name": "x-api-key"}
COGNITO = {**HEADER, KIND: "cognito_user_pools", "description": "A token of the Cognito user pool."}
CUSTOM = {**HEADER, KIND: "custom", "description": "What the authorizer function of the API asks for."}


def security_of(
    assembly: Assembly, route: Route, schemes: dict[str, dict[str, Any]]
) -> list[dict[str, list[str]]] | None:
    """Return what a route asks for, and name it among the schemes; none where nobody can tell.

    Args:
        assembly: The app.
        route: The route.
        schemes: The schemes of the document, by name.
    """
    if route.is_authorized is None:
        return None
    asked: dict[str, list[str]] = {}
    if route.is_authorized:
        name, scheme = _scheme(assembly, route)
        schemes.setdefault(name, scheme)
        scopes = route.resource.value("AuthorizationScopes")
        asked[name] = [str(each) for each in scopes] if isinstance(scopes, list) else []
    if route.resource.is_true("ApiKeyRequired"):
        schemes.setdefault("key", KEY)
        asked["key"] = []
    return [asked] if asked else []


def _scheme(assembly: Assembly, route: Route) -> tuple[str, dict[str, Any]]:
    if route.resource.text("AuthorizationType") == "AWS_IAM":
        return "iam", IAM
    authorizer = assembly.target(route.resource.value("AuthorizerId"), *AUTHORIZERS)
    if not isinstance(authorizer, Resource):
        return "custom", CUSTOM
    name = authorizer.logical_id
    kind = authorizer.text("AuthorizerType") or authorizer.text("Type")
    if kind == "COGNITO_USER_POOLS":
        return name, COGNITO
    if kind != "JWT":
        return name, CUSTOM
    issuer = authorizer.text("JwtConfiguration", "Issuer")
    if issuer is None:  # a user pool of the same app, of which only a deployment knows the address
        return name, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return name, {"type": "openIdConnect", "openIdConnectUrl": f"{issuer.rstrip('/')}/.well-known/openid-configuration"}
