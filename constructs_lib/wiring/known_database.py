"""A relational database behind an RDS Proxy, whoever made it: what a function is granted on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Protocol, TypeGuard

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.connection_budget import ConnectionBudget
from constructs_lib.wiring.database_checks import check_subnets
from constructs_lib.wiring.database_proxy import ExistingProxy
from constructs_lib.wiring.database_setup import Users, check_user
from constructs_lib.wiring.environment import check_name
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.existing import check_existing
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import checks_kinds, satisfies
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.vpc_access import check_vpc, enter_vpc
from constructs_lib.wiring.waiver import Waived, check_safeguards, record_waiver

if TYPE_CHECKING:
    from constructs_lib.wiring.database_proxy import Door
    from constructs_lib.wiring.identity import Identity

# What a proxy is known by in the rights of its users; its name says nothing there.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
PROXY_ARN = re.compile(r"arn:[^:]+:rds:[^:]+:[^:]+:db-proxy:prx-\w+")


class Connecting(Protocol):
    """A function that can be put into a network, and told where the database is: `SecureFunction`."""

    @property
    def function(self) -> lambda_.Function:
        """The function."""

    @property
    def identity(self) -> Identity:
        """Its role."""

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """Who is allowed what it is granted."""

    def add_environment(self, name: str, value: str) -> None:
        """Set a variable."""


class KnownDatabase(Construct):
    """Stand for a database: `RelationalDatabase` for one of ours, `ExistingDatabase` for any other.

    Attributes:
        engine: Which database.
        database_name: The database in the cluster.
        vpc: Where it is reached.
        connections: How many connections functions may have; none where nobody said.
        setup: What has to be deployed before a function connects.
    """

    engine: Literal["postgresql", "mysql"]
    database_name: str
    vpc: ec2.IVpc
    connections: ConnectionBudget | None
    setup: cdk.CustomResource | None = None

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        guard(self)
        self._door: Door | None = None
        self._users = Users()

    @checks_kinds()
    def grant_connect(
        self,
        grantee: iam.IGrantable,
        *,
        user: str,
        env: str = "DATABASE",
        budget: Literal[True] | Waived = True,
    ) -> iam.Grant:
        """Let a function log in through the proxy as one user of the database: exactly `rds-db:connect` on that user.

        The user of a `RelationalDatabase` is made with the deployment; what it may do in the database is for the
        migrations to say (`GRANT SELECT ON accounts TO ledger_reader`). The function is put into the VPC, in a security
        group of its own that leads to the proxy and to TLS ports, and gets the variables `<env>_HOST`, `_PORT`, `_NAME`
        and `_USER`.

        Args:
            grantee: A `SecureFunction`, or a construct with one.
            user: The user: a letter, then letters, digits and underscores, in lower case.
            env: How its variables begin.
            budget: `Waived(reason)` lets the function have more environments than there are connections: those that
                find none wait for one, ten seconds at most.

        Returns:
            The grant, to depend on.

        Raises:
            PropError: The function has no `reserved_concurrency`, or all of them together have more than the database
                takes; the name is not one; there is no proxy.
        """
        refusals = Refusals(self)
        function = function_of(grantee, refusals)
        check_user(user, self.engine, refusals)
        check_name(f"{env}_HOST", refusals)
        check_safeguards({"budget": budget}, refusals)
        if self._door is None:
            refusals.refuse(
                "the database has no proxy to connect to", fix="leave data_api out, or call grant_data_api instead"
            )
        if self._users.signs_in_with_password(user):
            refusals.refuse(f"user {user!r} signs in with a password, by the Data API", fix="choose another name")
        if function is not None and self._door is not None:
            check_same_place(self, function, refusals)
            check_vpc(function.function, self.vpc, refusals)
            if isinstance(budget, Waived):
                record_waiver(function.function, "budget", budget)
            elif self.connections is not None and refusals.are_none:
                self.connections.claim(function.function, refusals)
        refusals.stop_if_any()
        if function is None or self._door is None:
            raise AssertionError("refused above")

        self._users.add(user, None)
        interfaces = enter_vpc(function.function, function.identity, self.vpc)
        self._door.let_in(interfaces, user)
        granted = grant_exactly(self, function, ["rds-db:connect"], self._door.user_arn(user))
        function.add_environment(f"{env}_HOST", self._door.host)
        function.add_environment(f"{env}_PORT", self._door.port)
        function.add_environment(f"{env}_NAME", self.database_name)
        function.add_environment(f"{env}_USER", user)
        if self.setup is not None:
            resource_of(function.function, lambda_.CfnFunction).node.add_dependency(self.setup)
        return granted


class ExistingDatabase(KnownDatabase):
    """Stand for a database that was made elsewhere; see `RelationalDatabase.from_existing`.

    Args:
        proxy: The L2 of its proxy.
        security_group: Who reaches the proxy.
        vpc: Where the proxy stands.
        database_name: The database in the cluster.
        engine: Which database.
        most_connections: How many connections functions may have. Default: nobody counts.

    Raises:
        PropError: The proxy is in another account or region, or its ARN is not one of a proxy.
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        proxy: rds.IDatabaseProxy,
        security_group: ec2.ISecurityGroup,
        vpc: ec2.IVpc,
        database_name: str,
        engine: Literal["postgresql", "mysql"] = "postgresql",
        most_connections: int | None = None,
    ) -> None:
        super().__init__(scope, id)
        check_existing("proxy", proxy, proxy.db_proxy_arn, self)
        refusals = Refusals(self)
        if not cdk.Token.is_unresolved(proxy.db_proxy_arn) and not PROXY_ARN.fullmatch(proxy.db_proxy_arn):
            refusals.refuse(
                f"{proxy.db_proxy_arn!r} is not the ARN of a proxy: rights to connect are on what it ends in, prx-...",
                fix="pass the DBProxyArn that `aws rds describe-db-proxies` tells",
            )
        if not database_name:
            refusals.refuse("database_name is empty", fix="name the database in the cluster")
        if most_connections is not None and (cdk.Token.is_unresolved(most_connections) or most_connections < 1):
            shown = "not known before deployment" if cdk.Token.is_unresolved(most_connections) else most_connections
            refusals.refuse(
                f"most_connections is {shown}, wanted a number above zero",
                fix="write how many connections the proxy may open, or leave it out to count none",
            )
        check_subnets(vpc, refusals)
        refusals.stop_if_any()
        self.engine = engine
        self.database_name = database_name
        self.vpc = vpc
        self.proxy = proxy
        self.connections = (
            None if most_connections is None else ConnectionBudget(most_connections, "raise most_connections")
        )
        self._door = ExistingProxy(self, proxy, security_group, engine)

    def grant_data_api(self, grantee: iam.IGrantable, *actions: str, user: str, env: str = "DATABASE") -> iam.Grant:
        """Refuse: the Data API asks for the cluster and the secret of a user, and here the proxy alone is known.

        Raises:
            PropError: Always, with what does it.
        """
        del grantee, actions, user, env
        raise PropError(
            Problem(
                "the Data API asks for a cluster and the secret of a user, and from_existing knows the proxy alone",
                f"{self.node.path} (ExistingDatabase)",
                "rds.DatabaseCluster.from_database_cluster_attributes(..., data_api_enabled=True, secret=...)"
                ".grant_data_api_access(function)",
            )
        )


def check_same_place(database: Construct, function: Connecting, refusals: Refusals) -> None:
    """Note a function of another account or region: it is in no network of this one, and calls its own Data API."""
    why = "a database is reached from its own account and region"
    check_same_environment(
        database, function.function, refusals, why=why, fix="define the function where the database is"
    )


def function_of(grantee: object, refusals: Refusals) -> Connecting | None:
    """The function of whoever is granted to, which has variables and a network."""
    for found in (grantee, getattr(grantee, "function", None)):
        if _connects(found):
            return found
    refusals.refuse(
        f"a database is for a SecureFunction, or a construct with one, got a {type(grantee).__name__}",
        fix="make it a SecureFunction; for others see database.proxy and database.cluster",
    )
    return None


def _connects(value: object) -> TypeGuard[Connecting]:
    return satisfies(value, Connecting) and isinstance(getattr(value, "function", None), lambda_.Function)
