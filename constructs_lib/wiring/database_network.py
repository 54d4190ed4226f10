"""The network of a database: subnets that lead nowhere."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.log_groups import log_group


class IsolatedVpc(Construct):
    """Define a VPC without a NAT gateway and without a way to the internet.

    S3 and DynamoDB are reached through gateway endpoints, which cost nothing; whatever else a function calls from in
    here needs an interface endpoint, by the hour: `db.vpc.add_interface_endpoint(...)`. Refused packets are logged.
    https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html

    Args:
        log_retention: How long refused packets are kept.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, id)
        # Where the CDK makes subnets in a loop, it would write the path of its own temporary folder into the assembly.
        self.node.set_context("aws:cdk:disable-creation-stack-traces", True)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            nat_gateways=0,
            # The fewest that a proxy and a cluster take; by position, so that nobody has to ask AWS which there are.
            availability_zones=[cdk.Fn.select(number, cdk.Fn.get_azs()) for number in range(2)],
            create_internet_gateway=False,
            restrict_default_security_group=False,  # nothing is in it; the CDK would add a function to empty it
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=20)
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )
        self.log_group = log_group(self, "RefusedPackets", retention=log_retention)
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        writer = Identity(
            self,
            "LogWriter",
            principal=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"),
            base=[
                iam.PolicyStatement(
                    actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    resources=[self.log_group.log_group_arn],
                )
            ],
        )
        self.flow_log = ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.vpc_id,
            resource_type="VPC",
            traffic_type="REJECT",
            log_destination_type="cloud-watch-logs",
            log_group_name=self.log_group.log_group_name,
            deliver_logs_permission_arn=writer.role_arn,
        )
        self.flow_log.node.add_dependency(writer.base_policy)
