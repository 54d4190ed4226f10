"""Rules on who may assume a role."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, ref, resource

TRUST = "trust-names-who-assumes"
GITHUB = "token.actions.githubusercontent.com"


def firsts(said: list[str]) -> list[str]:
    return [each.split("\n")[0] for each in said]


def role(**properties: Any) -> dict[str, Any]:
    return {"Role": resource("AWS::IAM::Role", **properties)}


def trusted(principal: object, **more: Any) -> dict[str, Any]:
    document = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}]}
    return role(AssumeRolePolicyDocument=document)


class TestTrust:
    FIX = "name who may assume it in Principal, or add a condition on who it is"

    @pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
    def test_refuses_trust_in_everybody(self, principal: object) -> None:
        assert judged(TRUST, trusted(principal)) == [
            (
                "error: everybody in the world may assume the role (Principal *)\n"
                "  at:  Shop/Role (AWS::IAM::Role) AssumeRolePolicyDocument\n"
                f"  fix: {self.FIX}"
            )
        ]

    def test_refuses_a_federation_without_a_condition(self) -> None:
        assert firsts(judged(TRUST, trusted({"Federated": "cognito-identity.amazonaws.com"}))) == [
            (
                "error: a federation without a condition lets in everybody who can log in there: "
                "cognito-identity.amazonaws.com"
            )
        ]

    @pytest.mark.parametrize(
        ("condition", "count"),
        [
            ({}, 1),
            ({"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, 1),
            ({"StringLike": {f"{GITHUB}:sub": "repo:*"}}, 1),
            ({"StringLike": {f"{GITHUB}:sub": "repo:example/shop:*"}}, 0),
        ],
    )
    def test_asks_github_for_more_than_the_audience(self, condition: dict[str, Any], count: int) -> None:
        provider = {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"}
        assert len(judged(TRUST, trusted(provider, Condition=condition))) == count

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringLike": {"aws:PrincipalOrgID": "*"}},
            {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}},
            {"Null": {"aws:PrincipalOrgID": "false"}},
        ],
    )
    def test_refuses_everybody_under_a_condition_that_anybody_meets(self, condition: dict[str, Any]) -> None:
        assert firsts(judged(TRUST, trusted("*", Condition=condition))) == [
            "error: everybody in the world may assume the role (Principal *)"
        ]

    def test_refuses_everybody_but_one(self) -> None:
        told = {"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
        assert firsts(judged(TRUST, role(AssumeRolePolicyDocument={"Statement": [told]}))) == [
            "error: everybody in the world may assume the role (NotPrincipal 111122223333)"
        ]

    def test_says_what_it_cannot_tell(self) -> None:
        [found] = judged(TRUST, role(AssumeRolePolicyDocument={"Fn::Transform": {"Name": "Macro"}}))
        assert found.startswith("unknown: who may assume the role\n")

    @pytest.mark.parametrize(
        "trust",
        [
            trusted({"Service": "lambda.amazonaws.com"}),
            trusted({"AWS": "arn:aws:iam::111122223333:role/deploy"}),
            trusted({"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}),
            trusted("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}),
            trusted(
                {"Federated": "cognito-identity.amazonaws.com"},
                Condition={"StringEquals": {"cognito-identity.amazonaws.com:aud": "pool"}},
            ),
        ],
    )
    def test_passes_who_is_named(self, trust: dict[str, Any]) -> None:
        assert judged(TRUST, trust) == []


class TestServices:
    RULE = "role-trusts-its-service"

    def test_refuses_a_role_that_its_service_may_not_assume(self) -> None:
        shared = {**trusted({"Service": "states.amazonaws.com"}), "Send": function(Role=arn("Role"))}
        assert judged(self.RULE, shared) == [
            (
                "error: lambda.amazonaws.com may not assume role Role, which it has to for Send\n"
                "  at:  Shop/Role (AWS::IAM::Role) AssumeRolePolicyDocument\n"
                "  fix: allow sts:AssumeRole to the service lambda.amazonaws.com in AssumeRolePolicyDocument"
            )
        ]

    @pytest.mark.parametrize(
        ("kind", "properties", "service"),
        [
            ("AWS::StepFunctions::StateMachine", {"RoleArn": arn("Role")}, "states"),
            ("AWS::Scheduler::Schedule", {"Target": {"RoleArn": arn("Role")}}, "scheduler"),
            ("AWS::Pipes::Pipe", {"RoleArn": arn("Role")}, "pipes"),
            ("AWS::Events::Rule", {"Targets": [{"RoleArn": arn("Role")}]}, "events"),
        ],
    )
    def test_asks_for_the_service_of_each_type(self, kind: str, properties: dict[str, Any], service: str) -> None:
        given: dict[str, Any] = {"Given": resource(kind, **properties)}
        assert judged(self.RULE, {**trusted({"Service": f"{service}.amazonaws.com"}), **given}) == []
        [found] = judged(self.RULE, {**trusted({"Service": "ec2.amazonaws.com"}), **given})
        assert found.startswith(f"error: {service}.amazonaws.com may not assume role Role")

    @pytest.mark.parametrize(
        "principal",
        [
            {"Service": ["edgelambda.amazonaws.com", "lambda.amazonaws.com"]},
            {"Service": {"Fn::Sub": "lambda.${AWS::Region}.amazonaws.com"}},
            {"Service": {"Fn::Join": ["", ["lambda.", ref("AWS::URLSuffix")]]}},
        ],
    )
    def test_passes_every_way_to_name_it(self, principal: Any) -> None:
        assert judged(self.RULE, {**trusted(principal), "Send": function(Role=arn("Role"))}) == []

    def test_says_what_it_cannot_tell(self) -> None:
        shared = {**trusted({"Service": ref("Given")}), "Send": function(Role=arn("Role"))}
        assert judged(self.RULE, shared, Parameters={"Given": {"Type": "String"}}) == [
            (
                "unknown: whether lambda.amazonaws.com may assume the role\n"
                "  at:  Shop/Role (AWS::IAM::Role)\n"
                "  why: a principal of it is only known when it is deployed"
            )
        ]
