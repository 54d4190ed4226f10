"""One route of an HTTP API, as a reader writes it: `POST /users/{id}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from constructs_lib.wiring.refusals import Refusals, did_you_mean

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY")
FIXES = {"": "leave out the empty segment", "*": "write {path+} for the whole rest of the path"}
VARIABLE = re.compile(r"\{([A-Za-z0-9._-]+)(\+?)\}")
LITERAL = re.compile(r"[A-Za-z0-9._~!$&'(),;=:@-]+")


@dataclass(frozen=True, slots=True)
class Route:
    """A verb and a path.

    Args:
        verb: One of `VERBS`.
        path: Starts with a slash; variables in braces.
    """

    verb: str
    path: str

    def __str__(self) -> str:
        """The route as API Gateway calls it, its route key."""
        return f"{self.verb} {self.path}"

    @property
    def shape(self) -> str:
        """The route without the names of its variables: two routes of one shape would answer the same requests."""
        return f"{self.verb} {VARIABLE.sub(lambda match: '{' + match[2] + '}', self.path)}"

    @property
    def variables(self) -> list[str]:
        """The names of the variables in the path."""
        return [match[1] for match in VARIABLE.finditer(self.path)]

    @property
    def arn_suffix(self) -> str:
        """How the ARN of this route ends: any stage, this verb, this path.

        A variable becomes `*`, which in an ARN spans slashes: a path that ends in one also covers what lies below it.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
        """
        verb = "*" if self.verb == "ANY" else self.verb
        return f"*/{verb}{VARIABLE.sub('*', self.path)}"


def parse_route(text: str, refusals: Refusals) -> Route:
    """Read a route, and note everything that is wrong with it."""
    verb, space, path = str(text).partition(" ")
    if not space or not path:
        example = f"POST /{text.strip('/ ')}" if text.strip("/ ") else "POST /users"
        refusals.refuse(f"route {text!r} is not a verb, a space and a path", fix=f'write it like "{example}"')
        return Route(verb, path)
    if verb not in VERBS:
        refusals.refuse(
            f"route {text!r} has no verb that HTTP APIs know{did_you_mean(verb, VERBS)}",
            fix=f"use one of {', '.join(VERBS)}",
        )
    if not path.startswith("/"):
        fix = f'write "{verb} {path.strip()}"' if path.strip().startswith("/") else f'write "{verb} /{path.strip()}"'
        refusals.refuse(f"route {text!r} has a path without its leading slash", fix=fix)
    else:
        _check_segments(text, path, refusals)
    return Route(verb, path)


def _check_segments(text: str, path: str, refusals: Refusals) -> None:
    if path == "/":
        return
    segments = path[1:].split("/")
    names: list[str] = []
    for position, segment in enumerate(segments):
        variable = VARIABLE.fullmatch(segment)
        if variable is None and LITERAL.fullmatch(segment) is None:
            fix = FIXES.get(segment, "use letters, digits, -._~ or one {variable} per segment")
            refusals.refuse(f"route {text!r} has a segment {segment!r} that HTTP APIs do not match", fix=fix)
        if variable is not None and variable[2] and position != len(segments) - 1:
            refusals.refuse(
                f"route {text!r} goes on after {segment}",
                fix=f"move {segment} to the end: it takes the whole rest of the path",
            )
        if variable is not None:
            if variable[1] in names:
                refusals.refuse(f"route {text!r} has two variables named {variable[1]}", fix="rename one of them")
            names.append(variable[1])
