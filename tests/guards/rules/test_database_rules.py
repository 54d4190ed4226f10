"""The rules about relational databases and the functions that connect to them."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.database_connections import memory_of, most_connections
from tests.guards.rules.judged import function, judged, ref, resource

CLUSTER, INSTANCE = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"
IN_VPC = {"VpcConfig": {"SecurityGroupIds": [{"Fn::GetAtt": ["FunctionGroup", "GroupId"]}], "SubnetIds": ["subnet-1"]}}
HOST = {"Fn::GetAtt": ["Orders", "Endpoint.Address"]}


def knows(value: object, **properties: Any) -> dict[str, Any]:
    return function(Environment={"Variables": {"DB": value}}, **properties)


def instance(size: str = "db.t4g.micro", engine: str = "postgres", **properties: Any) -> dict[str, Any]:
    return resource(INSTANCE, DBInstanceClass=size, Engine=engine, **properties)


class TestFunctionReachesDatabaseByProxy:
    ID = "function-reaches-database-by-proxy"

    def said(self, send: dict[str, Any], database: dict[str, Any] | None = None, **more: Any) -> list[str]:
        return judged(self.ID, {"Send": send, "Orders": instance() if database is None else database, **more})

    def test_warns_of_a_function_that_knows_the_address(self) -> None:
        assert self.said(knows({"Fn::Sub": "postgres://${Orders.Endpoint.Address}:5432"})) == [
            (
                "warning: the function connects to Orders by itself: each concurrent request takes one of its "
                "connections\n"
                "  at:  Shop/Send (AWS::Lambda::Function)\n"
                "  fix: add an AWS::RDS::DBProxy, and give the function the proxy's Endpoint"
            )
        ]
        reader = knows({"Fn::GetAtt": ["Orders", "ReadEndpoint.Address"]})
        assert len(self.said(reader, resource(CLUSTER, Engine="aurora-mysql"))) == 1

    @pytest.mark.parametrize("told", [ref("Secret"), ref("Attachment")])
    def test_warns_of_a_function_in_the_vpc_that_knows_the_secret(self, told: dict[str, Any]) -> None:
        more = {
            "Secret": resource("AWS::SecretsManager::Secret"),
            "Attachment": resource(
                "AWS::SecretsManager::SecretTargetAttachment", SecretId=ref("Secret"), TargetId=ref("Orders")
            ),
        }
        assert len(self.said(knows(told, **IN_VPC), **more)) == 1
        assert self.said(knows(told), **more) == []  # the Data API

    def test_warns_of_a_function_that_knows_the_secret_of_the_service(self) -> None:
        secret = {"Fn::GetAtt": ["Orders", "MasterUserSecret.SecretArn"]}
        assert len(self.said(knows(secret, **IN_VPC))) == 1
        assert self.said(knows(secret)) == []

    def test_warns_of_a_function_that_a_security_group_lets_in(self) -> None:
        database = instance(VPCSecurityGroups=[{"Fn::GetAtt": ["Guard", "GroupId"]}])
        source = {"Fn::GetAtt": ["FunctionGroup", "GroupId"]}
        group, ingress = "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"
        apart = {"Guard": resource(group), "FunctionGroup": resource(group)}
        rule = resource(ingress, GroupId={"Fn::GetAtt": ["Guard", "GroupId"]}, SourceSecurityGroupId=source)
        assert len(self.said(function(**IN_VPC), database, **apart, Rule=rule)) == 1
        inside = resource(group, SecurityGroupIngress=[{"SourceSecurityGroupId": source}])
        assert len(self.said(function(**IN_VPC), database, **{**apart, "Guard": inside})) == 1
        assert self.said(function(**IN_VPC), database, **apart) == []

    @pytest.mark.parametrize("kind", ["AWS::RDS::DBProxy", "AWS::RDS::DBProxyEndpoint"])
    def test_accepts_a_function_that_knows_a_proxy(self, kind: str) -> None:
        variables = {"HOST": {"Fn::GetAtt": ["Proxy", "Endpoint"]}, "READ": HOST}
        send = function(Environment={"Variables": variables})
        assert self.said(send, Proxy=resource(kind)) == []

    def test_warns_when_the_engine_is_not_told(self) -> None:
        assert len(self.said(knows(HOST), resource(INSTANCE, DBInstanceClass="db.t3.micro"))) == 1

    def test_accepts_what_no_proxy_serves_and_functions_that_know_nothing(self) -> None:
        assert self.said(knows(HOST), instance(engine="oracle-ee")) == []
        assert self.said(knows("elsewhere.example.com", **IN_VPC)) == []

    def test_a_cluster_is_one_database_with_its_instances(self) -> None:
        writer = instance("db.r6g.large", "aurora-postgresql", DBClusterIdentifier=ref("Orders"))
        cluster = resource(CLUSTER, Engine="aurora-postgresql")
        assert len(self.said(knows(HOST), cluster, Writer=writer)) == 1
        assert self.said(knows({"Fn::GetAtt": ["Writer", "Endpoint.Address"]}), cluster, Writer=writer) == []


class TestConcurrencyFitsTheDatabase:
    ID = "concurrency-fits-the-database"

    def said(self, *reserved: object, database: dict[str, Any] | None = None, **more: Any) -> list[str]:
        functions = {f"Send{i}": knows(HOST, ReservedConcurrentExecutions=each) for i, each in enumerate(reserved)}
        return judged(self.ID, {**functions, "Orders": instance() if database is None else database, **more})

    def test_refuses_more_than_the_database_takes(self) -> None:
        assert self.said(100, 13) == [
            (
                "error: 113 concurrent executions are reserved for its functions (Send0: 100, Send1: 13), and it takes "
                "112 connections\n"
                "  at:  Shop/Orders (AWS::RDS::DBInstance)\n"
                "  fix: put an AWS::RDS::DBProxy between them, or reserve less"
            )
        ]

    def test_accepts_what_it_takes(self) -> None:
        assert self.said(100, 12) == []

    def test_asks_the_parameter_group_first(self) -> None:
        group = resource("AWS::RDS::DBParameterGroup", Parameters={"max_connections": "50"})
        assert len(self.said(51, database=instance(DBParameterGroupName=ref("Group")), Group=group)) == 1
        assert self.said(50, database=instance(DBParameterGroupName=ref("Group")), Group=group) == []

    def test_leaves_functions_without_a_reservation_to_the_other_rule(self) -> None:
        assert judged(self.ID, {"Send": knows(HOST), "Orders": instance()}) == []
        assert self.said(0) == []

    def test_says_when_the_size_is_not_known(self) -> None:
        assert self.said(5, database=instance("db.z9.large")) == [
            (
                "unknown: whether it takes 5 connections\n"
                "  at:  Shop/Orders (AWS::RDS::DBInstance)\n"
                "  why: neither its class nor its parameter group tells"
            )
        ]


class TestMostConnections:
    def of(self, database: dict[str, Any], **more: dict[str, Any]) -> int | None:
        assembly = Assembly.of({"Shop": {"Resources": {"Orders": database, **more}}})
        found = assembly.find("Shop/Orders")
        assert found is not None
        return most_connections(assembly, found)

    @pytest.mark.parametrize(
        ("size", "engine", "most"),
        [
            ("db.t3.micro", "mysql", 85),
            ("db.t3.micro", "mariadb", 42),
            ("db.m6g.large", "postgres", 901),
            ("db.r6g.16xlarge", "postgres", 5_000),
            ("db.r6g.large", "oracle-ee", None),
        ],
    )
    def test_an_instance_takes_what_its_memory_gives(self, size: str, engine: str, most: int | None) -> None:
        assert self.of(instance(size, engine)) == most

    def test_a_cluster_takes_what_its_largest_instance_does(self) -> None:
        def member(size: str) -> dict[str, Any]:
            return instance(size, "aurora-mysql", DBClusterIdentifier=ref("Orders"))

        cluster = resource(CLUSTER, Engine="aurora-mysql")
        assert self.of(cluster, A=member("db.r6g.large"), B=member("db.r6g.xlarge")) == 2_000
        assert self.of(cluster, A=member("db.r6g.large"), B=member("db.unknown")) is None
        assert self.of(cluster) is None

    def test_a_serverless_cluster_takes_what_its_most_capacity_gives(self) -> None:
        scaling = {"MinCapacity": 0.5, "MaxCapacity": 1}
        cluster = resource(CLUSTER, Engine="aurora-postgresql", ServerlessV2ScalingConfiguration=scaling)
        writer = instance("db.serverless", "aurora-postgresql", DBClusterIdentifier=ref("Orders"))
        assert self.of(cluster) == self.of(cluster, Writer=writer) == 225

    @pytest.mark.parametrize(
        ("name", "memory"),
        [
            ("db.t4g.small", 2), ("db.t3.2xlarge", 32), ("db.m5.xlarge", 16), ("db.r6gd.4xlarge", 128),
            ("db.x2g.large", 32), ("db.serverless", None), ("db.q1.micro", None), (None, None), ("", None),
        ],
    )  # fmt: skip
    def test_a_class_tells_its_memory(self, name: str | None, memory: float | None) -> None:
        assert memory_of(name) == memory
