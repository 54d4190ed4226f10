"""A database behind a proxy made elsewhere: the same exact grant, the same network, a budget where one is told."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from constructs_lib import PropError, RelationalDatabase, SecureFunction, Waived, assert_guarded
from tests.constructs.existing_databases import existing_database
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
BY_NAME = "arn:aws:rds:eu-central-1:111122223333:db-proxy:ledger"


@pytest.fixture
def home(app: cdk.App) -> cdk.Stack:
    """A stack whose account and region are known."""
    return cdk.Stack(app, "Home", env=cdk.Environment(account="111122223333", region="eu-central-1"))


@pytest.fixture
def function(home: cdk.Stack) -> SecureFunction:
    return SecureFunction(home, "Read", entry=ENTRY, on_failure=Waived("nobody calls it"))


def function_in(stack: cdk.Stack) -> dict[str, Any]:
    [found] = [
        each["Properties"]
        for name, each in resources_of(template_of(stack), "AWS::Lambda::Function").items()
        if name.startswith("Read")
    ]
    return dict(found)


def outward_of(group: dict[str, Any]) -> list[dict[str, Any]]:
    return list(group["Properties"]["SecurityGroupEgress"])


class TestDatabases:
    def test_grants_one_user_of_the_proxy_and_nothing_else(self, home: cdk.Stack, function: SecureFunction) -> None:
        existing_database(home).grant_connect(function, user="ledger_reader", env="LEDGER")
        user = "arn:AWS::Partition:rds-db:eu-central-1:111122223333:dbuser:prx-0123456789abcdef0/ledger_reader"
        network = ("ec2:", "deny ec2:", "logs:", "xray:")  # what Lambda itself takes
        found = {pair for pair in permissions_of(template_of(home), "Read") if not pair[0].startswith(network)}
        assert found == {("rds-db:connect", user)}
        variables = function_in(home)["Environment"]["Variables"]
        assert {name: value for name, value in variables.items() if name.startswith("LEDGER_")} == {
            "LEDGER_HOST": "ledger.proxy-abc.eu-central-1.rds.amazonaws.com",
            "LEDGER_PORT": "5432",
            "LEDGER_NAME": "ledger",
            "LEDGER_USER": "ledger_reader",
        }
        assert findings_of(home) == []
        assert_guarded(home)

    @pytest.mark.parametrize(("engine", "port"), [("postgresql", 5432), ("mysql", 3306)])
    def test_the_function_reaches_the_proxy_and_what_speaks_tls(
        self, home: cdk.Stack, function: SecureFunction, engine: str, port: int
    ) -> None:
        existing_database(home, engine=engine).grant_connect(function, user="ledger_reader")
        template = template_of(home)
        [(group, defined)] = resources_of(template, "AWS::EC2::SecurityGroup").items()
        tls = [(443, 443, "0.0.0.0/0")]  # the endpoints of the VPC: without, a call to a table would hang
        assert [(each["FromPort"], each["ToPort"], each["CidrIp"]) for each in outward_of(defined)] == tls
        own = {"Fn::GetAtt": [group, "GroupId"]}
        [inward] = resources_of(template, "AWS::EC2::SecurityGroupIngress").values()
        rule = inward["Properties"]
        assert (rule["GroupId"], rule["SourceSecurityGroupId"]) == ("sg-0a1b2c3d", own)
        assert (rule["FromPort"], rule["ToPort"]) == (port, port)
        [outward] = resources_of(template, "AWS::EC2::SecurityGroupEgress").values()
        rule = outward["Properties"]
        assert (rule["GroupId"], rule["DestinationSecurityGroupId"]) == (own, "sg-0a1b2c3d")
        assert (rule["FromPort"], rule["ToPort"]) == (port, port)
        placed = function_in(home)["VpcConfig"]
        assert placed == {"SecurityGroupIds": [own], "SubnetIds": ["subnet-a", "subnet-b"]}

    def test_the_proxy_of_one_of_ours_has_the_same_grant(self, home: cdk.Stack) -> None:
        ours = RelationalDatabase(home, "Ledger", database_name="ledger")
        assert ours.proxy is not None
        known = RelationalDatabase.from_existing(
            home,
            "Known",
            ours.proxy,
            security_group=ours.cluster.connections.security_groups[0],
            vpc=ours.vpc,
            database_name="ledger",
        )
        one = SecureFunction(home, "One", entry=ENTRY, reserved_concurrency=1)
        ours.grant_connect(one, user="reader")
        known.grant_connect(SecureFunction(home, "Two", entry=ENTRY), user="reader")
        template = template_of(home)
        rights = [
            {pair for pair in permissions_of(template, name) if pair[0] == "rds-db:connect"} for name in ("One", "Two")
        ]
        assert rights[0] == rights[1] != set()

    def test_nobody_counts_unless_the_connections_are_told(self, home: cdk.Stack, function: SecureFunction) -> None:
        database = existing_database(home)
        assert database.connections is None
        database.grant_connect(function, user="ledger_reader")  # which reserves nothing

    def test_connections_that_are_told_are_a_budget(self, home: cdk.Stack, function: SecureFunction) -> None:
        database = existing_database(home, most_connections=50)
        database.grant_connect(SecureFunction(home, "One", entry=ENTRY, reserved_concurrency=30), user="writer")
        with pytest.raises(PropError) as caught:
            database.grant_connect(SecureFunction(home, "Two", entry=ENTRY, reserved_concurrency=21), user="writer")
        assert str(caught.value).splitlines() == [
            "51 environments may want a connection (Home/One: 30, Home/Two: 21), and the database takes 50",
            "  at:  Home/Mine (ExistingDatabase)",
            "  fix: reserve less, or raise most_connections",
        ]
        with pytest.raises(PropError, match="Home/Read has no reserved_concurrency"):
            database.grant_connect(function, user="writer")
        database.grant_connect(function, user="writer", budget=Waived("runs once a night"))

    @pytest.mark.parametrize(
        ("more", "what"),
        [
            (
                {"proxy_arn": BY_NAME},
                f"'{BY_NAME}' is not the ARN of a proxy: rights to connect are on what it ends in, prx-...",
            ),
            ({"database_name": ""}, "database_name is empty"),
            ({"most_connections": 0}, "most_connections is 0, wanted a number above zero"),
        ],
    )
    def test_what_cannot_be_reached_is_refused(self, home: cdk.Stack, more: dict[str, Any], what: str) -> None:
        with pytest.raises(PropError) as caught:
            existing_database(home, **more)
        assert [problem.what for problem in caught.value.problems] == [what]
        assert home.node.try_find_child("Mine") is None

    def test_a_network_without_private_subnets_is_refused(self, home: cdk.Stack) -> None:
        public = ec2.Vpc.from_vpc_attributes(
            home, "Public", vpc_id="vpc-0", availability_zones=["eu-central-1a"], public_subnet_ids=["subnet-p"]
        )
        with pytest.raises(PropError, match="Home/Public has 0 subnets without a way back from the internet"):
            existing_database(home, vpc=public)

    def test_the_data_api_asks_for_more_than_is_known(self, home: cdk.Stack, function: SecureFunction) -> None:
        with pytest.raises(PropError, match="the Data API asks for a cluster and the secret of a user"):
            existing_database(home).grant_data_api(function, "ExecuteStatement", user="ledger_reader")


def test_zones_that_only_a_deployment_knows_are_not_counted(stack: cdk.Stack) -> None:
    imported = ec2.Vpc.from_vpc_attributes(
        stack,
        "Imported",
        vpc_id="vpc-1",
        availability_zones=cdk.Fn.get_azs(),
        isolated_subnet_ids=["subnet-1", "subnet-2"],
    )
    assert RelationalDatabase(stack, "Ledger", vpc=imported).vpc is imported
