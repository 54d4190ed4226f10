"""An Aurora Serverless v2 cluster with the safeguards in, and a name of its own."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.hardened_database import INTERVAL, monitoring_identity
from constructs_lib.wiring.log_groups import log_group
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.vpc_access import private_subnets
from constructs_lib.wiring.waiver import Waived, acknowledge, record_waiver

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager

    from constructs_lib.wiring.refusals import Refusals

# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
DATABASE = re.compile(r"[a-z][a-z0-9_]{0,62}")
RESERVED = {
    # https://www.postgresql.org/docs/17/sql-keywords-appendix.html
    "postgresql": re.compile(
        r"all|analyse|analyze|and|any|array|as|asc|asymmetric|both|case|cast|check|collate|column|constraint|"
        r"create|default|deferrable|desc|distinct|do|else|end|except|false|fetch|for|foreign|from|grant|group|"
        r"having|in|initially|intersect|into|lateral|leading|limit|localtime|localtimestamp|not|null|offset|on|"
        r"only|or|order|placing|postgres|primary|rdsadmin|references|returning|select|session_user|some|symmetric|"
        r"system_user|table|template0|template1|then|to|trailing|true|union|unique|user|using|variadic|when|where|"
        r"window|with"
    ),
    # The nouns of https://dev.mysql.com/doc/refman/8.0/en/keywords.html
    "mysql": re.compile(
        r"column|condition|constraint|cube|database|databases|function|group|groups|index|information_schema|key|"
        r"keys|limit|mysql|option|order|procedure|rank|rdsadmin|release|row|rows|schema|schemas|system|table|"
        r"trigger|usage|window|sys"
    ),
}
CAPACITY = (0.0, 256.0)
LEAST_MAXIMUM = 1.0
MOST_READERS = 15
BACKUP_DAYS = (1, 35)
UNITS_FOR_INSIGHTS = 2
LONGEST_ID = 60  # of 63: instances append to it

ENGINES = {
    "postgresql": rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_7),
    "mysql": rds.DatabaseClusterEngine.aurora_mysql(version=rds.AuroraMysqlEngineVersion.VER_3_12_0),
}
# Without TLS nobody gets in, whatever the client was told.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html#AuroraPostgreSQL.Security.SSL
TLS = {"postgresql": {"rds.force_ssl": "1"}, "mysql": {"require_secure_transport": "ON"}}
LOGS = {"postgresql": ["postgresql"], "mysql": ["audit", "error", "general", "slowquery"]}

FIXED_PORT = (
    "RDS Proxy listens on the default port of its engine and nowhere else, and the cluster lets nobody in but the "
    "proxy: another port would hide it from nobody, https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.html"
)
NO_BACKTRACK = (
    "Aurora MySQL with serverless instances takes no backtrack window; backups restore any second instead, "
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.requirements.html"
)
FINDINGS = {"deletion_protection": ("AwsSolutions-RDS10",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """What of a cluster is asked for, as `RelationalDatabase` says it."""

    engine: Literal["postgresql", "mysql"]
    database_name: str
    min_capacity: float
    max_capacity: float
    readers: int
    backup_retention: cdk.Duration


def check_cluster(settings: ClusterSettings, refusals: Refusals) -> None:
    """Note what AWS would refuse when the cluster is made."""
    name = settings.database_name
    if not DATABASE.fullmatch(name) or RESERVED[settings.engine].fullmatch(name):
        refusals.refuse(
            f"database_name {name!r} is not a name for a database",
            fix="use a letter, then letters, digits and underscores, in lower case, 63 at most; no word of the engine",
        )
    _check_capacity("min_capacity", settings.min_capacity, CAPACITY[0], refusals)
    _check_capacity("max_capacity", settings.max_capacity, LEAST_MAXIMUM, refusals)
    if refusals.are_none and settings.max_capacity < settings.min_capacity:
        refusals.refuse(
            f"min_capacity ({settings.min_capacity:g}) is more than max_capacity ({settings.max_capacity:g})",
            fix="raise max_capacity, or lower min_capacity",
        )
    if not 0 <= settings.readers <= MOST_READERS:
        refusals.refuse(f"readers is {settings.readers}, wanted 0 to {MOST_READERS}", fix="leave it out for none")
    if settings.backup_retention.is_unresolved():
        refusals.refuse("backup_retention is not known before deployment", fix="write cdk.Duration.days(14)")
    else:
        seconds = settings.backup_retention.to_milliseconds() / 1000
        low, high = BACKUP_DAYS
        if seconds % 86_400 or not low <= seconds / 86_400 <= high:
            refusals.refuse(
                f"backup_retention is {seconds / 86_400:g} days, wanted whole days, {low} to {high}",
                fix="write cdk.Duration.days(14)",
            )


class Cluster(Construct):
    """Define the cluster, its instances, its parameters and its log groups.

    It has an identifier of its own, derived from its place in the tree: CloudFormation then never replaces it in
    silence, and its logs go where their retention is set before the first line is written.

    Args:
        settings: What is asked for, checked.
        vpc: Where it stands.
        group: Who may reach it.
        encryption_key: The key of its storage, and of the administrator's password. Default, and where it is waived:
            the account's keys for RDS and Secrets Manager.
        log_retention: How long its logs are kept.
        deletion_protection: Whether deleting it is refused.
        final_snapshot: Whether a snapshot is left of it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        settings: ClusterSettings,
        vpc: ec2.IVpc,
        group: ec2.SecurityGroup,
        encryption_key: kms.IKey | Waived | None,
        log_retention: logs.RetentionDays,
        deletion_protection: Literal[True] | Waived,
        final_snapshot: Literal[True] | Waived,
    ) -> None:
        super().__init__(scope, id)
        identifier = identifier_of(self)
        exports = LOGS[settings.engine]
        is_hardened = defaults_of(self).hardened
        own_key = None if isinstance(encryption_key, Waived) else encryption_key
        self.log_groups = [
            log_group(self, f"Log-{each}", name=f"/aws/rds/cluster/{identifier}/{each}", retention=log_retention)
            for each in exports
        ]
        has_insights = settings.min_capacity >= UNITS_FOR_INSIGHTS
        writer = rds.ClusterInstance.serverless_v2(
            "Writer",
            publicly_accessible=False,
            auto_minor_version_upgrade=True,
            enable_performance_insights=has_insights,
        )
        readers = [
            rds.ClusterInstance.serverless_v2(
                f"Reader{number}",
                publicly_accessible=False,
                auto_minor_version_upgrade=True,
                enable_performance_insights=has_insights,
                scale_with_writer=True,
            )
            for number in range(1, settings.readers + 1)
        ]
        self.cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            cluster_identifier=identifier,
            engine=ENGINES[settings.engine],
            default_database_name=settings.database_name,
            writer=writer,
            readers=readers,
            serverless_v2_min_capacity=settings.min_capacity,
            serverless_v2_max_capacity=settings.max_capacity,
            vpc=vpc,
            vpc_subnets=private_subnets(vpc),
            security_groups=[group],
            iam_authentication=True,
            manage_master_user_password=True,
            credentials=_administrator(settings.engine, own_key),
            enable_data_api=True,
            storage_encrypted=True,
            storage_encryption_key=own_key,
            parameters=TLS[settings.engine],
            backup=rds.BackupProps(retention=settings.backup_retention),
            copy_tags_to_snapshot=True,
            cloudwatch_logs_exports=exports,
            monitoring_interval=INTERVAL if is_hardened else None,
            monitoring_role=monitoring_identity(self) if is_hardened else None,
            deletion_protection=deletion_protection is True,
            removal_policy=cdk.RemovalPolicy.SNAPSHOT if final_snapshot is True else cdk.RemovalPolicy.DESTROY,
        )
        resource_of(self.cluster, rds.CfnDBCluster).node.add_dependency(*self.log_groups)
        acknowledge(self.cluster, FIXED_PORT, "AwsSolutions-RDS11")
        if settings.engine == "mysql":
            acknowledge(self.cluster, NO_BACKTRACK, "AwsSolutions-RDS14")
        safeguards = {
            "deletion_protection": deletion_protection,
            "retain": final_snapshot,
            "encryption_key": encryption_key,
        }
        for name, value in safeguards.items():
            if isinstance(value, Waived):
                record_waiver(self.cluster, name, value, *FINDINGS.get(name, ()))

    @property
    def administrator(self) -> secretsmanager.ISecret:
        """The secret with the administrator's password, which RDS makes, keeps and rotates.

        https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
        """
        secret = self.cluster.secret
        if secret is None:
            raise AssertionError("a cluster with a managed password has a secret")
        return secret


def identifier_of(construct: Construct) -> str:
    """A name of a place in the tree, as RDS takes one: letters first, no two hyphens, lower case."""
    unique = cdk.Names.unique_resource_name(construct, max_length=LONGEST_ID, separator="-").lower()
    name = re.sub("-+", "-", unique).strip("-")
    return name if name[0].isalpha() else f"db-{name}"


def _administrator(engine: str, key: kms.IKey | None) -> rds.Credentials | None:
    """How the administrator is called, where a key of one's own is for the password, too."""
    if key is None:
        return None
    username = ENGINES[engine].default_username or "admin"  # as the CDK calls that of MySQL
    return rds.Credentials.from_username(username, encryption_key=key)


def _check_capacity(name: str, value: float, least: float, refusals: Refusals) -> None:
    if math.isfinite(value) and cdk.Token.is_unresolved(value):
        refusals.refuse(f"{name} is not known before deployment, and the connections depend on it", fix="write it out")
        return
    if not (least <= value <= CAPACITY[1]) or value * 2 % 1:
        refusals.refuse(
            f"{name} is {value:g}, wanted {least:g} to {CAPACITY[1]:g} capacity units, in halves",
            fix=f"leave {name} out, or write 0.5, 1, 1.5, ...",
        )
