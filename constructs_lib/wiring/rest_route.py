"""The methods of a REST API: each calls one function, which lets in that method and no other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.wiring.app_stack import app_stack_of
from constructs_lib.wiring.auth import Auth, Cognito, Iam, Jwt, Public, client_of, same_callers, scopes_of
from constructs_lib.wiring.http_route import permit
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.room import BROWSERS, PIECES
from constructs_lib.wiring.route import VARIABLE, Route
from constructs_lib.wiring.waiver import Waived, acknowledge, record_waiver

if TYPE_CHECKING:
    from aws_cdk import aws_cognito as cognito

    from constructs_lib.wiring.refusals import Refusals
    from constructs_lib.wiring.routed_api import Granted

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
RESERVED = ("/ping", "/sping")
PART = re.compile(r"[A-Za-z0-9._:$-]+")
# Whatever kind a body says it is, it is checked; without `$default` a caller gets around that with another one.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
ANY_KIND = "$default"
# A stage has no settings for ANY: it counts each verb by itself.
EVERY_VERB = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
SIGNED = "callers sign with AWS credentials, and their policies must allow this method: auth=Iam()"


class RestRoutes:
    """The methods of one REST API, their authorizers, models, and the limits of single ones at its stage.

    Args:
        scope: The API.
        api: Its L2.
        validator: What checks requests.
        settings: Those of every method at the stage, as the properties of a method's settings are called.
        cors: Whose pages may call; none for nobody's.
    """

    def __init__(
        self,
        scope: Construct,
        api: apigateway.RestApi,
        validator: apigateway.IRequestValidator,
        *,
        settings: Mapping[str, Any],
        cors: apigateway.CorsOptions | None,
    ) -> None:
        self._scope = scope
        self._api = api
        self._validator = validator
        self._settings = settings
        self._cors = cors
        self._answering: set[str] = set()  # paths that answer browsers
        self._authorizers: list[tuple[cognito.IUserPool, apigateway.CognitoUserPoolsAuthorizer]] = []
        self._with_client: list[cognito.IUserPool] = []  # pools that have a client for this API
        self._models: dict[str, apigateway.Model] = {}
        self._variables: dict[str, str] = {}
        self._methods = 0
        self._pieces: set[str] = set()
        self._limits: dict[tuple[str, str], Mapping[str, Any]] = {}

    def check(self, route: Route, refusals: Refusals) -> None:
        """Note what REST APIs do not take, though HTTP APIs do."""
        if route.path in RESERVED:
            refusals.refuse(
                f"route {str(route)!r} is one that API Gateway keeps for itself", fix="call it /health, for instance"
            )
        if self._cors is not None and route.verb == "OPTIONS":
            refusals.refuse(
                f"route {str(route)!r} is answered already, since the API has cors_origins",
                fix="leave the route out, or leave cors_origins out and answer browsers yourself",
            )
        above = ""
        for segment in route.path.strip("/").split("/"):
            variable = VARIABLE.fullmatch(segment)
            if variable is None:
                if segment and not PART.fullmatch(segment):
                    refusals.refuse(
                        f"route {str(route)!r} has a segment {segment!r} that REST APIs do not take",
                        fix="use letters, digits and ._:$-",
                    )
            else:
                known = self._variables.get(above, segment)
                if known != segment:
                    refusals.refuse(
                        f"route {str(route)!r} has {segment} where another route of the API has {known}, and REST APIs "
                        "take one variable in a place",
                        fix=f"write {known} here too",
                    )
            above = f"{above}/{segment}"

    def add(
        self, granted: Granted, claimant: Construct, function: lambda_.IFunction, *, default: Auth
    ) -> apigateway.Method:
        """Add a method, and the permission beside the function: beside the method where that is another app stack."""
        route, auth = granted.route, granted.auth
        self._note(route)
        resource = self._api.root.resource_for_path(route.path.strip("/")) if route.path != "/" else self._api.root
        method = resource.add_method(
            route.verb,
            apigateway.AwsIntegration(
                service="lambda", proxy=True, path=f"2015-03-31/functions/{function.function_arn}/invocations"
            ),
            authorization_type=_type_of(auth),
            authorizer=self._authorizer_for(auth, default) if isinstance(auth, Cognito) else None,
            authorization_scopes=scopes_of(auth),
            request_validator=self._validator,
            request_models=None if granted.request is None else {ANY_KIND: self._model(granted.request)},
        )
        if self._cors is not None and route.verb != "OPTIONS" and route.path not in self._answering:
            self._answering.add(route.path)
            resource.add_cors_preflight(
                allow_origins=self._cors.allow_origins,
                allow_headers=self._cors.allow_headers,
                max_age=self._cors.max_age,
            )
        is_here = app_stack_of(claimant).node.path == app_stack_of(self._scope).node.path
        permission = permit(claimant if is_here else method, function, self.arn_of(route))
        # As with an HTTP API: a method that goes over to an alias, or back from one, must not call it before it may.
        resource_of(method, apigateway.CfnMethod).node.add_dependency(permission)
        if isinstance(auth, Iam):
            acknowledge(method, SIGNED, "AwsSolutions-COG4")
        if isinstance(auth, Public):
            record_waiver(method, "auth", Waived(auth.reason), "AwsSolutions-APIG4", "AwsSolutions-COG4")
        if granted.throttle is not None:
            self._limit(route, granted.throttle.rate_limit, granted.throttle.burst_limit)
        return method

    def _note(self, route: Route) -> None:
        segments = route.path.strip("/").split("/")
        self._methods += 1
        self._pieces |= {"/".join(segments[:end]) for end in range(1, len(segments) + 1)} - {""}
        for at, segment in enumerate(segments):
            if VARIABLE.fullmatch(segment):
                self._variables["".join(f"/{each}" for each in segments[:at])] = segment

    @property
    def crowd(self) -> Mapping[str, int]:
        """What the methods put into the stack of the API."""
        return {"methods": self._methods, PIECES: len(self._pieces), BROWSERS: len(self._answering)}

    def arn_of(self, route: Route) -> str:
        """The ARN that calls of a route are made on, at any stage."""
        return cdk.Stack.of(self._scope).format_arn(
            service="execute-api", resource=self._api.rest_api_id, resource_name=route.arn_suffix
        )

    def _authorizer_for(self, auth: Cognito, default: Auth) -> apigateway.CognitoUserPoolsAuthorizer:
        """The authorizer of a pool: it takes the tokens of all its clients, and scopes tell them apart."""
        digest = _digest([auth.pool.node.path])
        if not auth.clients and auth.pool not in self._with_client:
            self._with_client.append(auth.pool)
            client_of(auth, self._scope, f"Client{'' if same_callers(auth, default) else digest}")
        for pool, authorizer in self._authorizers:
            if pool is auth.pool:
                return authorizer
        suffix = "" if isinstance(default, Cognito) and default.pool is auth.pool else digest
        authorizer = apigateway.CognitoUserPoolsAuthorizer(
            self._scope, f"Cognito{suffix}", cognito_user_pools=[auth.pool]
        )
        self._authorizers.append((auth.pool, authorizer))
        return authorizer

    def _model(self, schema: Mapping[str, Any]) -> apigateway.Model:
        """The model of a schema, named by what it says: routes with the same body share one."""
        digest = _digest([schema])
        if digest not in self._models:
            title = "".join(each for each in str(schema.get("title", "")) if each.isascii() and each.isalnum())[:40]
            model = apigateway.Model(
                self._scope,
                f"Body{digest}",
                rest_api=self._api,
                model_name=f"{title}{digest}",
                content_type="application/json",
                schema=apigateway.JsonSchema(),
            )
            # As it is: the CDK knows a schema by its own words for it, and has none for some.
            resource_of(model, apigateway.CfnModel).schema = dict(schema)
            self._models[digest] = model
        return self._models[digest]

    def _limit(self, route: Route, rate: int, burst: int | None) -> None:
        """Give one method limits of its own, and again what it then no longer has from the stage."""
        # The root is a slash alone.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-stage-methodsetting.html
        path = "/" if route.path == "/" else f"/{route.path.replace('/', '~1')}"
        verbs = EVERY_VERB if route.verb == "ANY" else (route.verb,)
        for verb in verbs if self._cors is None else set(verbs) - {"OPTIONS"}:  # that is a method by itself then
            self._limits[path, verb] = {
                **self._settings,
                "throttling_rate_limit": rate,
                "throttling_burst_limit": burst,
            }
        settings = {("/*", "*"): self._settings, **dict(sorted(self._limits.items()))}
        resource_of(self._api.deployment_stage, apigateway.CfnStage).method_settings = [
            apigateway.CfnStage.MethodSettingProperty(http_method=verb, resource_path=path, **each)
            for (path, verb), each in settings.items()
        ]


def check_rest_auth(auth: Auth, refusals: Refusals) -> None:
    """Note callers that REST APIs cannot tell apart."""
    if isinstance(auth, Jwt):
        refusals.refuse(
            "auth is Jwt(...), and REST APIs check no tokens but those of Cognito",
            fix="use a SecureApi, which does, or auth=Cognito(pool), or auth=Iam()",
        )
    if isinstance(auth, Cognito) and auth.clients and not auth.scopes:
        refusals.refuse(
            "auth names app clients, and REST APIs take the tokens of every client of the pool",
            fix="leave clients out, or ask for scopes that these clients alone may have",
        )


def _type_of(auth: Auth) -> apigateway.AuthorizationType:
    match auth:
        case Iam():
            return apigateway.AuthorizationType.IAM
        case Cognito():
            return apigateway.AuthorizationType.COGNITO
        case _:
            return apigateway.AuthorizationType.NONE


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8].upper()
