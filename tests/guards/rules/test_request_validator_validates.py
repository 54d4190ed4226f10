"""Validators that look at something, and those that do not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import judged, ref, resource

RULE = "request-validator-validates"
BODY, PARAMETERS = "ValidateRequestBody", "ValidateRequestParameters"


def validator(**properties: Any) -> dict[str, Any]:
    return {"Validator": resource("AWS::ApiGateway::RequestValidator", RestApiId="api", **properties)}


@pytest.mark.parametrize("properties", [{}, {BODY: False}, {BODY: False, PARAMETERS: "false"}])
def test_the_whole_message_of_one_that_lets_everything_pass(properties: dict[str, Any]) -> None:
    message = (
        "warning: the validator validates neither the body nor the parameters: every request passes\n"
        "  at:  Shop/Validator (AWS::ApiGateway::RequestValidator) ValidateRequestBody\n"
        "  fix: set ValidateRequestBody to true and give the methods a model, or ValidateRequestParameters"
    )
    assert judged(RULE, validator(**properties)) == [message]


@pytest.mark.parametrize("properties", [{BODY: True}, {PARAMETERS: True}, {BODY: "true", PARAMETERS: False}])
def test_one_of_both_is_enough(properties: dict[str, Any]) -> None:
    assert judged(RULE, validator(**properties)) == []


def test_what_a_parameter_decides_is_unknown() -> None:
    message = (
        "unknown: whether it validates anything\n"
        "  at:  Shop/Validator (AWS::ApiGateway::RequestValidator)\n"
        "  why: that is known at deploy only"
    )
    assert judged(RULE, validator(**{BODY: ref("Strict")}), Parameters={"Strict": {"Type": "String"}}) == [message]
