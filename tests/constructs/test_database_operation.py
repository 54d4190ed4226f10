"""A relational database in operation: its alarms, its budget of connections, its migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import (
    PropError,
    RelationalDatabase,
    Waived,
)
from constructs_lib.assembly.model import Assembly
from constructs_lib.cost.observability import cost_of
from constructs_lib.wiring.connection_budget import most_connections
from tests.constructs.databases import function, only, refused
from tests.templates import resources_of, template_of


class TestAlarms:
    def alarms(self, stack: cdk.Stack) -> dict[str, dict[str, Any]]:
        template = template_of(stack)
        found = {str(key): each["Properties"] for key, each in resources_of(template, "AWS::CloudWatch::Alarm").items()}
        return {each["MetricName"]: each for each in found.values() if each["Namespace"] == "AWS/RDS"}

    def test_cluster_and_proxy_are_watched_by_the_names_they_are_deployed_with(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger")
        template = template_of(stack)
        [cluster] = resources_of(template, "AWS::RDS::DBCluster")
        [proxy] = resources_of(template, "AWS::RDS::DBProxy")
        told = {name: each["Dimensions"] for name, each in self.alarms(stack).items()}
        of_proxy = [{"Name": "ProxyName", "Value": {"Ref": proxy}}]
        assert told == {
            "ACUUtilization": [{"Name": "DBClusterIdentifier", "Value": {"Ref": cluster}}],
            "DatabaseConnections": of_proxy,
            "ClientConnectionsSetupFailedAuth": of_proxy,
            "DatabaseConnectionsSetupFailed": of_proxy,
        }
        # The average would hide a writer at its end behind idle readers; each node of a proxy counts for itself.
        assert {name: each["Statistic"] for name, each in self.alarms(stack).items()} == {
            "ACUUtilization": "Maximum",
            "DatabaseConnections": "Sum",
            "ClientConnectionsSetupFailedAuth": "Sum",
            "DatabaseConnectionsSetupFailed": "Sum",
        }
        assert [each.node.id for each in database.alarms] == [
            "CapacityPercent",
            "ConnectionsPercent",
            "FailedLogins",
            "FailedConnections",
        ]

    @pytest.mark.parametrize(
        ("most", "percent", "threshold"), [(1, 90, 136), (4, 90, 592), (4, 50, 328.8), (8, 90, 1201.6)]
    )
    def test_the_threshold_of_connections_follows_the_budget(
        self, stack: cdk.Stack, most: int, percent: int, threshold: float
    ) -> None:
        RelationalDatabase(stack, "Ledger", max_capacity=most, connections_percent=percent)
        assert self.alarms(stack)["DatabaseConnections"]["Threshold"] == pytest.approx(threshold)

    def test_thresholds_of_ones_own_and_one_waived(self, stack: cdk.Stack) -> None:
        RelationalDatabase(
            stack,
            "Ledger",
            alarms={"capacity_percent": 75, "connections_percent": 50, "failed_logins": Waived("they probe us weekly")},
        )
        found = {name: each["Threshold"] for name, each in self.alarms(stack).items()}
        assert found == {"ACUUtilization": 75, "DatabaseConnections": 370, "DatabaseConnectionsSetupFailed": 5}
        cluster = only(template_of(stack), "AWS::RDS::DBCluster")
        assert cluster["Metadata"]["constructs-lib:waived"] == {"alarms: failed_logins": "they probe us weekly"}

    def test_without_a_proxy_the_capacity_alone_is_watched(self, stack: cdk.Stack) -> None:
        RelationalDatabase(stack, "Ledger", data_api=True)
        assert set(self.alarms(stack)) == {"ACUUtilization"}
        with pytest.raises(PropError, match="alarms has no 'failed_logins'"):
            RelationalDatabase(stack, "Other", data_api=True, alarms={"failed_logins": 3})

    def test_a_database_of_one_size_is_always_full_and_no_alarm(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger", min_capacity=4.5, max_capacity=5)  # nine tenths already
        assert [each.node.id for each in database.alarms] == ["ConnectionsPercent", "FailedLogins", "FailedConnections"]
        RelationalDatabase(stack, "Told", min_capacity=4, alarms={"capacity_percent": 99})
        assert self.alarms(stack)["ACUUtilization"]["Threshold"] == 99

    def test_those_of_the_part_of_it_that_is_a_function_are_waived_with_them(self, stack: cdk.Stack) -> None:
        RelationalDatabase(stack, "Ledger", alarms=Waived("a toy"))
        template = template_of(stack)
        assert resources_of(template, "AWS::CloudWatch::Alarm") == {}
        assert only(template, "AWS::RDS::DBCluster")["Metadata"]["constructs-lib:waived"] == {"alarms": "a toy"}

    def test_what_they_cost_is_counted(self, app: cdk.App) -> None:
        RelationalDatabase(cdk.Stack(app, "Shop"), "Ledger")
        [alarms, *_] = cost_of(Assembly.read(Path(app.synth().directory)))
        assert alarms.what == "7 alarms on 7 metrics"  # 3 of its function
        assert alarms.dollars == pytest.approx(0.70)

    def test_a_threshold_that_is_none_leaves_its_place_free(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as error:
            RelationalDatabase(stack, "Ledger", alarms={"capacity_percent": 0})
        assert refused(error) == ["alarms['capacity_percent'] is 0, wanted a number above zero"]
        assert stack.node.try_find_child("Ledger") is None


class TestBudget:
    @pytest.mark.parametrize(
        ("least", "most", "postgres", "mysql"),
        [(0.5, 1, 189, 90), (1, 4, 823, 135), (1, 6, 1246, 135), (0.5, 16, 2000, 2000), (1, 16, 3360, 2000)],
    )
    def test_the_numbers_are_those_of_aws(self, least: float, most: float, postgres: int, mysql: int) -> None:
        assert most_connections(min_capacity=least, max_capacity=most, is_postgres=True) == postgres
        assert most_connections(min_capacity=least, max_capacity=most, is_postgres=False) == mysql

    def test_functions_together_may_want_all_connections_and_not_one_more(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger", max_capacity=1)
        assert database.connections.most == 170
        database.grant_connect(function(stack, "One", 100), user="writer")
        database.grant_connect(function(stack, "Two", 70), user="writer")
        with pytest.raises(PropError) as error:
            database.grant_connect(function(stack, "Three", 1), user="writer")
        assert str(error.value) == (
            "171 environments may want a connection (Shop/One: 100, Shop/Two: 70, Shop/Three: 1), and the database "
            "takes 170\n"
            "  at:  Shop/Ledger (RelationalDatabase)\n"
            "  fix: reserve less, or raise max_capacity"
        )

    def test_a_function_without_a_reservation_is_refused_unless_the_budget_is_waived(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger")
        post = function(stack, reserved=None)
        with pytest.raises(PropError) as error:
            database.grant_connect(post, user="writer")
        assert str(error.value) == (
            "Shop/Post has no reserved_concurrency: nothing keeps it from wanting more than the 740 connections of the "
            "database\n"
            "  at:  Shop/Ledger (RelationalDatabase)\n"
            '  fix: set reserved_concurrency=10 on it, or budget=Waived("...")'
        )
        database.grant_connect(post, user="writer", budget=Waived("runs once a night"))
        assert "runs once a night" in str(template_of(stack)["Resources"])

    def test_a_function_of_two_users_claims_its_connections_once(self, stack: cdk.Stack) -> None:
        database = RelationalDatabase(stack, "Ledger")
        post = function(stack)
        database.grant_connect(post, user="writer", env="WRITER")
        database.grant_connect(post, user="reader", env="READER")
        assert database.connections.claimed == 20


class TestMigrations:
    def folder(self, tmp_path: Path, **files: str) -> str:
        for name, content in files.items():
            (tmp_path / f"{name}.sql").write_text(content)
        return str(tmp_path)

    def test_they_stand_in_the_template_with_the_users(self, stack: cdk.Stack, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, **{"0001_tables": "CREATE TABLE a ();\r\n"})
        database = RelationalDatabase(stack, "Ledger", migrations=folder)
        database.grant_connect(function(stack), user="writer")
        setup = only(template_of(stack), "AWS::CloudFormation::CustomResource")["Properties"]
        assert setup["Migrations"] == {"0001_tables.sql": "CREATE TABLE a ();\n"}
        assert setup["Users"] == [{"Name": "writer"}]

    def test_all_that_is_wrong_with_them_is_said(self, stack: cdk.Stack, tmp_path: Path) -> None:
        files = {"0001_a": "x;", "0001_b": "x;", "tables": "x;", "0002_c": " ", "0003_d": "x\n-- ;"}
        folder = self.folder(tmp_path, **files)
        with pytest.raises(PropError) as error:
            RelationalDatabase(stack, "Ledger", migrations=folder)
        assert refused(error) == [
            f"{folder}/tables.sql is not the name of a migration",
            f"{folder}/0001_a.sql shares its number with another",
            f"{folder}/0001_b.sql shares its number with another",
            f"{folder}/0002_c.sql is empty",
            f"{folder}/0003_d.sql does not end with a semicolon",
        ]

    def test_no_folder_no_file_too_much_and_mysql_are_refused(self, stack: cdk.Stack, tmp_path: Path) -> None:
        for arguments, said in (
            ({"migrations": "nowhere"}, "migrations 'nowhere' is no folder"),
            ({"migrations": str(tmp_path)}, f"migrations {str(tmp_path)!r} holds no file"),
        ):
            with pytest.raises(PropError) as error:
                RelationalDatabase(stack, "Ledger", **arguments)  # type: ignore[arg-type] # of one kind each
            assert refused(error) == [said]
        lines = "\n" * 34_999 + "x;"  # as JSON, a new line has two characters
        folder = self.folder(tmp_path, **{"0001_a": lines, "0002_b": lines, "0003_c": "x" * 48_000 + ";"})
        with pytest.raises(PropError) as error:
            RelationalDatabase(stack, "Ledger", migrations=folder)
        assert refused(error) == [
            f"{folder}/0003_c.sql has 48001 bytes, and 48000 fit into one statement",
            "the migrations have 188055 bytes as JSON, and 122880 fit into one event",
        ]
        with pytest.raises(PropError, match="migrations are for PostgreSQL"):
            RelationalDatabase(stack, "Ledger", engine="mysql", migrations="lambda_src/ledger/migrations")
        with pytest.raises(PropError, match="migrations '' is no folder"):
            RelationalDatabase(stack, "Ledger", migrations="")
