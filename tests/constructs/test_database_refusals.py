"""A relational database: what is refused, and with which fix."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from constructs_lib import (
    PropError,
    RelationalDatabase,
)
from tests.constructs.databases import OFF, function, refused


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"min_capacity": 0.3}, "min_capacity is 0.3, wanted 0 to 256 capacity units, in halves"),
            ({"max_capacity": 0.5}, "max_capacity is 0.5, wanted 1 to 256 capacity units, in halves"),
            ({"min_capacity": 8}, "min_capacity (8) is more than max_capacity (4)"),
            ({"readers": 16}, "readers is 16, wanted 0 to 15"),
            ({"connections_percent": 0}, "connections_percent is 0, wanted 1 to 100"),
            ({"database_name": "Ledger"}, "database_name 'Ledger' is not a name for a database"),
            ({"database_name": "postgres"}, "database_name 'postgres' is not a name for a database"),
            ({"database_name": "order"}, "database_name 'order' is not a name for a database"),
            ({"database_name": "key", "engine": "mysql"}, "database_name 'key' is not a name for a database"),
            ({"backup_retention": cdk.Duration.days(36)}, "backup_retention is 36 days, wanted whole days, 1 to 35"),
            (
                {"min_capacity": 0},
                "min_capacity is 0, and a database behind a proxy never pauses: the proxy keeps a connection open",
            ),
            (
                {"retain": OFF},
                "retain is waived but deletion_protection is not: removing the stack would fail",
            ),
            ({"deletion_protection": False}, None),
        ],
    )
    def test_what_aws_would_refuse_is_refused(
        self, stack: cdk.Stack, arguments: dict[str, Any], said: str | None
    ) -> None:
        with pytest.raises(PropError) as error:
            RelationalDatabase(stack, "Ledger", **arguments)
        assert said is None or refused(error) == [said]
        assert stack.node.try_find_child("Ledger") is None

    @pytest.mark.parametrize("name", ["", "Writer", "1a", "a-b", "a" * 64, 'a"b', "rdsadmin", "postgres", "pg_x"])
    def test_a_user_has_a_name_that_needs_no_quotes_and_is_free(self, stack: cdk.Stack, name: str) -> None:
        database = RelationalDatabase(stack, "Ledger")
        with pytest.raises(PropError, match="user "):
            database.grant_connect(function(stack), user=name)

    def test_a_user_logs_in_one_way(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger")
        post = function(stack)
        database.grant_connect(post, user="writer")
        with pytest.raises(PropError, match="user 'writer' signs in by IAM, through the proxy"):
            database.grant_data_api(post, "ExecuteStatement", user="writer", env="API")
        database.grant_data_api(post, "ExecuteStatement", user="reader", env="API")
        with pytest.raises(PropError, match="user 'reader' signs in with a password, by the Data API"):
            database.grant_connect(post, user="reader")

    def test_there_is_no_connection_without_a_proxy(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger", data_api=True)
        with pytest.raises(PropError, match="the database has no proxy to connect to"):
            database.grant_connect(function(stack), user="writer")

    def test_a_function_of_the_cdk_is_told_what_it_lacks(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger")
        plain = lambda_.Function(
            stack,
            "Plain",
            code=lambda_.Code.from_inline("x"),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
        )
        with pytest.raises(
            PropError, match="a database is for a SecureFunction, or a construct with one, got a Function"
        ):
            database.grant_connect(plain, user="writer")

    def test_a_function_has_one_network(self, stack: cdk.Stack) -> None:
        post = function(stack)
        RelationalDatabase(stack, "One").grant_connect(post, user="writer", env="ONE")
        with pytest.raises(PropError, match="Shop/Post/Function is in the VPC Shop/One/Network/Vpc already") as error:
            RelationalDatabase(stack, "Two").grant_connect(post, user="writer", env="TWO")
        assert error.value.problems[0].fix == "pass the same vpc=... to both, or use a function for each"

    def test_a_function_of_another_region_is_refused(self, app: cdk.App) -> None:
        here, there = (
            cdk.Stack(app, name, env=cdk.Environment(account="1" * 12, region=name), cross_region_references=True)
            for name in ("eu-west-1", "us-east-1")
        )
        database, post = RelationalDatabase(here, "Ledger"), function(there)
        said = r"us-east-1/Post/Function is in 1+/us-east-1, .*: a database is reached from its own account and region"
        with pytest.raises(PropError, match=said):
            database.grant_connect(post, user="writer")
        with pytest.raises(PropError, match=said):
            database.grant_data_api(post, "ExecuteStatement", user="reader")

    def test_a_network_without_private_subnets_is_refused(self, stack: cdk.Stack) -> None:
        public = ec2.Vpc(
            stack,
            "Public",
            nat_gateways=0,
            restrict_default_security_group=False,
            subnet_configuration=[ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)],
        )
        with pytest.raises(PropError, match="Shop/Public has 0 subnets without a way back from the internet"):
            RelationalDatabase(stack, "Ledger", vpc=public)

    def test_a_network_in_one_zone_is_refused(self, stack: cdk.Stack) -> None:
        groups = [
            ec2.SubnetConfiguration(name=name, subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) for name in ("One", "Two")
        ]
        narrow = ec2.Vpc(stack, "Narrow", max_azs=1, restrict_default_security_group=False, subnet_configuration=groups)
        with pytest.raises(PropError, match=r"the subnets of Shop/Narrow are in one zone, .*, wanted 2 at least"):
            RelationalDatabase(stack, "Ledger", vpc=narrow)

    @pytest.mark.parametrize("action", ["executestatement", "rds-data:ExecuteStatement", "ExecuteSql"])
    def test_an_action_is_one_of_the_data_api(self, stack: cdk.Stack, action: Any) -> None:
        database = RelationalDatabase(stack, "Ledger", data_api=True)
        with pytest.raises(PropError, match="is not an action of the Data API: did you mean ExecuteStatement"):
            database.grant_data_api(function(stack), action, user="writer")
