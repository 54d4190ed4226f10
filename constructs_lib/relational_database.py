"""A relational database that functions cannot exhaust.

The numbers, and why:

- 0.5 to 4 capacity units: what a small application needs, and what it costs at most. One unit is 2 GiB of memory, about
  $0.12 an hour. https://aws.amazon.com/rds/aurora/pricing/
- 90 % of the connections for functions: the rest is for whoever has to mend something.
- 14 days of backups: longer than it takes to notice. https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Backups.html
- Performance Insights from 2 units on, which is what AWS wants for it: it lives in the memory of the database.
  https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.secure_function import SecureFunction
from constructs_lib.wiring.connection_budget import ConnectionBudget, most_connections
from constructs_lib.wiring.database_alarms import AlarmsOfDatabase, DatabaseAlarms
from constructs_lib.wiring.database_checks import DataApiAction, check_data_api_actions, check_key, check_subnets
from constructs_lib.wiring.database_cluster import Cluster, ClusterSettings, check_cluster
from constructs_lib.wiring.database_network import IsolatedVpc
from constructs_lib.wiring.database_proxy import Proxy
from constructs_lib.wiring.database_setup import ENTRY, check_user, read_migrations
from constructs_lib.wiring.database_user_secret import UserSecret
from constructs_lib.wiring.environment import check_name
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_database import ExistingDatabase, KnownDatabase, check_same_place, function_of
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.stack_key import keep_with_data
from constructs_lib.wiring.stated import protected, retained
from constructs_lib.wiring.vpc_access import closed_group, private_subnets
from constructs_lib.wiring.waiver import Waived, acknowledge, check_safeguards

CALLED_BY_CLOUDFORMATION = (
    "CloudFormation calls this function and waits for its answer, which tells every failure; Secrets Manager tries a "
    "rotation that failed again, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html"
)


class RelationalDatabase(KnownDatabase):
    """Define a relational database that functions reach through a proxy, each as a user of its own.

    **Relational databases exhaust their connections.** Every concurrent request of a function is an environment with a
    connection of its own, environments come and go by the hundred, and a small database takes a hundred connections: at
    the next one it is down, for everybody. A table of DynamoDB has no such limit, scales to zero and costs nothing
    then; take this only where you need joins, transactions over many rows, or questions nobody knows yet. Here three
    things keep it from happening: RDS Proxy shares the connections, the concurrency of all functions that connect is
    reserved and checked against what the database takes, and where requests are few the Data API needs none at all.

    Defines an Aurora Serverless v2 cluster, encrypted, without a public address, in subnets that lead nowhere; an RDS
    Proxy with IAM and TLS from end to end; security groups that let functions speak to the proxy and to what answers
    over TLS, the proxy to the cluster, and nobody else to anybody; a function that makes the users and applies the
    migrations. The administrator's password is Secrets Manager's: RDS rotates it every seven days, and no function may
    read it but that one. Functions have no passwords: a token, which needs no call, is valid for 15 minutes.

    A proxy costs about $90 a month, however little it does, and the cluster about $45 a month at 0.5 units: what that
    buys, and what `data_api=True` saves, is in docs/relational.md.

    Args:
        engine: Which database. Default: PostgreSQL 17; MySQL is 8.0 (Aurora 3). The local run has PostgreSQL alone.
        database_name: The database in the cluster that is made with it: a letter, then letters, digits, underscores.
        migrations: A folder of SQL files, `0001_tables.sql` and so on, relative to the folder of `cdk.json`; each is
            applied once, whole or not at all. PostgreSQL only. Default: none.
        min_capacity: Fewest Aurora capacity units, 0 to 256 in halves; 0 lets the database pause, which a proxy's open
            connection never does. Default: 0.5, and 0 with `data_api`.
        max_capacity: Most of them, 1 to 256 in halves; so many connections it takes.
        readers: Further instances in other zones, to take over in seconds, 0 to 15; each costs as much as the first.
            Without one a failure takes minutes to mend. Reading from them takes an `rds.CfnDBProxyEndpoint` of yours.
        data_api: Functions run statements over HTTPS instead, in no VPC and without a proxy: slower by some
            milliseconds each, 1 MiB of result at most, and the cheaper way while there are few.
        connections_percent: How much of the database's connections the proxy may use, 1 to 100.
        backup_retention: How long backups are kept, 1 to 35 days. Default: 14 days.
        encryption_key: A key of your own for the storage, and for all passwords; it cannot be changed once the database
            is there. `Waived(reason)` keeps the one it was made with where `Defaults` name another since. Default: keys
            that AWS manages.
        vpc: Where it stands, in isolated subnets, or private ones where there are none; two at least. Default: a VPC of
            its own, without a NAT gateway.
        deletion_protection: `Waived(reason)` lets the cluster be deleted.
        retain: `Waived(reason)` deletes it without a final snapshot. A snapshot is what is retained: the cluster itself
            would hold on to its network.
        alarms: Other thresholds than those of `DatabaseAlarms`, or `Waived(reason)` for one or all of them.

    Raises:
        PropError: A number is out of bounds, the migrations cannot be read, a safeguard is waived without a reason.

    Example:
        >>> ledger = RelationalDatabase(stack, "Ledger", database_name="ledger")
        >>> post = SecureFunction(stack, "Post", entry="lambda_src/greeting/greet.ts", reserved_concurrency=20)
        >>> _ = ledger.grant_connect(post, user="ledger_writer")
        >>> ledger.connections.claimed, ledger.connections.most
        (20, 740)
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        engine: Literal["postgresql", "mysql"] = "postgresql",
        database_name: str = "app",
        migrations: str | None = None,
        min_capacity: int | float | None = None,
        max_capacity: int | float = 4,
        readers: int = 0,
        data_api: bool = False,
        connections_percent: int = 90,
        backup_retention: cdk.Duration | None = None,
        encryption_key: kms.IKey | Waived | None = None,
        vpc: ec2.IVpc | None = None,
        deletion_protection: Literal[True] | Waived | None = None,
        retain: Literal[True] | Waived | None = None,
        alarms: DatabaseAlarms | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        settings = ClusterSettings(
            engine=engine,
            database_name=database_name,
            min_capacity=(0.0 if data_api else 0.5) if min_capacity is None else min_capacity,
            max_capacity=max_capacity,
            readers=readers,
            backup_retention=cdk.Duration.days(14) if backup_retention is None else backup_retention,
        )
        defaults = defaults_of(self)
        refusals = Refusals(self)
        check_cluster(settings, refusals)
        if not data_api and settings.min_capacity == 0:
            refusals.refuse(
                "min_capacity is 0, and a database behind a proxy never pauses: the proxy keeps a connection open",
                fix="leave min_capacity out, or pass data_api=True",
            )
        if not 1 <= connections_percent <= 100:  # noqa: PLR2004 - per cent
            refusals.refuse(f"connections_percent is {connections_percent}, wanted 1 to 100", fix="leave it out for 90")
        if migrations is not None and engine != "postgresql":
            refusals.refuse(
                "migrations are for PostgreSQL: statements that define tables cannot be undone together in MySQL",
                fix="leave migrations out, and let a tool of your own run them: cluster.grant_data_api_access(tool)",
            )
        scripts = read_migrations(migrations, refusals)
        vpc = defaults.vpc if vpc is None else vpc
        if vpc is not None:
            check_subnets(vpc, refusals)
        check_key(encryption_key, refusals)
        protection, final_snapshot = self._safeguards(deletion_protection, retain, refusals)
        least_percent = settings.min_capacity / max_capacity * 100 if refusals.are_none else 0
        self._watched = AlarmsOfDatabase(alarms, least_percent=least_percent, has_proxy=not data_api)
        self._watched.check(refusals)
        refusals.stop_if_any()

        key = defaults.encryption_key if encryption_key is None else encryption_key
        if final_snapshot is True and not isinstance(key, Waived):
            keep_with_data(key)  # no snapshot is read without it
        self._key_of_passwords = defaults.encryption_key if isinstance(key, Waived) else key
        self.engine = engine
        self.database_name = database_name
        self.vpc: ec2.IVpc = (
            IsolatedVpc(self, "Network", log_retention=defaults.log_retention).vpc if vpc is None else vpc
        )
        self._cluster = Cluster(
            self,
            "Cluster",
            settings=settings,
            vpc=self.vpc,
            group=closed_group(self, "ClusterGroup", self.vpc, f"Database {self.node.path}"),
            encryption_key=key,
            log_retention=defaults.log_retention,
            deletion_protection=protection,
            final_snapshot=final_snapshot,
        )
        self.cluster: rds.DatabaseCluster = self._cluster.cluster
        if not data_api:
            group = closed_group(self, "ProxyGroup", self.vpc, f"Proxy of database {self.node.path}")
            self._door = Proxy(
                self,
                "Proxy",
                cluster=self.cluster,
                vpc=self.vpc,
                subnets=private_subnets(self.vpc),
                group=group,
                percent=connections_percent,
                log_retention=defaults.log_retention,
            )
        self.proxy: rds.DatabaseProxy | None = self._door.proxy if isinstance(self._door, Proxy) else None
        most = most_connections(
            min_capacity=settings.min_capacity, max_capacity=max_capacity, is_postgres=engine == "postgresql"
        )
        self.connections: ConnectionBudget = ConnectionBudget(most * connections_percent // 100)
        self._watched.raise_for(self, self.cluster, self.proxy, most=self.connections.most)
        self._set_up(scripts, alarms if isinstance(alarms, Waived) else None)

    @property
    def alarms(self) -> Sequence[cloudwatch.IAlarm]:
        """The alarms of this database, none where they are waived or turned off; its function has its own."""
        return self._watched.raised

    @classmethod
    def from_existing(
        cls,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        proxy: rds.IDatabaseProxy,
        *,
        security_group: ec2.ISecurityGroup,
        vpc: ec2.IVpc,
        database_name: str,
        engine: Literal["postgresql", "mysql"] = "postgresql",
        most_connections: int | None = None,
    ) -> ExistingDatabase:
        """Stand for a database behind a proxy that was made elsewhere, to let functions connect as to one of ours.

        Its users are there already, and its proxy may log in as them: that is for its owner to see to.

        Args:
            scope: The stack, or a construct in it.
            id: Its id there.
            proxy: The L2: `rds.DatabaseProxy.from_database_proxy_attributes(...)`, with its real ARN, which ends in
                `prx-...`.
            security_group: The proxy's; it lets each function in, unless it was imported with `mutable=False`.
            vpc: Where the proxy stands; functions are put into its isolated subnets, or else its private ones.
            database_name: The database in the cluster.
            engine: Which database; the proxy listens on the default port of its engine.
            most_connections: How many connections functions of this app may have together: more reserved concurrency
                is refused, and so is none. Default: nobody counts.

        Raises:
            PropError: The proxy is in another account or region, or its ARN is not one of a proxy.
        """
        return ExistingDatabase(
            scope,
            id,
            proxy=proxy,
            security_group=security_group,
            vpc=vpc,
            database_name=database_name,
            engine=engine,
            most_connections=most_connections,
        )

    @checks_kinds()
    def grant_data_api(
        self, grantee: iam.IGrantable, *actions: DataApiAction, user: str, env: str = "DATABASE"
    ) -> iam.Grant:
        """Let a function run statements over HTTPS as one user of the database, with no connection at all.

        The user has a password of its own, which the Data API reads on the function's behalf and nobody has to know; it
        changes every 30 days. The function gets the variables `<env>_CLUSTER`, `_SECRET` and `_NAME`.
        https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.html

        Args:
            grantee: A `SecureFunction`, or a construct with one.
            actions: Names of the actions without their prefix: `"ExecuteStatement"`.
            user: The user, as in `grant_connect`.
            env: How its variables begin.

        Returns:
            The grant, to depend on.

        Raises:
            PropError: An action is unknown, the name is not one, or the user has no password.
        """
        refusals = Refusals(self)
        function = function_of(grantee, refusals)
        if function is not None:
            check_same_place(self, function, refusals)
        check_user(user, self.engine, refusals)
        check_name(f"{env}_CLUSTER", refusals)
        check_data_api_actions(actions, refusals)
        if self._users.signs_in_with_password(user) is False:
            refusals.refuse(f"user {user!r} signs in by IAM, through the proxy", fix="choose another name")
        refusals.stop_if_any()
        if function is None:
            raise AssertionError("refused above")

        secret = self._user_secret(user)
        granted = grant_exactly(
            self, function, sorted({f"rds-data:{each}" for each in actions}), self.cluster.cluster_arn
        )
        secret.let_read(function.identity)
        function.add_environment(f"{env}_CLUSTER", self.cluster.cluster_arn)
        function.add_environment(f"{env}_SECRET", secret.secret.secret_arn)
        function.add_environment(f"{env}_NAME", self.database_name)
        resource_of(function.function, lambda_.CfnFunction).node.add_dependency(self.setup)
        return granted

    def _safeguards(
        self,
        deletion_protection: Literal[True] | Waived | None,
        retain: Literal[True] | Waived | None,
        refusals: Refusals,
    ) -> tuple[Literal[True] | Waived, Literal[True] | Waived]:
        """Whether it is kept, as its arguments say, or else the Defaults."""
        defaults = defaults_of(self)
        retain = retained(retain, defaults, is_protected=deletion_protection)
        deletion_protection = protected(deletion_protection, defaults)
        check_safeguards({"deletion_protection": deletion_protection, "retain": retain}, refusals)
        if isinstance(retain, Waived) and deletion_protection is True:
            refusals.refuse(
                "retain is waived but deletion_protection is not: removing the stack would fail",
                fix="waive deletion_protection with it, or neither",
            )
        return deletion_protection, retain

    def _set_up(self, scripts: object, alarms: Waived | None) -> None:
        administrator = self._cluster.administrator
        self.setup_function = SecureFunction(
            self,
            "SetupFunction",
            entry=ENTRY,
            timeout=cdk.Duration.minutes(15),
            description=f"Users and migrations of {self.node.path}"[:256],
            environment={
                "DATABASE_ENGINE": self.engine,
                "DATABASE_CLUSTER": self.cluster.cluster_arn,
                "DATABASE_NAME": self.database_name,
            },
            secrets={"DATABASE_ADMINISTRATOR": administrator},
            alarms=alarms,
        )
        grant_exactly(self, self.setup_function, ["rds-data:ExecuteStatement"], self.cluster.cluster_arn)
        acknowledge(self.setup_function.function, CALLED_BY_CLOUDFORMATION, "Serverless-LambdaDLQ")
        self.setup: cdk.CustomResource = cdk.CustomResource(
            self,
            "Setup",
            service_token=self.setup_function.function_arn,
            properties={"Users": cdk.Lazy.any(self._users), "Migrations": scripts},
        )
        self.setup.node.add_dependency(self._cluster)
        if isinstance(self._door, Proxy):
            self.setup.node.add_dependency(self._door)  # whoever waits for the users can reach them
        for policy in self.setup_function.identity.grants_policies:
            self.setup.node.add_dependency(policy)

    def _user_secret(self, user: str) -> UserSecret:
        found = self.node.try_find_child(f"Password-{user}")
        if isinstance(found, UserSecret):
            return found
        secret = UserSecret(
            self,
            f"Password-{user}",
            user=user,
            key=self._key_of_passwords,
            rotates=self.setup_function.function,
            identity=self.setup_function.identity,
        )
        self._users.add(user, lambda: secret.secret.secret_arn)
        self.setup_function.keep_failed_events()  # a rotation calls it asynchronously
        self.setup.node.add_dependency(secret)
        return secret
