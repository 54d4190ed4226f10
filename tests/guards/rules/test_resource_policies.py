"""Rules on the policies of resources, and on the keys of global tables."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import judged, resource

WHO, TABLE = "resource-policy-names-who", "global-table-is-encrypted"


def firsts(said: list[str]) -> list[str]:
    return [each.split("\n")[0] for each in said]


def guarded(kind: str, principal: Any, action: Any = "sqs:SendMessage", **more: Any) -> dict[str, Any]:
    told = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}
    return {"Policy": resource(kind, PolicyDocument={"Statement": [told]}, KeyPolicy={"Statement": [told]})}


QUEUE_POLICY, KEY = "AWS::SQS::QueuePolicy", "AWS::KMS::Key"


class TestResourcePolicies:
    @pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*", "111122223333"]}])
    def test_refuses_everybody(self, principal: Any) -> None:
        assert judged(WHO, guarded(QUEUE_POLICY, principal)) == [
            (
                "error: everybody in the world is allowed sqs:SendMessage (Principal *)\n"
                "  at:  Shop/Policy (AWS::SQS::QueuePolicy) PolicyDocument\n"
                "  fix: name accounts, roles or services in Principal, or add a condition on who it is"
            )
        ]

    @pytest.mark.parametrize(
        "kind",
        [
            "AWS::S3::BucketPolicy",
            "AWS::SNS::TopicPolicy",
            "AWS::KMS::Key",
        ],
    )
    def test_refuses_everybody_elsewhere(self, kind: str) -> None:
        assert len(judged(WHO, guarded(kind, "*"))) == 1

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringLike": {"aws:PrincipalOrgID": "*"}},
            {"ArnLike": {"aws:PrincipalArn": ["*", "*"]}},
            {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}},
            {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-1/*"}},
            {"Null": {"aws:PrincipalOrgID": "false"}},
        ],
    )
    def test_refuses_everybody_under_a_condition_that_anybody_meets(self, condition: dict[str, Any]) -> None:
        assert firsts(judged(WHO, guarded(QUEUE_POLICY, "*", Condition=condition))) == [
            "error: everybody in the world is allowed sqs:SendMessage (Principal *)"
        ]

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringLike": {"aws:PrincipalOrgID": "o-1*"}},
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}},
            {"Null": {"aws:PrincipalOrgID": "false"}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        ],
    )
    def test_accepts_a_condition_on_who_it_is(self, condition: dict[str, Any]) -> None:
        assert judged(WHO, guarded(QUEUE_POLICY, "*", Condition=condition)) == []

    def test_refuses_a_layer_for_everybody(self) -> None:
        kind = "AWS::Lambda::LayerVersionPermission"
        assert firsts(judged(WHO, {"Layer": resource(kind, Principal="*")})) == [
            "error: everybody in the world is allowed lambda:GetLayerVersion (Principal *)"
        ]
        assert judged(WHO, {"Layer": resource(kind, Principal="*", OrganizationId="o-1234567890")}) == []

    def test_refuses_everybody_but_one(self) -> None:
        told = {
            "Effect": "Allow",
            "NotPrincipal": {"AWS": "111122223333"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
        }
        policy = resource(QUEUE_POLICY, PolicyDocument={"Statement": [told]})
        assert firsts(judged(WHO, {"Policy": policy})) == [
            "error: everybody in the world is allowed sqs:SendMessage (NotPrincipal 111122223333)"
        ]

    def test_refuses_both_forms_of_a_bus_for_everybody(self) -> None:
        kind, expected = (
            "AWS::Events::EventBusPolicy",
            "error: everybody in the world is allowed events:PutEvents (Principal *)",
        )
        statement = {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}
        assert firsts(judged(WHO, {"Bus": resource(kind, Statement=statement)})) == [expected]
        assert firsts(judged(WHO, {"Bus": resource(kind, Principal="*", Action="events:PutEvents")})) == [expected]
        limited = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1234567890"}
        assert judged(WHO, {"Bus": resource(kind, Principal="*", Condition=limited)}) == []
        assert judged(WHO, {"Bus": resource(kind, Principal="111122223333")}) == []

    def test_refuses_a_replica_for_everybody(self) -> None:
        document = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": "*"}}
        replica = {"Region": "eu-west-1", "ResourcePolicy": {"PolicyDocument": document}}
        assert len(judged(WHO, {"Table": resource("AWS::DynamoDB::GlobalTable", Replicas=[replica])})) == 1

    def test_refuses_everybody_who_uses_tls(self) -> None:
        condition = {"Bool": {"aws:SecureTransport": "true"}}
        assert len(judged(WHO, guarded(QUEUE_POLICY, "*", Condition=condition))) == 1

    def test_warns_of_addresses(self) -> None:
        condition = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
        assert firsts(judged(WHO, guarded(QUEUE_POLICY, "*", Condition=condition))) == [
            (
                "warning: everybody in the world is allowed sqs:SendMessage (Principal *), from the addresses of "
                "aws:sourceip"
            )
        ]

    def test_warns_of_a_service_of_any_account(self) -> None:
        assert judged(WHO, guarded(QUEUE_POLICY, {"Service": "sns.amazonaws.com"})) == [
            (
                "warning: sns.amazonaws.com of any account is allowed sqs:SendMessage: the statement names no source\n"
                "  at:  Shop/Policy (AWS::SQS::QueuePolicy) PolicyDocument\n"
                "  fix: add a condition on aws:SourceArn or aws:SourceAccount"
            )
        ]

    @pytest.mark.parametrize(
        "policy",
        [
            guarded(QUEUE_POLICY, "*", Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu-west-1:1:placed"}}),
            guarded(QUEUE_POLICY, "*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}),
            guarded(QUEUE_POLICY, {"AWS": "arn:aws:iam::111122223333:root"}),
            guarded(QUEUE_POLICY, "*", Effect="Deny"),
            guarded(KEY, {"Service": "sns.amazonaws.com"}, "kms:Decrypt"),
            guarded(
                QUEUE_POLICY, {"Service": "sns.amazonaws.com"}, Condition={"StringEquals": {"AWS:SourceAccount": "1"}}
            ),
        ],
    )
    def test_passes_who_is_named(self, policy: dict[str, Any]) -> None:
        assert judged(WHO, policy) == []

    def test_says_what_it_cannot_tell(self) -> None:
        hidden = {"Policy": resource(QUEUE_POLICY, PolicyDocument={"Fn::Transform": {"Name": "Macro"}})}
        assert judged(WHO, hidden) == [
            (
                "unknown: whom the policy allows something\n"
                "  at:  Shop/Policy (AWS::SQS::QueuePolicy)\n"
                "  why: Fn::Transform is decided while deploying"
            )
        ]


class TestGlobalTables:
    @pytest.mark.parametrize("told", [{}, {"SSESpecification": {"SSEEnabled": False}}])
    def test_warns_of_a_key_that_nobody_controls(self, told: dict[str, Any]) -> None:
        assert judged(TABLE, {"Table": resource("AWS::DynamoDB::GlobalTable", **told)}) == [
            (
                "warning: the items of the table are encrypted under a key that the account does not control\n"
                "  at:  Shop/Table (AWS::DynamoDB::GlobalTable) SSESpecification.SSEEnabled\n"
                "  fix: set SSEEnabled to true (TableV2: encryption=TableEncryptionV2.aws_managed_key())"
            )
        ]

    def test_passes_a_key_of_the_account(self) -> None:
        table = resource("AWS::DynamoDB::GlobalTable", SSESpecification={"SSEEnabled": "true", "SSEType": "KMS"})
        assert judged(TABLE, {"Table": table}) == []

    def test_says_what_it_cannot_tell(self) -> None:
        told = {"SSEEnabled": {"Fn::Transform": {"Name": "Macro"}}}
        [found] = judged(TABLE, {"Table": resource("AWS::DynamoDB::GlobalTable", SSESpecification=told)})
        assert found.startswith("unknown: whether the table is encrypted\n")
