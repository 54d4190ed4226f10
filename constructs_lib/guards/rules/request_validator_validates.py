"""A request validator looks at something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

VALIDATOR = "AWS::ApiGateway::RequestValidator"
SWITCHES = ("ValidateRequestBody", "ValidateRequestParameters")


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A request validator of a REST API validates the body or the parameters.

    Why it matters: both are off unless they are turned on, so that a method may have a validator, and every malformed
    request still runs its function.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html

    Refuses: a validator with neither `ValidateRequestBody` nor `ValidateRequestParameters`.

    Accepts: one of them, or both.
    """
    for validator in assembly.of_type(VALIDATOR):
        told = [value for name in SWITCHES for value in validator.values(name)]
        if any(value is True or str(value).lower() == "true" for value in told):
            continue
        if all(value is None or str(value).lower() == "false" for value in told):
            yield finding(
                validator,
                at=("ValidateRequestBody",),
                problem="the validator validates neither the body nor the parameters: every request passes",
                fix="set ValidateRequestBody to true and give the methods a model, or ValidateRequestParameters",
            )
        else:
            yield unknown(validator, what="whether it validates anything", reason="that is known at deploy only")
