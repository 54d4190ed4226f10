"""What Lambda refuses of a function, and what its role has to allow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, ids, judged, mapping, ref, resource

AT = "  at:  Shop/Send (AWS::Lambda::Function)"
TABLE: dict[str, Any] = resource("AWS::DynamoDB::Table", StreamSpecification={"StreamViewType": "KEYS_ONLY"})


def role(*statements: dict[str, Any], managed: tuple[str, ...] = ()) -> dict[str, Any]:
    policies = [{"PolicyName": "grants", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    arns = [f"arn:aws:iam::aws:policy/service-role/{each}" for each in managed]
    return resource("AWS::IAM::Role", Policies=policies, ManagedPolicyArns=arns)


def allow(action: str | list[str], on: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": on}


class TestFunctionSettingsAreOnesLambdaTakes:
    ID = "function-settings-are-ones-lambda-takes"

    def test_refuses_more_than_there_is(self) -> None:
        assert judged(self.ID, {"Send": function(MemorySize=10_241)}) == [
            (
                "error: MemorySize is 10,241 MiB, and Lambda gives 10,240 MiB at most\n"
                f"{AT} MemorySize\n"
                "  fix: ask for 10,240 MiB or less, or run it as an ECS task"
            )
        ]
        assert ids(self.ID, {"Send": function(EphemeralStorage={"Size": 10_241})}) == [f"{self.ID}[Size]"]
        assert judged(self.ID, {"Send": function(MemorySize=10_240, EphemeralStorage={"Size": 10_240})}) == []

    def test_refuses_variables_that_lambda_sets(self) -> None:
        variables = {"AWS_REGION": "eu-west-1", "_HANDLER": "x", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/x", "STAGE": "prod"}
        assert ids(self.ID, {"Send": function(Environment={"Variables": variables})}) == [
            f"{self.ID}[AWS_REGION]",
            f"{self.ID}[_HANDLER]",
        ]

    def test_refuses_warm_environments_of_latest_and_more_than_are_reserved(self) -> None:
        warm: dict[str, Any] = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2}}
        alias = resource("AWS::Lambda::Alias", FunctionName=ref("Send"), FunctionVersion="$LATEST", Name="live", **warm)
        assert ids(self.ID, {"Send": function(ReservedConcurrentExecutions=1), "Live": alias}) == [
            f"{self.ID}[FunctionVersion]",
            f"{self.ID}[ProvisionedConcurrentExecutions]",
        ]
        numbered = resource("AWS::Lambda::Alias", FunctionName=ref("Send"), FunctionVersion="3", Name="live", **warm)
        for reserved in ({}, {"ReservedConcurrentExecutions": 2}):
            assert judged(self.ID, {"Send": function(**reserved), "Live": numbered}) == []

    def test_refuses_what_does_not_go_with_snapshots(self) -> None:
        snaps: dict[str, Any] = {"Runtime": "python3.14", "SnapStart": {"ApplyOn": "PublishedVersions"}}
        assert judged(self.ID, {"Send": function(**snaps, EphemeralStorage={"Size": 513})}) == [
            (
                "error: it is to start from snapshots, and /tmp has 513 MiB: 512 at most go with them\n"
                f"{AT} SnapStart.ApplyOn\n"
                "  fix: leave out one of the two"
            )
        ]
        assert len(judged(self.ID, {"Send": function(**snaps, FileSystemConfigs=[{"Arn": "x"}])})) == 1
        for runtime in ("nodejs24.x", "ruby3.4", "provided.al2023", "python3.9", "python3.11", "dotnet6", "java8.al2"):
            assert len(judged(self.ID, {"Send": function(**{**snaps, "Runtime": runtime})})) == 1, runtime
        for runtime in ("python3.12", "java11", "java8.al2023", "dotnet8", "dotnet10"):
            said = judged(self.ID, {"Send": function(**{**snaps, "Runtime": runtime})})
            assert said == [], runtime
        assert len(judged(self.ID, {"Send": function(SnapStart=snaps["SnapStart"], PackageType="Image")})) == 1
        warm: dict[str, Any] = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2}}
        alias = resource("AWS::Lambda::Alias", FunctionName=ref("Send"), FunctionVersion="1", Name="live", **warm)
        assert ids(self.ID, {"Send": function(**snaps), "Live": alias}) == [f"{self.ID}[SnapStart]"]
        assert judged(self.ID, {"Send": function(**snaps, EphemeralStorage={"Size": 512})}) == []
        off = {**snaps, "SnapStart": {"ApplyOn": "None"}}
        assert judged(self.ID, {"Send": function(**off, EphemeralStorage={"Size": 1024}), "Live": alias}) == []


class TestStreamMappingIsOneLambdaTakes:
    ID = "stream-mapping-is-one-lambda-takes"
    STREAM: dict[str, Any] = {"Fn::GetAtt": ["Users", "StreamArn"]}

    def test_refuses_a_mapping_that_begins_nowhere(self) -> None:
        resources = {"Send": function(), "Users": TABLE, "Reads": mapping(self.STREAM)}
        assert judged(self.ID, resources) == [
            (
                "error: it does not say from where it reads Users, and Lambda refuses it\n"
                "  at:  Shop/Reads (AWS::Lambda::EventSourceMapping) StartingPosition\n"
                "  fix: set StartingPosition to LATEST, or to TRIM_HORIZON for what is there already"
            )
        ]

    def test_refuses_a_table_without_a_stream(self) -> None:
        reads = mapping(self.STREAM, StartingPosition="LATEST")
        [found] = judged(self.ID, {"Send": function(), "Users": resource("AWS::DynamoDB::Table"), "Reads": reads})
        assert found.startswith("error: Reads reads its stream, and it has none\n  at:  Shop/Users ")
        assert judged(self.ID, {"Send": function(), "Users": TABLE, "Reads": reads}) == []

    def test_accepts_queues(self) -> None:
        resources = {"Send": function(), "Jobs": resource("AWS::SQS::Queue"), "Reads": mapping("Jobs")}
        assert judged(self.ID, resources) == []


class TestFunctionMayDoWhatLambdaAsks:
    ID = "function-may-do-what-lambda-asks"
    ALL: dict[str, Any] = {
        "Role": arn("Role"),
        "TracingConfig": {"Mode": "Active"},
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    }

    def test_warns_of_a_role_that_may_not_log(self) -> None:
        assert judged(self.ID, {"Send": function(Role=arn("Role")), "Role": role()}) == [
            (
                "warning: Role does not allow logs:PutLogEvents: nothing that the function logs is kept\n"
                f"{AT} Role\n"
                "  fix: allow logs:PutLogEvents in a policy of the role"
            )
        ]

    def test_refuses_a_vpc_without_interfaces_and_names_what_lacks(self) -> None:
        found = judged(self.ID, {"Send": function(**self.ALL), "Role": role(allow("ec2:DescribeNetworkInterfaces"))})
        assert [each.partition("\n")[0] for each in found] == [
            (
                "error: Role does not allow ec2:CreateNetworkInterface, ec2:DeleteNetworkInterface: "
                "Lambda refuses to put the function into its VPC"
            ),
            "warning: Role does not allow logs:PutLogEvents: nothing that the function logs is kept",
            "warning: Role does not allow xray:PutTraceSegments: its traces are lost",
        ]

    @pytest.mark.parametrize(
        "held",
        [
            role(allow(["logs:*", "xray:Put*", "ec2:*NetworkInterface*"])),
            role(allow("*")),
            role(allow("xray:PutTraceSegments"), managed=("AWSLambdaVPCAccessExecutionRole",)),
            role(managed=("AWSLambdaBasicExecutionRole", "AWSLambdaENIManagementAccess", "AWSXRayDaemonWriteAccess")),
        ],
    )
    def test_accepts_the_actions_and_policies_of_aws(self, held: dict[str, Any]) -> None:
        assert judged(self.ID, {"Send": function(**self.ALL), "Role": held}) == []

    def test_says_what_a_policy_outside_of_the_templates_may_hold(self) -> None:
        [found] = judged(self.ID, {"Send": function(Role=arn("Role")), "Role": role(managed=("Ours",))})
        assert found.startswith("unknown: whether Role allows logs:PutLogEvents\n")
        assert judged(self.ID, {"Send": function(Role="arn:aws:iam::123456789012:role/theirs")}) == []


class TestEnvironmentNamesWhatMayBeUsed:
    ID = "environment-names-what-may-be-used"

    @staticmethod
    def sends(value: Any, *statements: dict[str, Any], **more: Any) -> dict[str, Any]:
        told = {"Variables": {"IT": value}}
        return {"Send": function(Environment=told, Role=arn("Role")), "Role": role(*statements), **more}

    def test_warns_of_a_table_that_nothing_is_allowed_on(self) -> None:
        other = allow("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/Others")
        assert judged(self.ID, self.sends(ref("Users"), allow("sqs:SendMessage"), other, Users=TABLE)) == [
            (
                "warning: its variable IT names Users, and Role allows no action of dynamodb on it\n"
                f"{AT} Environment.Variables.IT\n"
                "  fix: allow what the code calls (dynamodb:GetItem perhaps) on "
                "arn:${AWS::Partition}:dynamodb:${AWS::Region of Shop}:${AWS::AccountId of Shop}:table/${Users}, "
                "or leave the variable out"
            )
            .replace("${AWS::Partition}", "aws")
            .replace(" of Shop", "")
        ]

    @pytest.mark.parametrize(
        ("value", "made"),
        [
            (ref("It"), resource("AWS::SQS::Queue")),
            (arn("It"), resource("AWS::SNS::Topic")),
            (ref("It"), resource("AWS::SecretsManager::Secret")),
            (ref("It"), resource("AWS::StepFunctions::StateMachine")),
        ],
    )
    def test_warns_of_others_by_name_arn_or_url(self, value: Any, made: dict[str, Any]) -> None:
        named = ref("It") if made["Type"] == "AWS::SNS::Topic" else value
        assert len(judged(self.ID, self.sends(named, It=made))) == 1

    @pytest.mark.parametrize(
        "statement",
        [
            allow("dynamodb:PutItem", arn("Users")),
            allow("dynamodb:Query", {"Fn::Join": ["", [arn("Users"), "/index/by_email"]]}),
            allow("dynamodb:*", "*"),
            allow("*", "*"),
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            allow("dynamodb:Get*", "arn:aws:dynamodb:*:*:table/*"),
        ],
    )
    def test_accepts_any_action_on_it(self, statement: dict[str, Any]) -> None:
        assert judged(self.ID, self.sends(ref("Users"), statement, Users=TABLE)) == []

    def test_accepts_what_is_let_in_by_its_own_policy_and_what_is_only_part_of_a_text(self) -> None:
        principal = {"Principal": {"AWS": arn("Role")}}
        let_in = {"Statement": [{**allow("sqs:SendMessage"), **principal}]}
        policy = resource("AWS::SQS::QueuePolicy", Queues=[ref("It")], PolicyDocument=let_in)
        assert judged(self.ID, self.sends(ref("It"), It=resource("AWS::SQS::Queue"), Policy=policy)) == []
        assert judged(self.ID, self.sends({"Fn::Sub": "see ${Users}"}, Users=TABLE)) == []
        assert judged(self.ID, self.sends("Users", Users=TABLE)) == []
