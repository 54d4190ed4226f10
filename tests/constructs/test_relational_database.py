"""A relational database: what is defined, and who may reach it."""

from __future__ import annotations

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms

from constructs_lib import (
    Defaults,
    QueueWorker,
    RelationalDatabase,
    assert_guarded,
)
from tests.constructs.databases import ENTRY, function, only
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of


class TestDefaults:
    def test_the_cluster_is_encrypted_protected_recoverable_and_speaks_tls_alone(self, stack: cdk.Stack) -> None:
        RelationalDatabase(stack, "Ledger", database_name="ledger")
        template = template_of(stack)
        cluster = only(template, "AWS::RDS::DBCluster")
        wanted = {
            "BackupRetentionPeriod": 14,
            "CopyTagsToSnapshot": True,
            "DatabaseName": "ledger",
            "DeletionProtection": True,
            "EnableCloudwatchLogsExports": ["postgresql"],
            "EnableHttpEndpoint": True,
            "EnableIAMDatabaseAuthentication": True,
            "Engine": "aurora-postgresql",
            "ManageMasterUserPassword": True,
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4},
            "StorageEncrypted": True,
        }
        assert wanted.items() <= cluster["Properties"].items()
        assert "MasterUserPassword" not in cluster["Properties"]
        assert cluster["DeletionPolicy"] == cluster["UpdateReplacePolicy"] == "Snapshot"
        parameters = only(template, "AWS::RDS::DBClusterParameterGroup")
        assert parameters["Properties"]["Parameters"] == {"rds.force_ssl": "1"}
        instance = only(template, "AWS::RDS::DBInstance")["Properties"]
        assert instance["PubliclyAccessible"] is False
        assert instance["AutoMinorVersionUpgrade"] is True
        assert instance["EnablePerformanceInsights"] is False

    def test_the_proxy_takes_tokens_over_tls_and_has_no_secret(self, stack: cdk.Stack) -> None:
        Defaults(tags={"team": "ledger"}).apply(stack)
        RelationalDatabase(stack, "Ledger")
        template = template_of(stack)
        proxy = only(template, "AWS::RDS::DBProxy")["Properties"]
        assert proxy["Tags"] == [{"Key": "team", "Value": "ledger"}]
        assert proxy["DefaultAuthScheme"] == "IAM_AUTH"
        assert proxy["RequireTLS"] is True
        assert "Auth" not in proxy
        targets = only(template, "AWS::RDS::DBProxyTargetGroup")["Properties"]
        assert "Tags" not in targets
        assert targets["ConnectionPoolConfigurationInfo"]["MaxConnectionsPercent"] == 90

    def test_logs_of_cluster_and_proxy_are_kept_as_long_as_all_others(self, stack: cdk.Stack) -> None:
        RelationalDatabase(stack, "Ledger")
        template = template_of(stack)
        groups = resources_of(template, "AWS::Logs::LogGroup")
        for kind, named, path in (
            ("AWS::RDS::DBCluster", "DBClusterIdentifier", "/aws/rds/cluster/{}/postgresql"),
            ("AWS::RDS::DBProxy", "DBProxyName", "/aws/rds/proxy/{}"),
        ):
            writer = only(template, kind)
            name = path.format(writer["Properties"][named])
            [found] = [key for key, each in groups.items() if each["Properties"].get("LogGroupName") == name]
            assert groups[found]["Properties"]["RetentionInDays"] == 30
            assert found in writer["DependsOn"]

    def test_mysql_forces_tls_in_its_own_way(self, stack: cdk.Stack) -> None:
        RelationalDatabase(stack, "Ledger", engine="mysql")
        template = template_of(stack)
        cluster = only(template, "AWS::RDS::DBCluster")["Properties"]
        assert cluster["Engine"] == "aurora-mysql"
        assert cluster["EnableCloudwatchLogsExports"] == ["audit", "error", "general", "slowquery"]
        parameters = only(template, "AWS::RDS::DBClusterParameterGroup")["Properties"]["Parameters"]
        assert parameters == {"require_secure_transport": "ON"}

    def test_insights_come_with_the_memory_for_them(self, stack: cdk.Stack) -> None:
        RelationalDatabase(stack, "Ledger", min_capacity=2, readers=1)
        for instance in resources_of(template_of(stack), "AWS::RDS::DBInstance").values():
            assert instance["Properties"]["EnablePerformanceInsights"] is True

    @pytest.mark.parametrize("engine", ["postgresql", "mysql"])
    @pytest.mark.parametrize("data_api", [True, False])
    def test_nothing_is_found_by_nag_or_the_guards(self, app: cdk.App, engine: Any, data_api: bool) -> None:
        stack = cdk.Stack(app, "Shop")
        database = RelationalDatabase(stack, "Ledger", engine=engine, data_api=data_api)
        worker = QueueWorker(stack, "Post", entry=ENTRY, reserved_concurrency=5)
        if data_api:
            database.grant_data_api(worker, "ExecuteStatement", user="ledger_writer")
        else:
            database.grant_connect(worker, user="ledger_writer")
        assert findings_of(stack) == []
        assert_guarded(app)

    def test_two_of_a_kind_share_no_name(self, stack: cdk.Stack) -> None:
        for scope in (cdk.NestedStack(stack, "One"), stack):
            RelationalDatabase(scope, "Ledger")
        RelationalDatabase(stack, "Other")
        names = [
            each["Properties"]["DBClusterIdentifier"]
            for each in resources_of(template_of(stack), "AWS::RDS::DBCluster").values()
        ]
        assert len(set(names)) == len(names) == 2
        assert all(len(name) <= 60 and "--" not in name and name == name.lower() for name in names)


class TestDataApi:
    def test_has_no_proxy_and_may_pause(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger", data_api=True)
        template = template_of(stack)
        assert database.proxy is None
        assert resources_of(template, "AWS::RDS::DBProxy") == {}
        scaling = only(template, "AWS::RDS::DBCluster")["Properties"]["ServerlessV2ScalingConfiguration"]
        assert scaling["MinCapacity"] == 0

    def test_a_function_runs_statements_with_the_secret_of_its_own_user(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger", data_api=True)
        ask = function(stack, "Ask", reserved=None)
        database.grant_data_api(ask, "ExecuteStatement", "BeginTransaction", user="ledger_reader")
        template = template_of(stack)
        [secret] = resources_of(template, "AWS::SecretsManager::Secret")
        found = {each for each in permissions_of(template, "AskIdentityRole") if each[0][:4] in {"rds-", "secr"}}
        assert {action for action, _ in found} == {
            "rds-data:BeginTransaction",
            "rds-data:ExecuteStatement",
            "secretsmanager:GetSecretValue",
        }
        assert ("secretsmanager:GetSecretValue", secret) in found
        deployed = only(template, "AWS::Lambda::Function", "Ask")["Properties"]
        assert "VpcConfig" not in deployed
        assert set(deployed["Environment"]["Variables"]) >= {"DATABASE_CLUSTER", "DATABASE_SECRET", "DATABASE_NAME"}
        [setup] = resources_of(template, "AWS::CloudFormation::CustomResource")
        assert setup in only(template, "AWS::Lambda::Function", "Ask")["DependsOn"]

    def test_the_password_is_rotated_by_who_may_do_so_for_this_secret_alone(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger", data_api=True)
        database.grant_data_api(function(stack, "Ask", None), "ExecuteStatement", user="ledger_reader")
        template = template_of(stack)
        [secret] = resources_of(template, "AWS::SecretsManager::Secret")
        [permission] = resources_of(template, "AWS::Lambda::Permission")
        [grants] = [name for name in template["Resources"] if name.startswith("LedgerSetupFunctionGrants")]
        rotation = only(template, "AWS::SecretsManager::RotationSchedule")
        assert rotation["Properties"]["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
        assert rotation["Properties"]["RotateImmediatelyOnUpdate"] is False
        assert set(rotation["DependsOn"]) == {grants, permission}
        allowed = template["Resources"][permission]["Properties"]
        assert (allowed["SourceArn"], allowed["SourceAccount"]) == ({"Ref": secret}, {"Ref": "AWS::AccountId"})
        setup = only(template, "AWS::CloudFormation::CustomResource")
        assert {secret, grants} <= set(setup["DependsOn"])

    def test_two_functions_of_one_user_share_its_secret(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger", data_api=True)
        for name in ("One", "Two"):
            database.grant_data_api(function(stack, name, None), "ExecuteStatement", user="ledger_reader")
        template = template_of(stack)
        assert len(resources_of(template, "AWS::SecretsManager::Secret")) == 1
        setup = only(template, "AWS::CloudFormation::CustomResource")["Properties"]
        assert [each["Name"] for each in setup["Users"]] == ["ledger_reader"]

    @pytest.mark.parametrize("engine", ["postgresql", "mysql"])
    def test_a_key_of_ones_own_is_used_by_whom_it_concerns(self, stack: cdk.Stack, engine: Any) -> None:
        key = kms.Key(stack, "Key")
        database = RelationalDatabase(stack, "Ledger", engine=engine, data_api=True, encryption_key=key)
        database.grant_data_api(function(stack, "Ask", None), "ExecuteStatement", user="ledger_reader")
        template = template_of(stack)
        [name] = resources_of(template, "AWS::KMS::Key")
        cluster = only(template, "AWS::RDS::DBCluster")["Properties"]
        assert cluster["KmsKeyId"] == cluster["MasterUserSecret"]["KmsKeyId"] == {"Fn::GetAtt": [name, "Arn"]}
        used = {
            role: {action for action, _ in permissions_of(template, role) if action.startswith("kms:")}
            for role in ("AskIdentityRole", "LedgerSetupFunctionIdentityRole")
        }
        assert used == {
            "AskIdentityRole": {"kms:Decrypt"},
            "LedgerSetupFunctionIdentityRole": {"kms:Decrypt", "kms:GenerateDataKey"},
        }


class TestGrants:
    def test_a_function_gets_an_address_a_user_and_a_place_in_the_network(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger", database_name="ledger")
        post = function(stack)
        database.grant_connect(post, user="ledger_writer", env="LEDGER")
        template = template_of(stack)
        deployed = next(
            each
            for key, each in resources_of(template, "AWS::Lambda::Function").items()
            if key.startswith("PostFunction")
        )
        [proxy] = resources_of(template, "AWS::RDS::DBProxy")
        [cluster] = resources_of(template, "AWS::RDS::DBCluster")
        variables = deployed["Properties"]["Environment"]["Variables"]
        assert {name: value for name, value in variables.items() if name.startswith("LEDGER_")} == {
            "LEDGER_HOST": {"Fn::GetAtt": [proxy, "Endpoint"]},
            "LEDGER_PORT": {"Fn::GetAtt": [cluster, "Endpoint.Port"]},
            "LEDGER_NAME": "ledger",
            "LEDGER_USER": "ledger_writer",
        }
        assert len(deployed["Properties"]["VpcConfig"]["SubnetIds"]) == 2
        [(setup, users)] = resources_of(template, "AWS::CloudFormation::CustomResource").items()
        assert setup in deployed["DependsOn"]
        # Nobody is told of a proxy that stands before nothing yet, or may not log in.
        before = [*resources_of(template, "AWS::RDS::DBProxyTargetGroup"), "LedgerProxyGrants4E6866D3"]
        assert set(before) <= set(users["DependsOn"])

    def test_the_right_to_its_interfaces_is_there_before_the_function(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger")
        database.grant_connect(function(stack), user="ledger_writer")
        template = template_of(stack)
        [(name, policy)] = [
            (key, each)
            for key, each in resources_of(template, "AWS::IAM::ManagedPolicy").items()
            if "OwnNetworkInterfaces" in str(each)
        ]
        [depending] = [
            each for key, each in resources_of(template, "AWS::Lambda::Function").items() if key.startswith("Post")
        ]
        assert name in depending["DependsOn"]
        [statement] = [
            each
            for each in policy["Properties"]["PolicyDocument"]["Statement"]
            if each.get("Sid") == "OwnNetworkInterfaces"
        ]
        assert statement["Resource"] == "*"  # alone in its statement
        assert all(each.startswith("ec2:") for each in statement["Action"])

    def test_what_security_groups_say_of_themselves_is_what_ec2_takes(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, f'Käse\'s "db" {"long" * 60}')
        database.grant_connect(function(stack, "F'ü"), user="writer")
        groups = resources_of(template_of(stack), "AWS::EC2::SecurityGroup").values()
        told = [each["Properties"]["GroupDescription"] for each in groups]
        assert sorted(len(each) for each in told) == [26, 255, 255]
        assert all(re.fullmatch(r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]+", each) for each in told)

    def test_one_function_uses_two_databases_of_one_network(self, stack: cdk.Stack) -> None:
        one = RelationalDatabase(stack, "One")
        two = RelationalDatabase(stack, "Two", vpc=one.vpc)
        post = function(stack)
        one.grant_connect(post, user="writer", env="ONE")
        two.grant_connect(post, user="writer", env="TWO")
        groups = [each for each in resources_of(template_of(stack), "AWS::EC2::SecurityGroup") if "Post" in each]
        assert len(groups) == 1

    def test_a_function_of_another_stack_connects(self, app: cdk.App) -> None:
        database = RelationalDatabase(cdk.Stack(app, "Data"), "Ledger")
        other = cdk.Stack(app, "Shop")
        database.grant_connect(function(other), user="ledger_writer")
        app.synth()  # without a cycle of stacks
        rules = resources_of(template_of(other), "AWS::EC2::SecurityGroupIngress")
        assert len(rules) == 1  # the proxy's stack knows nothing of the function

    def test_defaults_bring_network_key_and_protection(self, stack: cdk.Stack) -> None:
        vpc = ec2.Vpc(stack, "Vpc", restrict_default_security_group=False)
        key = kms.Key(stack, "Key")
        scope = cdk.NestedStack(stack, "Below")
        Defaults.dev(vpc=vpc, encryption_key=key).apply(scope)
        database = RelationalDatabase(scope, "Ledger")
        assert database.vpc is vpc
        cluster = only(template_of(scope), "AWS::RDS::DBCluster")
        assert cluster["Properties"]["DeletionProtection"] is False
        assert cluster["DeletionPolicy"] == "Delete"
        assert "KmsKeyId" in cluster["Properties"]
        assert findings_of(scope) == []

    def test_what_an_argument_protects_leaves_its_snapshot_whatever_the_defaults_say(self, stack: cdk.Stack) -> None:
        Defaults.dev().apply(stack)
        RelationalDatabase(stack, "Ledger", deletion_protection=True)
        cluster = only(template_of(stack), "AWS::RDS::DBCluster")
        assert cluster["Properties"]["DeletionProtection"] is True
        assert cluster["DeletionPolicy"] == "Snapshot"


class TestEscapeHatches:
    def test_what_is_inside_is_an_l2(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger")
        assert database.proxy is not None
        database.cluster.metric_acu_utilization()
        endpoint = database.vpc.add_interface_endpoint(
            "Secrets", service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER
        )
        assert endpoint.vpc_endpoint_id
