"""An RDS Proxy whose clients have no passwords, and which has none itself.

IAM from end to end: a function shows the proxy a token, and the proxy shows the database one of its own, so that no
secret is needed for each user. https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-iam-setup.html
"""

from __future__ import annotations

from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.database_cluster import identifier_of
from constructs_lib.wiring.hardened_database import acknowledge_ports
from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.log_groups import log_group

BORROW = cdk.Duration.seconds(10)  # as long as a function usually has; AWS waits two minutes
IDLE = cdk.Duration.minutes(30)
PORTS = {"postgresql": 5432, "mysql": 3306}  # a proxy listens there and nowhere else
TOLD = "to the proxy of its database"  # in the rules of the network


class Door(Protocol):
    """Where functions get into a database."""

    @property
    def host(self) -> str:
        """The address."""

    @property
    def port(self) -> str:
        """The port there."""

    def let_in(self, function: ec2.Connections, user: str) -> None:
        """Let a function reach it, and log in as a user."""

    def user_arn(self, user: str) -> str:
        """The ARN of a user, as one who logs in there."""


class Proxy(Construct):
    """Define the proxy, its role and what it may reach.

    Args:
        cluster: What it stands before.
        vpc: Where it stands.
        subnets: In which subnets of it.
        group: Who may reach it, and whom it may.
        percent: How much of the connections of the cluster it may open.
        log_retention: How long its log is kept.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        cluster: rds.DatabaseCluster,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection,
        group: ec2.SecurityGroup,
        percent: int,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, id)
        self._cluster = cluster
        self._group = group
        self._users: set[str] = set()
        self.identity = Identity(self, "Identity", principal=iam.ServicePrincipal("rds.amazonaws.com"), base=[])
        identifier = identifier_of(self)
        # There before the proxy: RDS would make one that keeps everything for ever.
        self.log_group = log_group(self, "Log", name=f"/aws/rds/proxy/{identifier}", retention=log_retention)
        self.proxy = rds.DatabaseProxy(
            self,
            "Proxy",
            db_proxy_name=identifier,
            proxy_target=rds.ProxyTarget.from_cluster(cluster),
            default_auth_scheme=rds.DefaultAuthScheme.IAM_AUTH,
            require_tls=True,
            role=self.identity,
            vpc=vpc,
            vpc_subnets=subnets,
            security_groups=[group],
            max_connections_percent=percent,
            borrow_timeout=BORROW,
            idle_client_timeout=IDLE,
        )
        self.proxy.node.add_dependency(self.log_group)
        targets = next(each for each in self.proxy.node.find_all() if isinstance(each, rds.CfnDBProxyTargetGroup))
        # The CDK gives it the tags of its stack, which CloudFormation does not document for it.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbproxytargetgroup.html
        targets.add_property_deletion_override("Tags")
        self._is_hardened = defaults_of(self).hardened
        if self._is_hardened:
            for each in cluster.connections.security_groups:
                acknowledge_ports(each)

    @property
    def host(self) -> str:
        """The address of the proxy."""
        return self.proxy.endpoint

    @property
    def port(self) -> str:
        """The port of the proxy, which is the cluster's."""
        return cdk.Token.as_string(self._cluster.cluster_endpoint.port)

    def let_in(self, function: ec2.Connections, user: str) -> None:
        """Let a function reach the proxy, and the proxy log in as its user."""
        function.allow_to(self._group, ec2.Port.tcp(cdk.Token.as_number(self.port)), TOLD)
        if self._is_hardened:
            acknowledge_ports(self._group)
        if user not in self._users:
            self._users.add(user)
            self.identity.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=["rds-db:connect"],
                    resources=[_user_arn(self, self._cluster.cluster_resource_identifier, user)],
                )
            )

    def user_arn(self, user: str) -> str:
        """The ARN of a user, as one who logs in at the proxy."""
        return _user_arn(self, _resource_id(self, self.proxy), user)


class ExistingProxy:
    """Stand for a proxy that was made elsewhere, with users of its own.

    Args:
        scope: The construct that functions connect to.
        proxy: The L2.
        group: Who may reach it.
        engine: Which database is behind it.
    """

    def __init__(self, scope: Construct, proxy: rds.IDatabaseProxy, group: ec2.ISecurityGroup, engine: str) -> None:
        self._scope = scope
        self._proxy = proxy
        self._group = group
        self._port = PORTS[engine]

    @property
    def host(self) -> str:
        """The address of the proxy."""
        return self._proxy.endpoint

    @property
    def port(self) -> str:
        """The port of the proxy."""
        return str(self._port)

    def let_in(self, function: ec2.Connections, user: str) -> None:  # noqa: ARG002 - its owner lets the user in
        """Let a function reach the proxy."""
        function.allow_to(self._group, ec2.Port.tcp(self._port), TOLD)

    def user_arn(self, user: str) -> str:
        """The ARN of a user, as one who logs in at the proxy."""
        return _user_arn(self._scope, _resource_id(self._scope, self._proxy), user)


def _resource_id(scope: Construct, proxy: rds.IDatabaseProxy) -> str:
    """What a proxy is known by in the rights of its users: the end of its ARN."""
    arn = cdk.Stack.of(scope).split_arn(proxy.db_proxy_arn, cdk.ArnFormat.COLON_RESOURCE_NAME)
    return str(arn.resource_name)


def _user_arn(scope: Construct, database: str, user: str) -> str:
    return cdk.Stack.of(scope).format_arn(
        service="rds-db",
        resource="dbuser",
        resource_name=f"{database}/{user}",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
