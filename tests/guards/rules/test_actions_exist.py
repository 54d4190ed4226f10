"""Actions that do not exist, and the ones that were meant."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.policies.misspelt import CALLS, SERVICES, meant_by
from constructs_lib.assembly.policies.resource_level import actions_of
from tests.guards.rules.judged import judged, ref, resource

ID = "actions-exist"


def policy(*actions: str, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "arn:aws:dynamodb:*:*:table/Users", **more}
    return resource("AWS::IAM::Policy", PolicyName="grants", PolicyDocument={"Statement": [statement]})


class TestMeantBy:
    @pytest.mark.parametrize(
        ("action", "instead"),
        [
            ("dynamodb:putitems", "dynamodb:PutItem"),
            ("dynamodb:getitms", "dynamodb:GetItem"),
            ("sqs:recievemessage", "sqs:ReceiveMessage"),
            ("secretsmanager:getsecretvalues", "secretsmanager:GetSecretValue"),
            ("s3:listobjects", "s3:ListBucket"),
            ("sqs:sendmessagebatch", "sqs:SendMessage"),
            ("stepfunctions:startexecution", "states:..."),
            ("putitem", "its service and a colon before it"),
        ],
    )
    def test_tells_what_to_write_instead(self, action: str, instead: str) -> None:
        assert meant_by(action) == instead

    @pytest.mark.parametrize("action", ["dynamodb:putitem", "s3:getobject", "s3:get*", "xray:puttracesegments"])
    def test_says_nothing_of_what_exists(self, action: str) -> None:
        assert meant_by(action) == ""

    @pytest.mark.parametrize(
        "action",
        [
            "*",
            "*:*",
            "d*:putitem",
            "new:action",
            "dynamodb:teleport",
            "lambda:stopfunction",
            "${action}",
        ],
    )
    def test_knows_nothing_of_what_may_be_new_or_is_decided_later(self, action: str) -> None:
        assert meant_by(action) is None

    def test_no_action_is_called_like_a_call_that_is_none(self) -> None:
        known = {
            f"{each.partition(':')[0]}:{name}".lower() for each in CALLS for name in actions_of(each.split(":")[0])
        }
        assert not known & CALLS.keys()
        assert not any(actions_of(each) for each in SERVICES)
        assert all(actions_of(each) for each in SERVICES.values())


class TestActionsExist:
    def test_warns_of_an_action_that_is_misspelt(self) -> None:
        assert judged(ID, {"Grants": policy("dynamodb:PutItems", "dynamodb:GetItem")}) == [
            (
                "warning: there is no action dynamodb:PutItems: the statement allows nothing by it\n"
                "  at:  Shop/Grants (AWS::IAM::Policy) PolicyDocument\n"
                "  fix: write dynamodb:PutItem"
            )
        ]

    def test_warns_of_a_misspelt_denial_of_a_bucket(self) -> None:
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObjects", "Resource": "*"}
        kept = resource("AWS::S3::BucketPolicy", Bucket=ref("Files"), PolicyDocument={"Statement": [deny]})
        [found] = judged(ID, {"Files": resource("AWS::S3::Bucket"), "Kept": kept})
        assert found.startswith("warning: there is no action s3:DeleteObjects: the statement denies nothing by it\n")

    def test_accepts_names_wildcards_and_what_may_be_new(self) -> None:
        actions = (
            "dynamodb:PutItem",
            "sqs:DeleteMessageBatch",
            "sqs:DeleteMessage",
            "DYNAMODB:putitem",
            "dynamodb:Get*",
            "*",
            "new:Action",
            "dynamodb:Teleport",
        )
        assert judged(ID, {"Grants": policy(*actions)}) == []
        parameter = {"Action": {"Type": "String"}}
        assert judged(ID, {"Grants": policy("x", Action=ref("Action"))}, Parameters=parameter) == []
