"""One caller cannot use an API up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import API, REST_API
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text
from constructs_lib.assembly.value import Unknown as ValueUnknown
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Value
    from constructs_lib.guards.finding import Finding, Unknown

RATE, BURST = "ThrottlingRateLimit", "ThrottlingBurstLimit"
LIMITS = {
    "AWS::ApiGatewayV2::Stage": (
        ("DefaultRouteSettings", RATE),
        ("DefaultRouteSettings", BURST),
        ("RouteSettings", "*", RATE),
        ("RouteSettings", "*", BURST),
    ),
    "AWS::ApiGateway::Stage": (("MethodSettings", "*", RATE), ("MethodSettings", "*", BURST)),
    "AWS::ApiGateway::UsagePlan": (("Throttle", "RateLimit"), ("Throttle", "BurstLimit"), ("Quota", "Limit")),
}


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A stage of an API has a limit of requests of its own.

    Why it matters: without one, the limit is that of the account, 10,000 a second for all its APIs: a loop in one
    client stops the others, and the bill has no ceiling.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html

    Refuses: a stage without a `ThrottlingRateLimit` and a `ThrottlingBurstLimit` for all of its routes; a limit of 0,
    also of one route or of a usage plan, which lets no request through.

    Accepts: `DefaultRouteSettings` of an HTTP or WebSocket API; for a REST API a `MethodSettings` entry for `/*` and
    `*`, or a usage plan with a throttle.
    """
    for kind, places in LIMITS.items():
        for resource in assembly.of_type(kind):
            for at in places:
                if any(_is_zero(each) for each in resource.values(*at)):
                    yield _closed(resource, at)
    planned = {
        api
        for plan in assembly.of_type("AWS::ApiGateway::UsagePlan")
        if not plan.lacks("Throttle")
        for told in plan.values("ApiStages", "*", "ApiId")
        if isinstance(api := assembly.target(told, REST_API), Resource)
    }
    for stage in assembly.of_type("AWS::ApiGatewayV2::Stage"):
        missing = [name for name in (RATE, BURST) if stage.lacks("DefaultRouteSettings", name)]
        if missing:
            yield _unlimited(stage, str(assembly.target(stage.value("ApiId"), API)), "DefaultRouteSettings", missing)
    for stage in assembly.of_type("AWS::ApiGateway::Stage"):
        api = assembly.target(stage.value("RestApiId"), REST_API)
        settings = stage.values("MethodSettings", "*")
        if api in planned or any(_limits_all(each) for each in settings):
            continue
        told = [each for each in settings if isinstance(each, ValueUnknown)]
        if told:
            yield unknown(stage, what=f"whether callers of {api} are throttled", reason=told[0].reason)
        else:
            yield _unlimited(stage, str(api), "MethodSettings", [RATE, BURST])


def _is_zero(limit: Value) -> bool:
    return (limit.literal == "0") if isinstance(limit, Text) else limit == 0 and not isinstance(limit, bool)


def _closed(resource: Resource, at: tuple[str, ...]) -> Finding:
    return finding(
        resource,
        problem=f"{at[-1]} is 0, wanted is what its functions bear: every request is answered with 429",
        fix=f"raise {at[-1]}; to close a route for a while, take it out",
        at=at,
        detail=".".join(each for each in at if each != "*"),
    )


def _limits_all(setting: Value) -> bool:
    if not isinstance(setting, dict) or not {RATE, BURST} <= setting.keys():
        return False
    return {str(setting.get(key)).strip("/") for key in ("ResourcePath", "HttpMethod")} == {"*"}


def _unlimited(stage: Resource, api: str, at: str, missing: list[str]) -> Finding:
    return finding(
        stage,
        problem=f"the stage has no {' and no '.join(missing)}: callers of {api} can use up the account's 10,000 "
        "requests a second, and other APIs stop",
        fix=f"set {at} of the stage to what its functions bear",
        at=(at,),
    )
