"""An HTTP API that logs, throttles, measures, and knows who is calling.

The numbers, and why:

- 100 requests a second, bursts of 200: an unthrottled stage is limited only by the account (10,000 a second, shared by
  all APIs of a region), and so is its bill. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
- One month of access logs: as for functions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.api_alarms import AlarmsOfApi, ApiAlarms
from constructs_lib.wiring.auth import Auth, Public, authorizer_of, same_callers
from constructs_lib.wiring.cors import HEADERS, PREFLIGHT_MAX_AGE, check_cors
from constructs_lib.wiring.domains import Domain, check_domain, name_http_api
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.http_route import HttpRoutes
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.log_groups import log_group
from constructs_lib.wiring.nested_functions import NestedFunctions
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.room import FUNCTIONS
from constructs_lib.wiring.routed_api import Asked, Granted, RoutedApi, check_auth, with_scopes
from constructs_lib.wiring.stated import stated
from constructs_lib.wiring.throttle import limits_of_stage
from constructs_lib.wiring.waiver import Waived

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from constructs_lib.wiring.route import Route

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


class SecureApi(RoutedApi):
    """Define an HTTP API with its default stage, access logs, throttle and metrics.

    Routes are added by the functions that serve them, see `SecureApiFunction`. The stage deploys by itself. For a
    firewall, and for bodies that are checked before any function runs, take `SecureRestApi`.

    Args:
        auth: Who may call, for every route that does not say otherwise: `Iam()`, `Jwt(...)`, `Cognito(...)` or
            `Public("reason")`.
        cors_origins: Origins whose pages may call, like `https://app.example.com`. Default: none, which keeps other
            origins' pages out.
        rate_limit: Requests a second, on average, over all routes. Default: what the `Defaults` say, or else 100.
        burst_limit: Requests at once. Default: what the `Defaults` say, or else 200.
        route_metrics: Count and time each route by itself; CloudWatch bills these as custom metrics, $1.80 a month each
            route. Default: where there are alarms, as the `Defaults` say.
            https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
        log_retention: How long access logs are kept. Default: what the `Defaults` say, or else one month.
        domain: The API's own name. Default: the one API Gateway makes up.
        nest_functions: Put the functions of the routes into nested stacks, for more routes than one stack has room for;
            see docs/apis.md. Default: they stay where they are written.
        alarms: Other thresholds than those of `ApiAlarms`, or `Waived(reason)` for one or all of them.

    Raises:
        PropError: `auth` is not one of the four, an origin is not an origin, or a limit is below one.

    Example:
        >>> api = SecureApi(stack, "Api", auth=Iam(), cors_origins=["https://app.example.com"])
    """

    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
    longest_seconds = 30
    late_status = 503

    @checks_kinds(except_for=("auth", "cors_origins"))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        auth: Auth,
        cors_origins: Sequence[str] = (),
        rate_limit: int | None = None,
        burst_limit: int | None = None,
        route_metrics: bool | None = None,
        log_retention: logs.RetentionDays | None = None,
        domain: Domain | None = None,
        nest_functions: bool = False,
        alarms: ApiAlarms | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        guard(self)
        settings = defaults_of(self)
        route_metrics = stated(route_metrics, settings.alarms)
        refusals = Refusals(self)
        rate, burst = limits_of_stage(rate_limit, burst_limit, settings, refusals)
        check_auth(auth, refusals)
        check_cors(cors_origins, refusals)
        watched = AlarmsOfApi(alarms)
        watched.check(refusals)
        if domain is not None and domain.tls == "1.3":
            refusals.refuse(
                "the oldest TLS of the domain is 1.3, and HTTP APIs let no one leave 1.2 out",
                fix="leave tls out (1.3 is spoken with those who can), or use a SecureRestApi",
            )
        check_domain(domain, self, refusals)
        refusals.stop_if_any()

        self.auth = auth
        self.domain = domain
        self._answers_browsers = bool(cors_origins)
        self._nested = NestedFunctions(self) if nest_functions else None
        self._authorizers: list[tuple[Auth, apigatewayv2.IHttpRouteAuthorizer]] = []
        self.http_api = apigatewayv2.HttpApi(
            self,
            "HttpApi",
            api_name=self.node.path.replace("/", "-")[-LONGEST_NAME:],
            create_default_stage=False,
            disable_execute_api_endpoint=True if domain is not None and not domain.default_endpoint else None,
            cors_preflight=apigatewayv2.CorsPreflightOptions(
                allow_origins=list(cors_origins),
                allow_methods=[apigatewayv2.CorsHttpMethod.ANY],
                allow_headers=list(HEADERS),
                max_age=PREFLIGHT_MAX_AGE,
            )
            if cors_origins
            else None,
        )
        self.access_logs = log_group(self, "AccessLogs", retention=log_retention)
        self.stage = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(rate_limit=rate, burst_limit=burst),
            detailed_metrics_enabled=route_metrics,
        )
        resource_of(
            self.stage, apigatewayv2.CfnStage
        ).access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=self.access_logs.log_group_arn, format=json.dumps(ACCESS_LOG)
        )
        self._http_routes = HttpRoutes(self, self.http_api, self.stage, has_metrics=route_metrics)
        self.domain_name = None if domain is None else name_http_api(self, domain, self.http_api, self.stage)
        self.alarms: Sequence[cloudwatch.IAlarm] = watched.raise_for(self, self.stage, self.stage)
        cdk.CfnOutput(self, "Url", value=self.url, description=f"Base URL of {self.node.path}")

    @property
    def crowd(self) -> Mapping[str, int]:
        """The resources that routes put into the stack of the API, by what they are."""
        return {"with their integrations": 2 * len(self._routes), FUNCTIONS: self.functions_here}

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self.http_api.api_endpoint if self.domain is None else self.domain.url

    def claim(self, asked: Asked, claimant: Construct, place: Construct, refusals: Refusals) -> Granted:
        """Take a route for a function, and note everything about it that cannot be had."""
        route = self.claim_route(asked.text, claimant, refusals)
        auth = self.auth if asked.auth is None else asked.auth
        check_auth(auth, refusals)
        if self._answers_browsers and route.verb in {"ANY", "OPTIONS"} and not isinstance(auth, Public):
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
            refusals.refuse(
                f"route {str(route)!r} takes what browsers ask first, without credentials: it would turn them away, "
                "and the API has cors_origins",
                fix=f"write a route for each verb, like GET {route.path}",
            )
        if asked.request is not None:
            refusals.refuse(
                "request is set, and HTTP APIs check no bodies: the function would get them all",
                fix="use a SecureRestApi, or check the body in the function",
            )
        if asked.throttle is not None and cdk.Stack.of(place).node.path != cdk.Stack.of(self).node.path:
            refusals.refuse(
                f"throttle is set for a route outside of {cdk.Stack.of(self).node.path}, whose stage would have to "
                "wait for a stack that waits for it",
                fix="define the route in the stack of its API, with nest_functions=True where that has no room",
            )
        return Granted(route, with_scopes(auth, asked.scopes, refusals), asked.throttle)

    def serve(
        self, granted: Granted, claimant: Construct, place: Construct, function: lambda_.IFunction
    ) -> apigatewayv2.HttpRoute:
        """Add the route, and allow it alone to invoke the function."""
        self.count(granted.route, claimant)
        return self._http_routes.add(granted, self.authorizer_for(granted.auth), claimant, place, function)

    def arn_of(self, route: Route) -> str:
        """The ARN that calls of a route are made on, at any stage."""
        return self._http_routes.arn_of(route)

    def authorizer_for(self, auth: Auth) -> apigatewayv2.IHttpRouteAuthorizer:
        """The authorizer for an answer; routes that give the same answer share one."""
        for known, authorizer in self._authorizers:
            if same_callers(known, auth):
                return authorizer
        authorizer = authorizer_of(auth, self, is_default=same_callers(auth, self.auth))
        self._authorizers.append((auth, authorizer))
        return authorizer
