"""What lets REST APIs write logs at all: a role that API Gateway has once for each account and region.

Without it CloudFormation refuses a stage that logs. The role stays when its stack goes, since every other REST API of
the account logs through it too. https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.wiring.waiver import acknowledge

OWN_ID = "RestApiLogs"
# API Gateway takes no role that lacks one of them.
ACTIONS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:PutLogEvents",
)
REASON = (
    "this is the role of the account, through which all REST APIs of the region write their logs, those of tomorrow "
    "among them: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html"
)
GUARD = "ServerlessGuards::resources-are-named"
FOUND = (  # what the guard says, an id for each severity
    f"{GUARD}[logs:CreateLogGroup,logs:CreateLogStream,logs:DescribeLogStreams,logs:PutLogEvents]",
    f"{GUARD}[logs:FilterLogEvents,logs:GetLogEvents]",
)


class RestApiLogs(Construct):
    """Define the role, and tell API Gateway of it; once for each stack."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            roles=[self.role],
            statements=[iam.PolicyStatement(sid="WriteLogs", actions=list(ACTIONS), resources=["*"])],
        )
        acknowledge(self.policy, REASON, "AwsSolutions-IAM5[Resource::*]")
        for found in FOUND:
            cdk.Validations.of(self.policy).acknowledge(cdk.Acknowledgment(id=found, reason=REASON))
        self.account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=self.role.role_arn)
        self.account.node.add_dependency(self.policy)
        for each in (self.role, self.policy, self.account):
            each.apply_removal_policy(cdk.RemovalPolicy.RETAIN)


def logs_of_account(scope: Construct) -> RestApiLogs:
    """The role as the stack of a construct defines it."""
    stack = cdk.Stack.of(scope)
    found = stack.node.try_find_child(OWN_ID)
    return found if isinstance(found, RestApiLogs) else RestApiLogs(stack, OWN_ID)
