"""What auditors ask of a database beyond its defaults: what its machine does, each minute, and ports they can read.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Monitoring.OS.Enabling.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.waiver import acknowledge

if TYPE_CHECKING:
    from constructs import Construct

SERVICE = "monitoring.rds.amazonaws.com"
INTERVAL = cdk.Duration.minutes(1)
LOG_GROUP = "RDSOSMetrics"  # where RDS writes them, for all databases of an account and region
STREAMS_OF_ITS_OWN = (
    "RDS names the log streams of its metrics after resources that it makes later, in its own log group RDSOSMetrics, "
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Monitoring.OS.Enabling.html"
)
PORT_OF_ENDPOINT = (
    "the port is that of the cluster's endpoint, which the rule cannot read, and the source is a security group: no "
    "address is let in, https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
)
UNREADABLE = tuple(
    f"{pack}-{rule}"
    for pack in ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")
    for rule in ("EC2RestrictedSSH", "EC2RestrictedCommonPorts")
)


def monitoring_identity(scope: Construct) -> Identity:
    """Define who writes the metrics, with what AmazonRDSEnhancedMonitoringRole has, for this one log group."""
    stack = cdk.Stack.of(scope)
    group = stack.format_arn(
        service="logs", resource="log-group", resource_name=LOG_GROUP, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    identity = Identity(
        scope,
        "Monitoring",
        principal=iam.ServicePrincipal(SERVICE, conditions={"StringEquals": {"aws:SourceAccount": stack.account}}),
        base=[
            iam.PolicyStatement(actions=["logs:CreateLogGroup", "logs:PutRetentionPolicy"], resources=[group]),
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:GetLogEvents", "logs:PutLogEvents"],
                resources=[f"{group}:log-stream:*"],
            ),
        ],
    )
    where = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group"
    acknowledge(
        identity.base_policy, STREAMS_OF_ITS_OWN, f"AwsSolutions-IAM5[Resource::{where}:{LOG_GROUP}:log-stream:*]"
    )
    return identity


def acknowledge_ports(group: ec2.ISecurityGroup) -> None:
    """Say of the rules of a security group why a port that is not a number is none to worry about."""
    for each in group.node.find_all():
        if isinstance(each, ec2.CfnSecurityGroupIngress):
            acknowledge(each, PORT_OF_ENDPOINT, *UNREADABLE)
