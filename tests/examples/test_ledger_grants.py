"""What the ledger's functions may do, and who may speak to whom in its network: exactly that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.templates import permissions_of, resources_of, show

INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
ANYBODY = {"CidrIp": "255.255.255.255/32", "Description": "Disallow all traffic", "FromPort": 252, "ToPort": 86}
ENDPOINTS = {"CidrIp": "0.0.0.0/0", "FromPort": 443, "ToPort": 443, "IpProtocol": "tcp"}


@pytest.fixture
def ledger(templates: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return templates["Ledger"]


def own_logs(template: dict[str, Any], prefix: str) -> set[tuple[str, str]]:
    [logs] = [each for each in resources_of(template, "AWS::Logs::LogGroup") if each.startswith(f"{prefix}Logs")]
    return {
        ("logs:CreateLogStream", f"{logs}.Arn"),
        ("logs:PutLogEvents", f"{logs}.Arn"),
        ("xray:PutTelemetryRecords", "*"),
        ("xray:PutTraceSegments", "*"),
    }


@pytest.mark.parametrize(("function", "user"), [("PostTransfer", "ledger_writer"), ("ReadBalance", "ledger_reader")])
def test_each_function_may_log_in_as_one_user_at_the_proxy(ledger: dict[str, Any], function: str, user: str) -> None:
    found = permissions_of(ledger, f"{function}IdentityRole")
    connects = {resource for action, resource in found if action == "rds-db:connect"}
    assert len(connects) == 1
    assert connects.pop().endswith(f"/{user}")
    denied = {action.removeprefix("deny ") for action, _ in found if action.startswith("deny ")}
    rest = {each for each in found if not each[0].startswith(("deny ", "rds-db:"))}
    assert denied == set(INTERFACES)
    assert rest == own_logs(ledger, function) | {(action, "*") for action in INTERFACES}


def test_the_proxy_may_log_in_as_both_users_at_the_cluster(ledger: dict[str, Any]) -> None:
    [cluster] = resources_of(ledger, "AWS::RDS::DBCluster")
    found = permissions_of(ledger, "LedgerProxyIdentityRole")
    assert {action for action, _ in found} == {"rds-db:connect"}
    assert {resource.rpartition("/")[2] for _, resource in found} == {"ledger_reader", "ledger_writer"}
    assert all(f"{cluster}.DBClusterResourceId" in resource for _, resource in found)


def test_the_set_up_may_run_statements_as_the_administrator(ledger: dict[str, Any]) -> None:
    [cluster] = resources_of(ledger, "AWS::RDS::DBCluster")
    found = permissions_of(ledger, "LedgerSetupFunctionIdentityRole") - own_logs(ledger, "LedgerSetupFunction")
    assert {action for action, _ in found} == {"rds-data:ExecuteStatement", "secretsmanager:GetSecretValue"}
    assert ("secretsmanager:GetSecretValue", f"{cluster}.MasterUserSecret.SecretArn") in found


def test_functions_speak_to_the_proxy_the_proxy_to_the_cluster_and_nobody_else(ledger: dict[str, Any]) -> None:
    def short(group: object) -> str:
        name = show(group)
        known = {"LedgerClusterGroup": "cluster", "LedgerProxyGroup": "proxy"}
        known |= {"PostTransferFunctionSecurityGroup": "post", "ReadBalanceFunctionSecurityGroup": "read"}
        return next(word for prefix, word in known.items() if name.startswith(prefix))

    let_in = {
        (short(each["Properties"]["SourceSecurityGroupId"]), short(each["Properties"]["GroupId"]))
        for each in resources_of(ledger, "AWS::EC2::SecurityGroupIngress").values()
    }
    let_out = {
        (short(each["Properties"]["GroupId"]), short(each["Properties"]["DestinationSecurityGroupId"]))
        for each in resources_of(ledger, "AWS::EC2::SecurityGroupEgress").values()
    }
    assert let_in == let_out == {("post", "proxy"), ("read", "proxy"), ("proxy", "cluster")}
    for name, group in resources_of(ledger, "AWS::EC2::SecurityGroup").items():
        assert "SecurityGroupIngress" not in group["Properties"]
        of_function = name.startswith(("Post", "Read"))  # which also reaches the endpoints of this network
        for rule in group["Properties"].get("SecurityGroupEgress", []):
            assert (ENDPOINTS if of_function else ANYBODY).items() <= rule.items()
        assert not of_function or "SecurityGroupEgress" in group["Properties"]


def test_nothing_leads_to_the_internet(ledger: dict[str, Any]) -> None:
    kinds = {each["Type"] for each in ledger["Resources"].values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"}
    for instance in resources_of(ledger, "AWS::RDS::DBInstance").values():
        assert instance["Properties"]["PubliclyAccessible"] is False
