"""Who may call an API: one of four answers, and no default."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.kinds import satisfies


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

    def __init__(self, issuer: str, audience: str | Sequence[str], *, scopes: str | Sequence[str] = ()) -> None:
        object.__setattr__(self, "issuer", issuer)
        problems = [
            Problem(f"{name} is {value!r}, wanted a string or a list of them", "Jwt", f'write {name}=["..."]')
            for name, value in (("audience", audience), ("scopes", scopes))
            if not _are_texts(value)
        ]
        if problems:
            raise PropError(*problems)
        object.__setattr__(self, "audience", (audience,) if isinstance(audience, str) else tuple(audience))
        object.__setattr__(self, "scopes", (scopes,) if isinstance(scopes, str) else tuple(scopes))
        if not _is_https(issuer):
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


def _are_texts(value: object) -> bool:
    """Whether something is a string, or a list of strings."""
    return isinstance(value, str) or (isinstance(value, Sequence) and all(isinstance(each, str) for each in value))


def _is_https(issuer: object) -> bool:
    if not isinstance(issuer, str):
        return False
    if cdk.Token.is_unresolved(issuer):
        return True
    try:
        parts = urlsplit(issuer)
    except ValueError:  # a host like [::1 that never ends
        return False
    return parts.scheme == "https" and bool(parts.netloc)


@dataclass(frozen=True, slots=True)
class Cognito:
    """Callers bring a token of a Cognito user pool.

    Args:
        pool: The user pool.
        clients: The app clients whose tokens are accepted. Default: a new client of the pool, made for this API, whose
            users sign in directly and not through Cognito's hosted pages.
        scopes: Scopes of which the token must have one. Default: none asked.

    Raises:
        PropError: Scopes are asked for, but the client made by default issues none.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    """

    pool: cognito.IUserPool
    clients: Sequence[cognito.IUserPoolClient] = ()
    scopes: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse what is no pool or client, and scopes that no token could have."""
        clients: object = self.clients
        are_clients = isinstance(clients, Sequence) and all(
            satisfies(each, cognito.IUserPoolClient) for each in clients
        )
        for wanted, is_given, fix in (
            ("pool is no user pool", satisfies(self.pool, cognito.IUserPool), "pass a cognito.IUserPool"),
            ("clients is no list of app clients", are_clients, "write clients=[pool.add_client(...)]"),
            ("scopes is no list of strings", _are_texts(self.scopes), 'write scopes=["..."]'),
        ):
            if not is_given:
                raise PropError(Problem(wanted, "Cognito", fix))
        if isinstance(self.scopes, str):
            object.__setattr__(self, "scopes", (self.scopes,))
        if self.scopes and not self.clients:
            raise PropError(
                Problem(
                    f"scopes {list(self.scopes)} are asked for, but the app client made for the API issues none",
                    "Cognito",
                    "name the client that may: clients=[pool.add_client(..., o_auth=...)]",
                )
            )


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
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise PropError(
                Problem(
                    "an API is opened to the public without a reason",
                    "Public(reason)",
                    'say why: Public("health probe")',
                )
            )


Auth: TypeAlias = Iam | Jwt | Cognito | Public


def same_callers(one: Auth, other: Auth) -> bool:
    """Whether two answers accept the same tokens; the scopes a route asks for are the route's own."""
    match one, other:
        case Jwt(), Jwt():
            return (one.issuer, one.audience) == (other.issuer, other.audience)
        case Cognito(), Cognito():
            return one.pool is other.pool and list(one.clients) == list(other.clients)
        case _:
            return type(one) is type(other)


def authorizer_of(auth: Auth, scope: Construct, *, is_default: bool) -> apigatewayv2.IHttpRouteAuthorizer:
    """Make the authorizer that stands for an answer; one serves every route of an API that gives the same answer.

    Args:
        auth: The answer.
        scope: The API, whose tree a new app client belongs to.
        is_default: Whether it is what the API itself says. Its id is then the kind alone; any other id ends in a digest
            of the answer, so that no route that is added or removed changes the ids of others.
    """
    match auth:
        case Iam():
            return authorizers.HttpIamAuthorizer()
        case Jwt():
            suffix = "" if is_default else _digest(scope, [auth.issuer, *auth.audience])
            return authorizers.HttpJwtAuthorizer(f"Jwt{suffix}", auth.issuer, jwt_audience=list(auth.audience))
        case Cognito():
            clients = list(auth.clients)
            suffix = "" if is_default else _digest(scope, [each.node.path for each in (auth.pool, *clients)])
            if not clients:
                clients = [client_of(auth, scope, f"Client{suffix}")]
            return authorizers.HttpUserPoolAuthorizer(f"Cognito{suffix}", auth.pool, user_pool_clients=clients)
        case Public():
            return apigatewayv2.HttpNoneAuthorizer()


def client_of(auth: Cognito, scope: Construct, client_id: str) -> cognito.UserPoolClient:
    """An app client that signs in directly; the hosted pages want redirect addresses that only the user knows."""
    return cognito.UserPoolClient(
        scope, client_id, user_pool=auth.pool, disable_o_auth=True, prevent_user_existence_errors=True
    )


def _digest(scope: Construct, parts: Sequence[str]) -> str:
    text = json.dumps(cdk.Stack.of(scope).resolve(list(parts)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8].upper()


def scopes_of(auth: Auth) -> list[str] | None:
    """The scopes a token must have, where there is a token."""
    return list(auth.scopes) or None if isinstance(auth, Jwt | Cognito) else None
