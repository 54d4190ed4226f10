from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from constructs_lib.local.role_policies import RolePolicies

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/Users"


def policies(*statements: dict[str, Any]) -> RolePolicies:
    """The policies of a role with these statements inline, as IAM would answer."""
    document = json.dumps({"Statement": list(statements)})
    iam = SimpleNamespace(
        list_role_policies=lambda **_: {"PolicyNames": ["p"]},
        get_role_policy=lambda **_: {"PolicyDocument": document},
        list_attached_role_policies=lambda **_: {"AttachedPolicies": []},
    )
    return RolePolicies.read("role", cast("IAMClient", iam))


def allow(action: object = "dynamodb:GetItem", resource: object = TABLE, **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


class TestSurelyAllow:
    @pytest.mark.parametrize(
        "statement",
        [allow(), allow(["a:B", "dynamodb:GetItem"]), allow("DynamoDB:getitem"), allow("dynamodb:Get*"),
         allow("*", "*"), allow(resource=["x", TABLE]), allow(resource=TABLE[:-2] + "??")],
    )  # fmt: skip
    def test_says_yes_to_a_plain_grant(self, statement: dict[str, Any]) -> None:
        assert policies(statement).surely_allow("dynamodb:GetItem", TABLE)

    @pytest.mark.parametrize(
        "statements",
        [
            [],
            [allow("dynamodb:PutItem")],
            [allow(resource=TABLE + "/index/*")],
            [allow(Condition={"StringEquals": {"a": "b"}})],
            [allow(), {**allow("dynamodb:*"), "Effect": "Deny"}],
            [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}],
            [allow(resource="arn:aws:dynamodb:us-east-1:000000000000:table/[U]sers")],
        ],
    )
    def test_says_no_when_it_is_not_sure(self, statements: list[dict[str, Any]]) -> None:
        assert not policies(*statements).surely_allow("dynamodb:GetItem", TABLE)


class TestMayAllow:
    def test_says_yes_to_whatever_could(self) -> None:
        assert policies(allow(Condition={"x": {}})).may_allow("dynamodb:GetItem", TABLE)
        assert policies({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}).may_allow("dynamodb:GetItem", TABLE)

    def test_says_no_when_nothing_names_the_call(self) -> None:
        assert not policies(allow("dynamodb:PutItem")).may_allow("dynamodb:GetItem", TABLE)
        assert not policies({**allow(), "Effect": "Deny"}).may_allow("dynamodb:GetItem", TABLE)


def test_a_policy_of_awss_own_that_is_not_here_allows_nothing() -> None:
    def unknown(**_: str) -> None:
        raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "not found"}}, "GetPolicy")

    iam = SimpleNamespace(
        list_role_policies=lambda **_: {"PolicyNames": []},
        list_attached_role_policies=lambda **_: {"AttachedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/New"}]},
        get_policy=unknown,
    )
    assert not RolePolicies.read("role", cast("IAMClient", iam)).may_allow("dynamodb:GetItem", TABLE)
