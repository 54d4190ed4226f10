"""The routes of an HTTP API: each calls one function, which lets in that route and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.wiring.auth import Public, scopes_of
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.waiver import Waived, record_waiver

if TYPE_CHECKING:
    from constructs_lib.wiring.route import Route
    from constructs_lib.wiring.routed_api import Granted

PERMISSION = "Integration-Permission"  # how the CDK names the permission it makes below a route
SERVICE = "apigateway.amazonaws.com"


class HttpRoutes:
    """The routes of one HTTP API, and the limits of single ones at its stage.

    Args:
        scope: The API.
        api: Its L2.
        stage: Its stage.
        has_metrics: Whether each route is counted by itself.
    """

    def __init__(
        self, scope: Construct, api: apigatewayv2.HttpApi, stage: apigatewayv2.HttpStage, *, has_metrics: bool
    ) -> None:
        self._scope = scope
        self._api = api
        self._stage = resource_of(stage, apigatewayv2.CfnStage)
        self._has_metrics = has_metrics
        self._settings: dict[str, dict[str, object]] = {}

    def add(
        self,
        granted: Granted,
        authorizer: apigatewayv2.IHttpRouteAuthorizer,
        claimant: Construct,
        place: Construct,
        function: lambda_.IFunction,
    ) -> apigatewayv2.HttpRoute:
        """Add a route where its function was written, and the permission beside the function."""
        parsed = granted.route
        route = apigatewayv2.HttpRoute(
            place,
            "Route",
            http_api=self._api,
            route_key=apigatewayv2.HttpRouteKey.with_(parsed.path, apigatewayv2.HttpMethod[parsed.verb]),
            integration=integrations.HttpLambdaIntegration("Integration", function),
            authorizer=authorizer,
            authorization_scopes=scopes_of(granted.auth),
        )
        # The CDK's permission lets every verb of the path invoke the function: leave only this one.
        if place is claimant:
            permission = resource_of(route.node.find_child(PERMISSION), lambda_.CfnPermission)
            permission.source_arn = self.arn_of(parsed)
        else:
            route.node.try_remove_child(PERMISSION)
            permission = permit(claimant, function, self.arn_of(parsed))
        # A route that goes over to an alias, or back from one, must not call it before it may.
        route.node.find_child("Integration").node.add_dependency(permission)
        if isinstance(granted.auth, Public):
            record_waiver(route, "auth", Waived(granted.auth.reason), "AwsSolutions-APIG4")
        if granted.throttle is not None:
            self._limit(route, str(parsed), granted.throttle.rate_limit, granted.throttle.burst_limit)
        return route

    def arn_of(self, route: Route) -> str:
        """The ARN that calls of a route are made on, at any stage."""
        return cdk.Stack.of(self._scope).format_arn(
            service="execute-api", resource=self._api.api_id, resource_name=route.arn_suffix
        )

    def _limit(self, route: apigatewayv2.HttpRoute, key: str, rate: int, burst: int | None) -> None:
        self._settings[key] = {
            "DetailedMetricsEnabled": self._has_metrics,
            "ThrottlingBurstLimit": burst,
            "ThrottlingRateLimit": rate,
        }
        self._stage.route_settings = dict(sorted(self._settings.items()))
        # A stage cannot be given the limits of a route that is not there yet.
        self._stage.node.add_dependency(resource_of(route, apigatewayv2.CfnRoute))


def permit(scope: Construct, function: lambda_.IFunction, source_arn: str) -> lambda_.CfnPermission:
    """Let one route invoke a function, in the stack of the function."""
    return lambda_.CfnPermission(
        scope,
        "RoutePermission",
        action="lambda:InvokeFunction",
        function_name=function.function_arn,
        principal=SERVICE,
        source_arn=source_arn,
    )
