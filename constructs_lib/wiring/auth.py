"""Who may call an API: one of four answers, and no default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from constructs_lib.problem import Problem, PropError


@dataclass(frozen=True, slots=True)
class Iam:
    """Callers sign with AWS credentials, and their policies must allow this route.

    Allow somebody with `function.grant_call(role)`.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
    """


@dataclass(frozen=True, slots=True)
class Jwt:
    """Callers bring a token of an OpenID Connect or OAuth 2.0 issuer.

    Args:
        issuer: The issuer's URL, `https://...`; API Gateway fetches its keys from there.
        audience: The `aud` (or `client_id`) values accepted; one at least.
        scopes: Scopes of which the token must have one. Default: none asked.

    Raises:
        PropError: The issuer is not an https URL, or there is no audience: any token of the issuer would do.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    """

    issuer: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...]

    def __init__(self, issuer: str, audience: str | Sequence[str], *, scopes: Sequence[str] = ()) -> None:
        object.__setattr__(self, "issuer", issuer)
        object.__setattr__(self, "audience", (audience,) if isinstance(audience, str) else tuple(audience))
        object.__setattr__(self, "scopes", tuple(scopes))
        problems = []
        if "${Token[" not in issuer and (urlsplit(issuer).scheme != "https" or not urlsplit(issuer).netloc):
            problems.append(
                Problem(f"issuer {issuer!r} is not an https URL", "Jwt", 'write it whole: "https://login.example.com/"')
            )
        if not self.audience or not all(self.audience):
            problems.append(
                Problem(
                    "audience is empty: any token of the issuer would be accepted", "Jwt", "name the API's own audience"
                )
            )
        if problems:
            raise PropError(*problems)


@dataclass(frozen=True, slots=True)
class Cognito:
    """Callers bring a token of a Cognito user pool.

    Args:
        pool: The user pool.
        clients: The app clients whose tokens are accepted. Default: a new client of the pool, made for this API.
        scopes: Scopes of which the token must have one. Default: none asked.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    """

    pool: cognito.IUserPool
    clients: Sequence[cognito.IUserPoolClient] = ()
    scopes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Public:
    """Anybody may call, and this is why.

    Args:
        reason: Why nobody needs to be known here; it stays with the route in the template.

    Raises:
        PropError: The reason is empty.
    """

    reason: str

    def __post_init__(self) -> None:
        """Refuse an empty reason."""
        if not self.reason.strip():
            raise PropError(
                Problem(
                    "an API is opened to the public without a reason",
                    "Public(reason)",
                    'say why: Public("health probe")',
                )
            )


Auth: TypeAlias = Iam | Jwt | Cognito | Public


def authorizer_of(auth: Auth, scope: Construct, *, number: int) -> apigatewayv2.IHttpRouteAuthorizer:
    """Make the authorizer that stands for an answer; one serves every route of an API that gives the same answer.

    Args:
        auth: The answer.
        scope: Whose tree a new app client belongs to.
        number: How many other authorizers the API has; the first of a kind has no number in its id.
    """
    suffix = "" if number == 0 else str(number + 1)
    match auth:
        case Iam():
            return authorizers.HttpIamAuthorizer()
        case Jwt():
            return authorizers.HttpJwtAuthorizer(f"Jwt{suffix}", auth.issuer, jwt_audience=list(auth.audience))
        case Cognito():
            clients = list(auth.clients) or [cognito.UserPoolClient(scope, f"Client{suffix}", user_pool=auth.pool)]
            return authorizers.HttpUserPoolAuthorizer(f"Cognito{suffix}", auth.pool, user_pool_clients=clients)
        case Public():
            return apigatewayv2.HttpNoneAuthorizer()


def scopes_of(auth: Auth) -> list[str] | None:
    """The scopes a token must have, where there is a token."""
    return list(auth.scopes) or None if isinstance(auth, Jwt | Cognito) else None
