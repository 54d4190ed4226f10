"""An HTTP API that logs, throttles, measures, and knows who is calling.

The numbers, and why:

- 100 requests a second, bursts of 200: an unthrottled stage is limited only by the account (10,000 a second, shared by
  all APIs of a region), and so is its bill. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
- One month of access logs: as for functions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.wiring.auth import Auth, Cognito, Iam, Jwt, Public, authorizer_of, same_callers
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.route import Route, parse_route

# What an access log line says. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "routeKey": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "protocol": "$context.protocol",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
    "error": "$context.error.message",
}
LONGEST_NAME = 128  # characters of an API's name
PREFLIGHT_MAX_AGE = cdk.Duration.hours(1)


class SecureApi(Construct):
    """Define an HTTP API with its default stage, access logs, throttle and metrics.

    Routes are added by the functions that serve them, see `SecureApiFunction`. The stage deploys by itself.

    Args:
        auth: Who may call, for every route that does not say otherwise: `Iam()`, `Jwt(...)`, `Cognito(...)` or
            `Public("reason")`.
        cors_origins: Origins whose pages may call, like `https://app.example.com`. Default: none, which keeps other
            origins' pages out.
        rate_limit: Requests a second, on average, over all routes.
        burst_limit: Requests at once.
        route_metrics: Count and time each route by itself; CloudWatch bills these as custom metrics.
            https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
        log_retention: How long access logs are kept. Default: one month.

    Raises:
        PropError: `auth` is not one of the four, an origin is not an origin, or a limit is below one.

    Example:
        >>> api = SecureApi(stack, "Api", auth=Iam(), cors_origins=["https://app.example.com"])
    """

    @checks_kinds(except_for=("auth", "cors_origins"))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        auth: Auth,
        cors_origins: Sequence[str] = (),
        rate_limit: int = 100,
        burst_limit: int = 200,
        route_metrics: bool = True,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, id)
        guard(self)
        refusals = Refusals(self)
        check_auth(auth, refusals)
        _check_cors(cors_origins, refusals)
        for name, limit in {"rate_limit": rate_limit, "burst_limit": burst_limit}.items():
            if not cdk.Token.is_unresolved(limit) and limit < 1:
                refusals.refuse(f"{name} is {limit}: nobody could call", fix=f"leave {name} out, or allow one at least")
        refusals.stop_if_any()

        self.auth = auth
        self._authorizers: list[tuple[Auth, apigatewayv2.IHttpRouteAuthorizer]] = []
        self._routes: dict[str, str] = {}
        self.http_api = apigatewayv2.HttpApi(
            self,
            "HttpApi",
            api_name=self.node.path.replace("/", "-")[-LONGEST_NAME:],
            create_default_stage=False,
            cors_preflight=apigatewayv2.CorsPreflightOptions(
                allow_origins=list(cors_origins),
                allow_methods=[apigatewayv2.CorsHttpMethod.ANY],
                allow_headers=["authorization", "content-type", "x-amz-date", "x-amz-security-token"],
                max_age=PREFLIGHT_MAX_AGE,
            )
            if cors_origins
            else None,
        )
        self.access_logs = logs.LogGroup(
            self, "AccessLogs", retention=log_retention, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        self.stage = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(rate_limit=rate_limit, burst_limit=burst_limit),
            detailed_metrics_enabled=route_metrics,
        )
        resource_of(
            self.stage, apigatewayv2.CfnStage
        ).access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=self.access_logs.log_group_arn, format=json.dumps(ACCESS_LOG)
        )
        cdk.CfnOutput(self, "Url", value=self.url, description=f"Base URL of {self.node.path}")

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self.http_api.api_endpoint

    def claim_route(self, text: str, claimant: Construct, refusals: Refusals) -> Route:
        """Take a route for one construct, and note why it cannot be had.

        Args:
            text: The route as written, `POST /users`.
            claimant: Who will serve it.
            refusals: Where problems are noted.
        """
        route = parse_route(text, refusals)
        owner = self._routes.setdefault(route.shape, claimant.node.path)
        if owner != claimant.node.path:
            refusals.refuse(
                f"route {text!r} is taken: {owner} serves it already",
                fix="choose another route, or remove one of the two functions",
            )
        return route

    def authorizer_for(self, auth: Auth) -> apigatewayv2.IHttpRouteAuthorizer:
        """The authorizer for an answer; routes that give the same answer share one."""
        for known, authorizer in self._authorizers:
            if same_callers(known, auth):
                return authorizer
        authorizer = authorizer_of(auth, self, is_default=same_callers(auth, self.auth))
        self._authorizers.append((auth, authorizer))
        return authorizer


def check_auth(auth: object, refusals: Refusals) -> None:
    """Note an answer that is none of the four."""
    if not isinstance(auth, Iam | Jwt | Cognito | Public):
        refusals.refuse(
            f"auth is {auth!r}, wanted Iam(), Jwt(issuer, audience), Cognito(pool) or Public(reason)",
            fix='say who may call: auth=Iam() for AWS credentials, or auth=Public("why") for everybody',
        )


def _check_cors(origins: Sequence[str], refusals: Refusals) -> None:
    if isinstance(origins, list) and cdk.Token.is_unresolved(origins):
        return
    if isinstance(origins, str) or not isinstance(origins, Sequence):
        refusals.refuse(f"cors_origins is {origins!r}, wanted a list", fix='write ["https://app.example.com"]')
        return
    for origin in origins:
        if isinstance(origin, str) and (cdk.Token.is_unresolved(origin) or origin == "*"):
            continue
        if not isinstance(origin, str) or not _is_origin(origin):
            refusals.refuse(
                f"cors_origins holds {origin!r}, which is not an origin",
                fix="write scheme and host without a path: https://app.example.com",
            )


def _is_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:  # a host like [::1 that never ends
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not parts.path and not parts.query
