"""What both kinds of API have in common: who may call, which routes are taken, and where their functions go."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from constructs import Construct

from constructs_lib.wiring.auth import Auth, Cognito, Iam, Jwt, Public
from constructs_lib.wiring.nested_functions import NestedFunctions
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.room import Room
from constructs_lib.wiring.route import Route, parse_route

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from constructs_lib.wiring.throttle import Throttle

MANY_ROUTES = 30  # in one stack; at 13 resources a route the guards warn from here on
WAY_OUT = "constructs-lib:nest_functions"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a function wants of its route.

    Args:
        text: The route as written, `POST /users`.
        auth: Who may call; none for what the API says.
        scopes: Scopes of which a token must have one, beside those of `auth`.
        throttle: The limits of this route.
        request: What the body must be: a JSON Schema, a Pydantic model, or the file and name of a Zod schema.
    """

    text: str
    auth: Auth | None = None
    scopes: Sequence[str] = ()
    throttle: Throttle | None = None
    request: object = None


@dataclass(frozen=True, slots=True)
class Granted:
    """A route that was claimed, checked in every respect.

    Args:
        route: Verb and path.
        auth: Who may call, with the scopes that were asked for beside it.
        throttle: The limits of this route.
        request: The JSON Schema of the body, as API Gateway takes it.
    """

    route: Route
    auth: Auth
    throttle: Throttle | None = None
    request: Mapping[str, Any] | None = None


class RoutedApi(Construct):
    """An API whose routes are added by the functions that serve them.

    Args:
        auth: Who may call where a route does not say otherwise.
        nest_functions: Whether functions go into nested stacks.
    """

    auth: Auth
    longest_seconds: int  # that it waits for a function
    late_status: int  # that callers get then

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        self._routes: dict[str, str] = {}
        self._nested: NestedFunctions | None = None
        self._answered: set[str] = set()  # routes that have their function
        self._served: dict[str, int] = {}
        self.node.add_validation(Room(self, self))

    @property
    @abstractmethod
    def crowd(self) -> Mapping[str, int]:
        """The resources that routes put into the stack of the API, by what they are."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The base URL, without a slash at its end."""

    @abstractmethod
    def claim(self, asked: Asked, claimant: Construct, place: Construct, refusals: Refusals) -> Granted:
        """Take a route for a function, and note everything about it that cannot be had.

        Args:
            asked: What the function wants.
            claimant: The function.
            place: Where it was written.
            refusals: Where problems are noted.
        """

    @abstractmethod
    def serve(self, granted: Granted, claimant: Construct, place: Construct, function: lambda_.IFunction) -> Construct:
        """Add the route, and allow it alone to invoke the function.

        Args:
            granted: What `claim` answered.
            claimant: Whose the function is.
            place: Where it was written, when that is not where it is.
            function: What the route invokes.

        Returns:
            What stands for the route in the CDK.
        """

    @abstractmethod
    def arn_of(self, route: Route) -> str:
        """The ARN that calls of a route are made on, at any stage."""

    def place_of(self, scope: Construct, own_id: str) -> tuple[Construct, str]:
        """Where a function of a route goes: where it was written, or into a nested stack."""
        return (scope, own_id) if self._nested is None else self._nested.place_of(scope, own_id)

    def leave(self, home: Construct, text: str) -> None:
        """Take back what `place_of` made for a function that was refused, and the route it claimed."""
        shape = parse_route(text, Refusals.at("route")).shape
        if shape not in self._answered:
            self._routes.pop(shape, None)
        if self._nested is not None:
            self._nested.leave(home)

    def claim_route(self, text: str, claimant: Construct, refusals: Refusals) -> Route:
        """Take a route for one construct, and note why it cannot be had."""
        route = parse_route(text, refusals)
        owner = self._routes.setdefault(route.shape, claimant.node.path)
        if owner != claimant.node.path:
            refusals.refuse(
                f"route {text!r} is taken: {owner} serves it already",
                fix="choose another route, or remove one of the two functions",
            )
        return route

    @property
    def functions_here(self) -> int:
        """How many resources of functions stand in the stack of the API, at least: eight for each."""
        return 8 * self._served.get(cdk.Stack.of(self).node.path, 0)

    def count(self, route: Route, claimant: Construct) -> None:
        """Note that a route is answered; warn, once, before a stack is full of functions that could be elsewhere."""
        self._answered.add(route.shape)
        stack = cdk.Stack.of(claimant)
        if stack.nested_stack_parent is not None:
            return
        self._served[stack.node.path] = self._served.get(stack.node.path, 0) + 1
        if self._served[stack.node.path] == MANY_ROUTES:
            cdk.Annotations.of(self).add_warning_v2(
                WAY_OUT,
                f"{self.node.path} has {MANY_ROUTES} routes, whose functions fill most of the 500 resources of "
                f"{stack.node.path}: nest_functions=True puts them into nested stacks, and each route stays meanwhile",
            )


def check_auth(auth: object, refusals: Refusals) -> None:
    """Note an answer that is none of the four."""
    if not isinstance(auth, Iam | Jwt | Cognito | Public):
        refusals.refuse(
            f"auth is {auth!r}, wanted Iam(), Jwt(issuer, audience), Cognito(pool) or Public(reason)",
            fix='say who may call: auth=Iam() for AWS credentials, or auth=Public("why") for everybody',
        )


def with_scopes(auth: Auth, scopes: Sequence[str], refusals: Refusals) -> Auth:
    """The same callers, of whom these scopes are asked too; noted when they have no token, or none with scopes."""
    if not scopes:
        return auth
    match auth:
        case Jwt():
            return Jwt(auth.issuer, auth.audience, scopes=list(dict.fromkeys([*auth.scopes, *scopes])))
        case Cognito() if auth.clients:
            return Cognito(auth.pool, auth.clients, list(dict.fromkeys([*auth.scopes, *scopes])))
        case Cognito():
            refusals.refuse(
                f"scopes {list(scopes)} are asked for, but the app client made for the API issues none",
                fix="name the client that may: auth=Cognito(pool, clients=[pool.add_client(..., o_auth=...)])",
            )
        case _:
            refusals.refuse(
                f"scopes {list(scopes)} are asked for, but callers of {type(auth).__name__}() bring no token",
                fix="leave scopes out, or let callers bring one: auth=Jwt(...) or auth=Cognito(...)",
            )
    return auth
