"""Whose pages may call an API from a browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

HEADERS = ("authorization", "content-type", "x-amz-date", "x-amz-security-token")  # that a page may send
DEFAULT_PORTS = {"http": ":80", "https": ":443"}  # which browsers leave out
EVERY_HOST = ("http://*", "https://*")  # which HTTP APIs know
PREFLIGHT_MAX_AGE = cdk.Duration.hours(1)


def check_cors(origins: Sequence[str], refusals: Refusals, *, by_name: bool = False) -> None:
    """Note origins that no browser sends.

    Args:
        origins: The origins.
        refusals: Where problems are noted.
        by_name: Whether each origin is answered by its name, as REST APIs do: then a list that is not known yet, and
            every host of a scheme, are none.
    """
    if isinstance(origins, list) and cdk.Token.is_unresolved(origins):
        if by_name:
            refusals.refuse(
                "cors_origins is a list that is not known before deployment, and REST APIs answer each origin by name",
                fix='write the list here; what is in it may be a parameter: [origin.value_as_string, "https://..."]',
            )
        return
    if isinstance(origins, str | bytes) or not isinstance(origins, Sequence):
        refusals.refuse(f"cors_origins is {origins!r}, wanted a list", fix='write ["https://app.example.com"]')
        return
    if "*" in origins and len(origins) > 1:
        refusals.refuse(
            "cors_origins holds '*' beside others: every origin would be let in", fix="leave '*' out, or the others"
        )
    for origin in origins:
        if isinstance(origin, str) and (cdk.Token.is_unresolved(origin) or origin == "*"):
            continue
        if by_name and origin in EVERY_HOST:
            refusals.refuse(
                f"cors_origins holds {origin!r}, and REST APIs answer each origin by name: no browser takes that one",
                fix="write the hosts, or '*' alone for every origin",
            )
        elif not isinstance(origin, str) or not _is_origin(origin):
            refusals.refuse(
                f"cors_origins holds {origin!r}, which is not an origin",
                fix="write scheme and host as browsers do, without a path: https://app.example.com",
            )


def _is_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:  # a host like [::1 that never ends
        return False
    if parts.scheme not in DEFAULT_PORTS or origin != f"{parts.scheme}://{parts.netloc}" or origin != origin.lower():
        return False
    is_host = bool(parts.netloc) and "@" not in parts.netloc and ("*" not in parts.netloc or parts.netloc == "*")
    return is_host and not parts.netloc.endswith(DEFAULT_PORTS[parts.scheme])


def let_pages_read_refusals(api: apigateway.RestApi, origins: Sequence[str]) -> None:
    """Have a REST API's own answers say whose pages may read them: those of functions say so themselves.

    There is one header for all of them: with several origins it is `*`. What API Gateway says by itself tells nothing
    of anybody, and browsers that send cookies do not take it.
    """
    alone = origins[0] if len(origins) == 1 and not cdk.Token.is_unresolved(origins) else "*"
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        api.add_gateway_response(
            "".join(each.capitalize() for each in kind.split("_")),
            type=apigateway.ResponseType.of(kind),
            response_headers={"Access-Control-Allow-Origin": f"'{alone}'"},
        )
