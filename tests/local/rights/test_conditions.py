"""What policies say besides actions and resources, seen by a role that reads one item.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local.rights.callers import ACCOUNT, allow, arn, deny

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.local.rights.callers import Caller, Callers

MINE, OTHER = arn("dynamodb", "table/mine"), arn("dynamodb", "table/other")
ITEM = {"id": {"S": "ada"}}


def may_read(who: Caller) -> bool:
    return not who.denial("dynamodb", "get_item", TableName="mine", Key=ITEM)


class TestOperators:
    @pytest.mark.parametrize(
        "condition",
        [
            {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
            {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}},
            {"Bool": {"aws:SecureTransport": "true"}},
            {"Bool": {"aws:SecureTransport": True}},
            {"Bool": {"aws:ViaAWSService": "false"}},
            {"Bool": {"aws:PrincipalIsAWSService": "false"}},
            {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            {"Null": {"aws:PrincipalTag/absent": "true"}},
            {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}},
            {"StringEqualsIgnoreCase": {"aws:RequestedRegion": "US-EAST-1"}},
            {"StringLike": {"aws:RequestedRegion": "us-*-?"}},
            {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}},
            {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}},
            {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/role-*"}},
            {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
            {"NumericGreaterThan": {"aws:EpochTime": "1000"}},
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
        ],
    )
    def test_allows_when_the_condition_holds(self, aws: Callers, condition: Mapping[str, Any]) -> None:
        assert may_read(aws.who_may(allow("dynamodb:GetItem", MINE, Condition=condition)))

    @pytest.mark.parametrize(
        "condition",
        [
            {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}},
            {"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}},
            {"Bool": {"aws:SecureTransport": "false"}},
            {"Null": {"aws:PrincipalTag/absent": "false"}},
            {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}},
            {"StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalAccount": "1"}},
            {"StringEquals": {"aws:SourceVpc": "vpc-1"}},
            {"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team}"}},
            {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::x"}},
            {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/*/session"}},
            {"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}},
            {"StringMisspelt": {"aws:RequestedRegion": "us-east-1"}},
        ],
    )
    def test_denies_when_it_does_not(self, aws: Callers, condition: Mapping[str, Any]) -> None:
        assert not may_read(aws.who_may(allow("dynamodb:GetItem", MINE, Condition=condition)))


class TestElements:
    @pytest.mark.parametrize(
        ("statements", "expected"),
        [
            ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], True),
            ([{"Effect": "Allow", "NotAction": "dynamodb:Get*", "Resource": "*"}], False),
            ([{"Effect": "Allow", "Action": "dynamodb:*", "NotResource": MINE}], False),
            ([{"Effect": "Allow", "Action": "dynamodb:*", "NotResource": OTHER}], True),
            ([allow("*"), {"Effect": "Deny", "Action": "*", "NotResource": OTHER}], False),
            ([allow("*"), deny("dynamodb:GetItem", MINE)], False),
            ([allow("DYNAMODB:getitem", MINE)], True),
            ([allow("dynamodb:GetItem", MINE.upper())], False),
            ([allow("dynamodb:GetItem", MINE[:-1] + "?")], True),
        ],
    )
    def test_are_read_as_aws_reads_them(
        self, aws: Callers, statements: list[Mapping[str, Any]], *, expected: bool
    ) -> None:
        assert may_read(aws.who_may(*statements)) is expected

    def test_a_variable_in_a_resource_is_filled_in(self, aws: Callers) -> None:
        own = allow("dynamodb:GetItem", arn("dynamodb", "table/${aws:PrincipalTag/table}"))
        assert may_read(aws.who_may(own, tags={"table": "mine"}))
        assert not may_read(aws.who_may(own, tags={"table": "other"}))
        assert not may_read(aws.who_may(own)), "without the tag it fits nothing"

    def test_a_variable_may_have_a_default(self, aws: Callers) -> None:
        assert may_read(aws.who_may(allow("dynamodb:GetItem", arn("dynamodb", "table/${aws:PrincipalTag/t, 'mine'}"))))

    def test_an_escaped_star_is_a_star(self, aws: Callers) -> None:
        condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1${*}"}}
        assert not may_read(aws.who_may(allow("dynamodb:GetItem", MINE, Condition=condition)))


class TestLimits:
    def test_a_boundary_and_a_session_policy_narrow_what_the_role_may(self, aws: Callers) -> None:
        everything, reading, writing = allow("dynamodb:*"), allow("dynamodb:Get*"), allow("dynamodb:Put*")
        assert may_read(aws.who_may(everything, boundary=[reading], session=[reading]))
        assert not may_read(aws.who_may(everything, boundary=[writing], session=[reading]))
        assert not may_read(aws.who_may(everything, boundary=[reading], session=[writing]))
        assert not may_read(aws.who_may(boundary=[reading], session=[reading])), "limits alone allow nothing"


class TestLeadingKeys:
    OWN = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ada"]}}

    @pytest.mark.parametrize(
        ("operation", "arguments"),
        [
            ("get_item", {"TableName": "mine", "Key": {"id": {"S": "{}"}}}),
            ("put_item", {"TableName": "mine", "Item": {"id": {"S": "{}"}}}),
            ("batch_get_item", {"RequestItems": {"mine": {"Keys": [{"id": {"S": "{}"}}]}}}),
            ("batch_write_item", {"RequestItems": {"mine": [{"PutRequest": {"Item": {"id": {"S": "{}"}}}}]}}),
            (
                "transact_write_items",
                {"TransactItems": [{"Put": {"TableName": "mine", "Item": {"id": {"S": "{}"}}}}]},
            ),
            (
                "query",
                {
                    "TableName": "mine",
                    "KeyConditionExpression": "#k = :v",
                    "ExpressionAttributeNames": {"#k": "id"},
                    "ExpressionAttributeValues": {":v": {"S": "{}"}},
                },
            ),
            (
                "query",
                {
                    "TableName": "mine",
                    "IndexName": "by-group",
                    "KeyConditionExpression": "#g=:v",
                    "ExpressionAttributeNames": {"#g": "group"},
                    "ExpressionAttributeValues": {":v": {"S": "{}"}},
                },
            ),
        ],
    )
    def test_only_items_of_that_key_may_be_touched(
        self, aws: Callers, operation: str, arguments: Mapping[str, Any]
    ) -> None:
        who = aws.who_may(allow("dynamodb:*", [MINE, f"{MINE}/index/*"], Condition=self.OWN))
        assert not who.denial("dynamodb", operation, **filled(arguments, "ada"))
        assert who.denial("dynamodb", operation, **filled(arguments, "grace"))


class TestAttributes:
    @pytest.mark.parametrize(
        ("operation", "more"),
        [
            ("get_item", {"ProjectionExpression": "id, {}"}),
            ("update_item", {"UpdateExpression": "SET {} = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}),
            ("delete_item", {"ConditionExpression": "attribute_not_exists({})"}),
        ],
    )
    def test_only_these_attributes_may_be_named(self, aws: Callers, operation: str, more: Mapping[str, Any]) -> None:
        named = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "email"]}}
        who = aws.who_may(allow("dynamodb:*", MINE, Condition=named))
        arguments = {"TableName": "mine", "Key": ITEM, **more}
        assert not who.denial("dynamodb", operation, **filled(arguments, "email"))
        assert who.denial("dynamodb", operation, **filled(arguments, "salary"))

    def test_only_these_may_be_written(self, aws: Callers) -> None:
        named = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "email"]}}
        who = aws.who_may(allow("dynamodb:PutItem", MINE, Condition=named))
        assert not who.denial("dynamodb", "put_item", TableName="mine", Item={**ITEM, "email": {"S": "x"}})
        assert who.denial("dynamodb", "put_item", TableName="mine", Item={**ITEM, "salary": {"S": "x"}})


def filled(value: Any, text: str) -> Any:
    """The value with the text in place of braces."""
    if isinstance(value, dict):
        return {key: filled(each, text) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, text) for each in value]
    return value.replace("{}", text) if isinstance(value, str) else value
