"""One route, and the one function that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

import aws_cdk as cdk
import jsii
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.problem import ProblemError
from constructs_lib.secure_api import SecureApi
from constructs_lib.secure_function import FunctionProps, SecureFunction
from constructs_lib.secure_rest_api import SecureRestApi
from constructs_lib.wiring.auth import Auth
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.function_alarms import FunctionAlarms
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.request_model import RequestModel
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.route import Route
from constructs_lib.wiring.routed_api import Asked
from constructs_lib.wiring.throttle import Throttle
from constructs_lib.wiring.waiver import Waived, acknowledge

EXAMPLE = "constructs-lib:example"  # the key in a route's CloudFormation metadata

CALLER_SEES_FAILURE = (
    "API Gateway invokes this function synchronously and answers the caller with its failure; a dead-letter queue "
    "receives asynchronous events only, https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)
REACH = "a route stands beside its function, and belongs to an API of the same account and region"
REACH_FIX = "make an API in each region: SecureApi(stack, ...)"


class RequestExample(TypedDict, total=False):
    """A request that works: the path with its variables filled in, and the JSON body."""

    path: str
    body: Any


@jsii.implements(iam.IGrantable)
class SecureApiFunction(SecureFunction):
    """Define a function behind one route of an API, and allow that route alone to invoke it.

    It is a `SecureFunction` in every other respect, and takes the same arguments.

    Args:
        api: The API that gets the route, `SecureApi` or `SecureRestApi`; it may live in another stack.
        route: A verb and a path: `POST /users`, `GET /users/{id}`, `GET /files/{path+}`.
        auth: Who may call this route. Default: what the API says.
        scopes: Scopes of which the caller's token must have one. Default: those of `auth`.
        throttle: The limits of this route: `Throttle(10, 20)`. Default: those of the API, shared by all its routes.
        request: What the body must be, checked by a `SecureRestApi` before the function runs: a JSON Schema, a Pydantic
            model, or the file and name of a Zod schema (`lambda_src/users/user.ts:NewUser`). Default: anything.
        example: A request that works, kept in the template's metadata; tools print it as a command to try.
        alarms: Those of the function, as `SecureFunction` takes them.
        function: Whatever `SecureFunction` takes; a timeout of 29 seconds at most, since the API answers 503
            after 30; behind a REST API of 28, since that answers 504 after 29.

    Raises:
        PropError: The route is malformed or taken, or the timeout outlasts the API's.

    Example:
        >>> create = SecureApiFunction(
        ...     stack, "Greet", api=api, route="POST /greet", entry="lambda_src/greeting/greet.ts"
        ... )
    """

    @checks_kinds(except_for=("auth", "request", "alarms"))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        api: SecureApi | SecureRestApi,
        route: str,
        entry: str,
        auth: Auth | None = None,
        scopes: Sequence[str] = (),
        throttle: Throttle | None = None,
        request: RequestModel | None = None,
        example: RequestExample | None = None,
        alarms: FunctionAlarms | Waived | None = None,
        **function: Unpack[FunctionProps],
    ) -> None:
        self.api = api
        self._asked = Asked(route, auth, scopes, throttle, request)
        home, own_id = api.place_of(scope, id)
        # Where functions are nested, the route stays here: below the place the function would have had.
        self._place: Construct | None = None if home is scope else Construct(scope, id)
        try:
            super().__init__(home, own_id, entry=entry, alarms=alarms, **function)
            self.api_route = api.serve(self._granted, self, self._written_at, self.called)
        except ProblemError:
            api.leave(home, route)
            raise
        acknowledge(self.function, CALLER_SEES_FAILURE, "Serverless-LambdaDLQ")
        if example is not None:
            resource_of(self.api_route, cdk.CfnResource).add_metadata(EXAMPLE, dict(example))

    @property
    def route(self) -> Route:
        """Verb and path."""
        return self._granted.route

    @property
    def auth(self) -> Auth:
        """Who may call."""
        return self._granted.auth

    @property
    def http_route(self) -> apigatewayv2.HttpRoute:
        """The route of an HTTP API.

        Raises:
            TypeError: The API is a REST API, which has a `rest_method` instead.
        """
        if not isinstance(self.api_route, apigatewayv2.HttpRoute):
            raise TypeError(f"{self.node.path} has a method of a REST API: use rest_method")
        return self.api_route

    @property
    def rest_method(self) -> apigateway.Method:
        """The method of a REST API.

        Raises:
            TypeError: The API is an HTTP API, which has an `http_route` instead.
        """
        if not isinstance(self.api_route, apigateway.Method):
            raise TypeError(f"{self.node.path} has a route of an HTTP API: use http_route")
        return self.api_route

    @checks_kinds()
    def grant_call(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody call this route with signed requests: `execute-api:Invoke` on its verb and path.

        Only routes with `Iam()` ask for it. A variable of the path is a `*` in the ARN, and `*` spans slashes: a grant
        on `GET /users/{id}` also covers `GET /users/{id}/payments`, if the API has such a route.

        Raises:
            PropError: The grant cannot be given to this grantee from here.
        """
        return grant_exactly(self, grantee, ["execute-api:Invoke"], self.api.arn_of(self.route))

    @property
    def _written_at(self) -> Construct:
        return self if self._place is None else self._place

    def _check_more(self, refusals: Refusals) -> None:
        check_same_environment(self.api, self, refusals, why=REACH, fix=REACH_FIX)
        self._granted = self.api.claim(self._asked, self, self._written_at, refusals)
        if self.timeout.is_unresolved():
            return
        longest, seconds = self.api.longest_seconds, self.timeout.to_milliseconds() / 1000
        if seconds > longest - 1:  # a second is left for the way back
            refusals.refuse(
                f"timeout ({seconds:g} s) outlasts the API ({longest} s): callers get {self.api.late_status} while it "
                "works on",
                fix=f"lower it to {longest - 1} s, or answer 202 and hand the work to a queue",
            )
