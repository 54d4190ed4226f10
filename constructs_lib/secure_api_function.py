"""One route, and the one function that serves it."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

import jsii
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.secure_api import SecureApi, check_auth
from constructs_lib.secure_function import FunctionProps, SecureFunction
from constructs_lib.wiring.auth import Auth, Public, scopes_of
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.refusals import Refusals, check_type
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.route import Route
from constructs_lib.wiring.waiver import Waived, acknowledge, record_waiver

EXAMPLE = "constructs-lib:example"  # the key in a route's CloudFormation metadata

# HTTP APIs give up after 30 s whatever the function does; a second is left for the way back.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
LONGEST_TIMEOUT_SECONDS = 29

CALLER_SEES_FAILURE = (
    "API Gateway invokes this function synchronously and answers the caller with its failure; a dead-letter queue "
    "receives asynchronous events only, https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)


class RequestExample(TypedDict, total=False):
    """A request that works: the path with its variables filled in, and the JSON body."""

    path: str
    body: Any


@jsii.implements(iam.IGrantable)
class SecureApiFunction(SecureFunction):
    """Define a function behind one route of an API, and allow that route alone to invoke it.

    It is a `SecureFunction` in every other respect, and takes the same arguments.

    Args:
        api: The API that gets the route; it may live in another stack.
        route: A verb and a path: `POST /users`, `GET /users/{id}`, `GET /files/{path+}`.
        auth: Who may call this route. Default: what the API says.
        example: A request that works, kept in the template's metadata; tools print it as a command to try.
        function: Whatever `SecureFunction` takes; a timeout of 29 seconds at most, since the API answers 503 after 30.

    Raises:
        PropError: The route is malformed or taken, or the timeout outlasts the API's.

    Example:
        >>> create = SecureApiFunction(
        ...     stack, "Greet", api=api, route="POST /greet", entry="lambda_src/greeting/greet.ts"
        ... )
    """

    @checks_kinds(except_for=("auth",))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        api: SecureApi,
        route: str,
        entry: str,
        auth: Auth | None = None,
        example: RequestExample | None = None,
        **function: Unpack[FunctionProps],
    ) -> None:
        self.api = api
        self.route = Route("", "")
        self._asked = (route, auth)
        super().__init__(scope, id, entry=entry, **function)
        parsed = self.route
        self.http_route = apigatewayv2.HttpRoute(
            self,
            "Route",
            http_api=api.http_api,
            route_key=apigatewayv2.HttpRouteKey.with_(parsed.path, apigatewayv2.HttpMethod[parsed.verb]),
            integration=integrations.HttpLambdaIntegration("Integration", self.function),
            authorizer=api.authorizer_for(self.auth),
            authorization_scopes=scopes_of(self.auth),
        )
        self._narrow_permission()
        acknowledge(self.function, CALLER_SEES_FAILURE, "Serverless-LambdaDLQ")
        if isinstance(self.auth, Public):
            record_waiver(self.http_route, "auth", Waived(self.auth.reason), "AwsSolutions-APIG4")
        if example is not None:
            resource_of(self.http_route, apigatewayv2.CfnRoute).add_metadata(EXAMPLE, dict(example))

    @checks_kinds()
    def grant_call(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody call this route with signed requests: `execute-api:Invoke` on its verb and path.

        Only routes with `Iam()` ask for it. A variable of the path is a `*` in the ARN, and `*` spans slashes: a grant
        on `GET /users/{id}` also covers `GET /users/{id}/payments`, if the API has such a route.

        Raises:
            PropError: The grant cannot be given to this grantee from here.
        """
        return grant_exactly(self, grantee, ["execute-api:Invoke"], self._route_arn())

    def _check_more(self, refusals: Refusals) -> None:
        route, auth = self._asked
        check_type("api", self.api, SecureApi, refusals, fix="pass the SecureApi itself")
        if isinstance(self.api, SecureApi):
            self.route = self.api.claim_route(route, self, refusals)
            self.auth = self.api.auth if auth is None else auth
            check_auth(self.auth, refusals)
        if not self.timeout.is_unresolved() and self.timeout.to_milliseconds() > LONGEST_TIMEOUT_SECONDS * 1000:
            seconds = self.timeout.to_milliseconds() / 1000
            refusals.refuse(
                f"timeout ({seconds:g} s) outlasts the API (30 s): callers get 503 while it works on",
                fix="lower it to 29 s, or answer 202 and hand the work to a queue",
            )

    def _route_arn(self) -> str:
        return self.api.http_api.stack.format_arn(
            service="execute-api", resource=self.api.http_api.api_id, resource_name=self.route.arn_suffix
        )

    def _narrow_permission(self) -> None:
        """The integration lets every verb of the path invoke the function: leave only this one."""
        permission = self.http_route.node.find_child("Integration-Permission")
        resource_of(permission, lambda_.CfnPermission).source_arn = self._route_arn()
