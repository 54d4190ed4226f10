"""The relational databases of an assembly, and which functions open connections to them themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Text

CLUSTER, INSTANCE, PROXY = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::DBProxy"
PROXIES = (PROXY, "AWS::RDS::DBProxyEndpoint")
ATTACHMENT, INGRESS = "AWS::SecretsManager::SecretTargetAttachment", "AWS::EC2::SecurityGroupIngress"
GROUPS = {CLUSTER: "VpcSecurityGroupIds", INSTANCE: "VPCSecurityGroups"}
ADDRESS, SECRET = ("Endpoint", "ReadEndpoint"), "MasterUserSecret"  # how attributes of a database begin


@dataclass(frozen=True, slots=True)
class Connection:
    """A function that opens connections to a database itself, without a proxy between them.

    Args:
        function: The function.
        database: The cluster, or the instance that is in none.
        evidence: How one can tell.
    """

    function: Resource
    database: Resource
    evidence: str


@remembered
def connections(assembly: Assembly) -> tuple[Connection, ...]:
    """Return every pair of a function and a database that it connects to by itself.

    A function knows a database by its address or by its secret in an environment variable, and is let in by a security
    group. One that knows a proxy is taken to use it.

    Example:
        >>> [(each.function.path, each.database.path, each.evidence) for each in connections(assembly)]
        [('Shop/Api', 'Shop/Orders', 'environment variable DB_HOST')]
    """
    return tuple(_connections(assembly))


def databases(assembly: Assembly) -> tuple[Resource, ...]:
    """Return the clusters, and the instances that are in none."""
    return tuple(each for each in assembly.of_type(CLUSTER, INSTANCE) if each.lacks("DBClusterIdentifier"))


def _connections(assembly: Assembly) -> Iterator[Connection]:
    found = databases(assembly)
    if not found:
        return
    secrets = _secrets(assembly)
    for function in own_functions(assembly):
        variables = {
            name: function.texts("Environment", "Variables", name) for name in function.keys("Environment", "Variables")
        }
        if any(each.type in PROXIES for told in variables.values() for each in _mentioned(assembly, told)):
            continue
        for database in found:
            evidence = _evidence(assembly, function, database, variables, secrets)
            if evidence is not None:
                yield Connection(function, database, evidence)


def _evidence(
    assembly: Assembly,
    function: Resource,
    database: Resource,
    variables: Mapping[str, tuple[Text, ...]],
    secrets: Mapping[str, Resource],
) -> str | None:
    for name, told in variables.items():
        for symbol in (symbol for text in told for symbol in text.symbols):
            if symbol.of == database.id and symbol.attribute.startswith(ADDRESS):
                return f"environment variable {name}"
            # In no VPC a secret is for the Data API, which needs no connection.
            is_secret = secrets.get(symbol.of) is database or (
                symbol.of == database.id and symbol.attribute.startswith(SECRET)
            )
            if is_secret and not function.lacks("VpcConfig"):
                return f"environment variable {name}, the secret of the database"
    own = {each.id for each in _mentioned(assembly, function.texts("VpcConfig", "SecurityGroupIds", "*"))}
    guarding = {each.id for each in _mentioned(assembly, database.texts(GROUPS[database.type], "*"))}
    for group, source, by in _let_in(assembly):
        if group in guarding and source in own:
            return f"security group rule {by}"
    return None


def _secrets(assembly: Assembly) -> Mapping[str, Resource]:
    """The database by each id that stands for its secret: of the secret, and of what attaches it."""
    found = {}
    for attachment in assembly.of_type(ATTACHMENT):
        for database in _mentioned(assembly, attachment.texts("TargetId")):
            found[attachment.id] = database
            found.update({each.id: database for each in _mentioned(assembly, attachment.texts("SecretId"))})
    return found


def _let_in(assembly: Assembly) -> Iterator[tuple[str, str, Resource]]:
    """The security groups that let another in: its id, the other's id, and what says so."""
    for ingress in assembly.of_type(INGRESS):
        for group in _mentioned(assembly, ingress.texts("GroupId")):
            for source in _mentioned(assembly, ingress.texts("SourceSecurityGroupId")):
                yield group.id, source.id, ingress
    for group in assembly.of_type("AWS::EC2::SecurityGroup"):
        for source in _mentioned(assembly, group.texts("SecurityGroupIngress", "*", "SourceSecurityGroupId")):
            yield group.id, source.id, group


def _mentioned(assembly: Assembly, told: Iterable[Text]) -> Iterator[Resource]:
    """The resources whose names or attributes stand in these texts."""
    for text in told:
        for symbol in text.symbols:
            found = assembly.find(symbol.of) if symbol.kind in {"name", "attribute"} else None
            if isinstance(found, Resource):
                yield found
