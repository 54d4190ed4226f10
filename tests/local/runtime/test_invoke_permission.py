"""What the policy of a function lets API Gateway do."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.local.overlay.invoke_permission import allows

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
API = "arn:aws:execute-api:us-east-1:000000000000:api1"
GATEWAY = "apigateway.amazonaws.com"


def statement(**changes: Any) -> dict[str, Any]:
    allowed: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": GATEWAY},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
        "Condition": {"ArnLike": {"AWS:SourceArn": f"{API}/*/POST/users"}},
    }
    return {**allowed, **changes}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{API}/$default/POST/users", True),
        (f"{API}/prod/POST/users", True),
        (f"{API}/$default/GET/users", False),
        (f"{API}/$default/POST/users/all", False),
        (f"{API}0/$default/POST/users", False),
    ],
)
def test_allows_the_route_of_the_permission_and_no_other(source: str, expected: bool) -> None:
    assert allows({"Statement": [statement()]}, FUNCTION, GATEWAY, source, "000000000000") is expected


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "sns.amazonaws.com"}},
        {"Principal": {"AWS": "000000000000"}},
        {"Action": "lambda:GetFunction"},
        {"Resource": f"{FUNCTION}:live"},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_allows_nothing_by_another_statement(changes: dict[str, Any]) -> None:
    policy = {"Statement": [statement(**changes)]}
    assert not allows(policy, FUNCTION, GATEWAY, f"{API}/$default/POST/users", "000000000000")


def test_allows_a_statement_without_conditions() -> None:
    policy = {"Statement": [statement(Condition={})]}
    assert allows(policy, FUNCTION, GATEWAY, f"{API}/$default/POST/users", "000000000000")


@pytest.mark.parametrize("policy", [None, {}, {"Statement": []}])
def test_allows_nothing_without_a_policy(policy: dict[str, Any] | None) -> None:
    assert not allows(policy, FUNCTION, GATEWAY, f"{API}/$default/POST/users", "000000000000")
