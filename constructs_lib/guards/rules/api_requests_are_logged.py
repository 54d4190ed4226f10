"""Who called an API, and what it answered, can be read afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

LOGS = {"AWS::ApiGatewayV2::Stage": "AccessLogSettings", "AWS::ApiGateway::Stage": "AccessLogSetting"}


@rule(severity=Severity.INFO)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A stage of an API writes an access log.

    Why it matters: a request that API Gateway refuses itself (no credentials, throttled, timed out) reaches no
    function, and so no log of one. https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html

    Refuses: a stage without a `DestinationArn` for its access log. An information only: nothing goes wrong by it.

    Accepts: a log group or a delivery stream.
    """
    for kind, key in LOGS.items():
        for stage in assembly.of_type(kind):
            if stage.lacks(key, "DestinationArn"):
                yield finding(
                    stage,
                    problem="requests that API Gateway refuses or gives up leave no trace: there is no access log",
                    fix=f"set {key} to a log group and a format",
                    at=(key,),
                )
