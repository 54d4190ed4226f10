"""Rules on what identities may do: wildcards, policies of AWS, shared roles, passing them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, ref, resource

ACTIONS, RESOURCES, NOT = "actions-are-named", "resources-are-named", "allow-names-what-is-allowed"
OWN, SHARED, PASS_ROLE = "policies-are-ones-own", "role-serves-one-function", "pass-role-names-its-role"
USERS = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users"


def statement(action: Any = "dynamodb:PutItem", resources: Any = USERS, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resources, **more}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Policy": resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": list(statements)})}


def firsts(said: list[str]) -> list[str]:
    return [each.split("\n")[0] for each in said]


class TestActions:
    def test_refuses_every_action_of_a_service(self) -> None:
        assert judged(ACTIONS, policy(statement("dynamodb:*"))) == [
            (
                "error: dynamodb:* allows every action of dynamodb by a wildcard, wanted are the names of actions\n"
                "  at:  Shop/Policy (AWS::IAM::ManagedPolicy) PolicyDocument\n"
                "  fix: name the actions that the code calls; `constructs-lib proof` lists them"
            )
        ]

    def test_refuses_every_action_there_is(self) -> None:
        assert firsts(judged(ACTIONS, policy(statement("*")))) == [
            "error: * allows every action by a wildcard, wanted are the names of actions"
        ]

    def test_warns_of_a_part_of_a_service(self) -> None:
        assert firsts(judged(ACTIONS, policy(statement(["s3:GetObject*", "s3:PutObject"])))) == [
            "warning: s3:GetObject* allows actions by a wildcard, wanted are the names of actions"
        ]

    def test_finds_the_inline_policies_of_a_role_and_of_a_user(self) -> None:
        inline = [{"PolicyName": "p", "PolicyDocument": {"Statement": statement("sqs:*")}}]
        holders = {
            "Role": resource("AWS::IAM::Role", Policies=inline),
            "User": resource("AWS::IAM::User", Policies=inline),
        }
        assert [each.split("\n")[1] for each in judged(ACTIONS, holders)] == [
            "  at:  Shop/Role (AWS::IAM::Role) Policies.*.PolicyDocument",
            "  at:  Shop/User (AWS::IAM::User) Policies.*.PolicyDocument",
        ]

    def test_warns_only_where_the_cdk_wrote_it(self) -> None:
        logical_id = "BucketNotificationsHandler050a0587b7544547bf325f094a3db834RoleDefaultPolicy2CF63D36"
        document = {"Statement": [statement("s3:*")]}
        [found] = judged(ACTIONS, {logical_id: resource("AWS::IAM::Policy", PolicyDocument=document)})
        assert found.startswith("warning: s3:* allows every action of s3")

    @pytest.mark.parametrize(
        "allowed",
        [
            statement(["dynamodb:PutItem", "dynamodb:GetItem"]),
            statement(["kms:GenerateDataKey*", "kms:ReEncrypt*"]),
            {"Effect": "Deny", "Action": "*", "Resource": "*"},
        ],
    )
    def test_passes_names_families_and_denials(self, allowed: dict[str, Any]) -> None:
        assert judged(ACTIONS, policy(allowed)) == []

    def test_passes_a_boundary(self) -> None:
        role = resource("AWS::IAM::Role", PermissionsBoundary=ref("Policy"))
        assert judged(ACTIONS, {**policy(statement("*")), "Role": role}) == []

    def test_says_what_it_cannot_tell(self) -> None:
        hidden = {"Policy": resource("AWS::IAM::Policy", PolicyDocument={"Fn::Transform": {"Name": "Macro"}})}
        assert judged(ACTIONS, hidden) == [
            (
                "unknown: which actions and resources a statement allows\n"
                "  at:  Shop/Policy (AWS::IAM::Policy)\n"
                "  why: Fn::Transform is decided while deploying"
            )
        ]


class TestResources:
    def test_refuses_every_resource_for_an_action_that_can_be_limited(self) -> None:
        assert judged(RESOURCES, policy(statement(["dynamodb:PutItem", "dynamodb:GetItem"], "*"))) == [
            (
                "error: dynamodb:GetItem, dynamodb:PutItem are allowed on every resource (*), and can be limited to "
                "those that "
                "are used\n"
                "  at:  Shop/Policy (AWS::IAM::ManagedPolicy) PolicyDocument\n"
                "  fix: name the ARN of each resource the code uses; our constructs' grants do"
            )
        ]

    @pytest.mark.parametrize(
        ("action", "resources", "severity"),
        [
            ("dynamodb:PutItem", "arn:aws:dynamodb:*:*:table/*", "error"),
            ("s3:GetObject", "arn:aws:s3:::*", "error"),
            ("s3:GetObject", "arn:aws:s3:::*/*", "error"),
            ("sqs:SendMessage", "arn:aws:sqs:*:*:*", "error"),
            ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:111122223333:function:*", "error"),
            (
                "lambda:InvokeFunction",
                {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:*"},
                "error",
            ),
            ("secretsmanager:GetSecretValue", [USERS, "*"], "error"),
            ("s3:*", "*", "error"),
            ("transcribe:GetTranscriptionJob", "arn:aws:transcribe:*:*:transcription-job/*", "warning"),
            ("logs:PutLogEvents", "*", "warning"),
            ("kafka:DescribeCluster", "*", "warning"),
            ("sns:Publish", "*", "warning"),
        ],
    )
    def test_tells_patterns_that_name_nothing(self, action: str, resources: object, severity: str) -> None:
        said = judged(RESOURCES, policy(statement(action, resources)))
        assert [each.partition(": ")[0] for each in said] == [severity]

    def test_warns_under_a_condition(self) -> None:
        limited = statement(resources="*", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})
        [found] = judged(RESOURCES, policy(limited))
        assert found.startswith("warning: dynamodb:PutItem is allowed on every resource (*)")

    @pytest.mark.parametrize(
        "allowed",
        [
            statement(),
            statement("dynamodb:Query", USERS + "/index/*"),
            statement("s3:GetObject", "arn:aws:s3:::pictures/*"),
            statement("s3:GetObject", {"Fn::Join": ["", [arn("Bucket"), "/*"]]}),
            statement(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
            statement(["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"], "*"),
            statement(["logs:CreateLogDelivery", "logs:PutResourcePolicy"], "*"),
            statement("cloudwatch:PutMetricData", "*"),
            statement("translate:TranslateText", "*"),
            statement("bedrock:InvokeModel", "arn:aws:bedrock:*::foundation-model/*"),
            statement(resources="*", Condition={"StringEquals": {"aws:ResourceTag/app": "shop"}}),
            statement("kms:Decrypt", "*", Condition={"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}),
            statement("iam:PassRole", "*"),
            {"Effect": "Deny", "Action": "dynamodb:PutItem", "Resource": "*"},
        ],
    )
    def test_passes_names_and_what_cannot_be_limited(self, allowed: dict[str, Any]) -> None:
        resources = {**policy(allowed), "Bucket": resource("AWS::S3::Bucket")}
        assert judged(RESOURCES, resources) == []

    def test_says_what_it_cannot_tell(self) -> None:
        assert judged(RESOURCES, policy(statement("newservice:DoIt", "*"))) == [
            (
                "unknown: whether newservice:DoIt can be limited to a resource\n"
                "  at:  Shop/Policy (AWS::IAM::ManagedPolicy)\n"
                "  why: the table of AWS's actions does not have it"
            )
        ]


class TestExceptions:
    def test_refuses_everything_but_something(self) -> None:
        allowed = {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}
        assert judged(NOT, policy(allowed)) == [
            (
                "error: NotAction in an Allow allows everything but iam:*, organizations:*\n"
                "  at:  Shop/Policy (AWS::IAM::ManagedPolicy) PolicyDocument\n"
                "  fix: name what is allowed in Action, or turn the statement into a Deny"
            )
        ]

    def test_refuses_every_resource_but_some(self) -> None:
        allowed = {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::private/*"}
        assert firsts(judged(NOT, policy(allowed))) == [
            "error: NotResource in an Allow allows everything but arn:aws:s3:::private/*"
        ]

    def test_passes_both_in_a_deny(self) -> None:
        denied = {"Effect": "Deny", "NotAction": "s3:GetObject", "NotResource": "arn:aws:s3:::public/*"}
        assert judged(NOT, policy(denied)) == []


def role(*managed: Any, **properties: Any) -> dict[str, Any]:
    return {"Role": resource("AWS::IAM::Role", ManagedPolicyArns=list(managed), **properties)}


class TestPoliciesOfAws:
    FIX = "write a policy with the actions and resources that are used, and attach that"

    def test_refuses_an_administrator(self) -> None:
        assert judged(OWN, role("arn:aws:iam::aws:policy/AdministratorAccess")) == [
            (
                "error: AdministratorAccess is a policy of AWS's own, which allows its actions on every resource "
                "there is\n"
                "  at:  Shop/Role (AWS::IAM::Role) ManagedPolicyArns\n"
                f"  fix: {self.FIX}"
            )
        ]

    @pytest.mark.parametrize(
        ("name", "severity"),
        [
            ("AmazonS3FullAccess", "error"),
            ("PowerUserAccess", "error"),
            ("SecretsManagerReadWrite", "error"),
            ("service-role/AWSLambdaBasicExecutionRole", "warning"),
            ("AmazonS3ReadOnlyAccess", "warning"),
            ("service-role/AmazonAPIGatewayPushToCloudWatchLogs", "info"),
        ],
    )
    def test_tells_how_bad_it_is(self, name: str, severity: str) -> None:
        parts = ["arn:", ref("AWS::Partition"), f":iam::aws:policy/{name}"]
        [found] = judged(OWN, role({"Fn::Join": ["", parts]}))
        assert found.startswith(f"{severity}: {name.rpartition('/')[2]} is a policy of AWS's own")

    def test_hints_only_where_the_cdk_wrote_it(self) -> None:
        logical_id = "CustomS3AutoDeleteObjectsCustomResourceProviderRole3B1BD092"
        managed = ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
        [found] = judged(OWN, {logical_id: resource("AWS::IAM::Role", ManagedPolicyArns=managed)})
        assert found.startswith("info: AWSLambdaBasicExecutionRole")

    def test_passes_policies_of_the_app_and_of_the_account(self) -> None:
        mine = {**policy(statement()), **role(ref("Policy"), "arn:aws:iam::111122223333:policy/Boundary")}
        assert judged(OWN, mine) == []


class TestSharedRoles:
    def test_warns_of_two_functions_with_one_role(self) -> None:
        shared = {**role(), "Show": function(Role=arn("Role")), "Delete": function(Role=arn("Role"))}
        assert judged(SHARED, shared) == [
            (
                "warning: 2 functions share role Role: Show, Delete\n"
                "  at:  Shop/Role (AWS::IAM::Role)\n"
                "  fix: give each function a role of its own, with what it alone needs"
            )
        ]

    def test_warns_of_a_role_that_is_given_from_outside(self) -> None:
        given = {"Show": function(Role=ref("Given")), "Delete": function(Role=ref("Given"))}
        [found] = judged(SHARED, given, Parameters={"Given": {"Type": "String"}})
        assert found.startswith("warning: 2 functions share role ${Given}: Show, Delete\n")

    def test_passes_a_role_for_each(self) -> None:
        other = {"Other": resource("AWS::IAM::Role")}
        apart = {**role(), **other, "Show": function(Role=arn("Role")), "Delete": function(Role=arn("Other"))}
        assert judged(SHARED, apart) == []


class TestPassRole:
    def test_refuses_to_pass_any_role(self) -> None:
        assert judged(PASS_ROLE, policy(statement("iam:PassRole", "*"))) == [
            (
                "error: iam:PassRole is allowed on every role (*), and with it what any of them may do\n"
                "  at:  Shop/Policy (AWS::IAM::ManagedPolicy) PolicyDocument\n"
                "  fix: name the ARN of the role that is passed, and to which service with iam:PassedToService"
            )
        ]

    @pytest.mark.parametrize("resources", ["arn:aws:iam::111122223333:role/*", "arn:aws:iam::*:role/*"])
    def test_refuses_every_role_of_an_account(self, resources: str) -> None:
        [found] = judged(PASS_ROLE, policy(statement("iam:Pass*", resources)))
        assert found.startswith("error: iam:PassRole is allowed on every role")

    def test_warns_when_it_is_said_to_whom(self) -> None:
        condition = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
        [found] = judged(PASS_ROLE, policy(statement("iam:PassRole", "*", Condition=condition)))
        assert found.startswith("warning: iam:PassRole is allowed on every role (*)")

    @pytest.mark.parametrize("resources", [arn("Role"), "arn:aws:iam::111122223333:role/shop-*"])
    def test_passes_the_name_of_a_role(self, resources: object) -> None:
        assert judged(PASS_ROLE, {**policy(statement("iam:PassRole", resources)), **role()}) == []
