"""Where a function in a VPC gets to: by the routes of its subnets, and by the endpoints of its VPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly

IN_VPC = ("VpcConfig", "SubnetIds")
VPC, SUBNET, TABLE, ENDPOINT = "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::VPCEndpoint"
GATEWAY = "AWS::EC2::InternetGateway"
# What stands in a VPC and is reached from inside of it; by its type, or by the property that puts it there.
PRIVATE = (
    "AWS::AmazonMQ::Broker", "AWS::DAX::Cluster", "AWS::DMS::ReplicationInstance", "AWS::DocDB::DBCluster",
    "AWS::EC2::Instance", "AWS::EC2::TransitGatewayAttachment", "AWS::EC2::VPCPeeringConnection",
    "AWS::EC2::VPNConnection", "AWS::EC2::VPNGateway", "AWS::ECS::Service", "AWS::EFS::FileSystem",
    "AWS::EKS::Cluster", "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::ServerlessCache", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::FSx::FileSystem",
    "AWS::MSK::Cluster", "AWS::MSK::ServerlessCluster", "AWS::MemoryDB::Cluster", "AWS::Neptune::DBCluster",
    "AWS::OpenSearchServerless::VpcEndpoint", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::DBProxy",
    "AWS::Redshift::Cluster", "AWS::RedshiftServerless::Workgroup", "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::VpcLattice::ServiceNetworkVpcAssociation",
)  # fmt: skip
PRIVATE_BY = {
    ENDPOINT: ("VpcEndpointType",),
    "AWS::Elasticsearch::Domain": ("VPCOptions",),
    "AWS::OpenSearchService::Domain": ("VPCOptions",),
}
# What joins a VPC to other networks, whose owners may send its traffic on by routes of their own.
JOINED = (
    "AWS::EC2::TransitGatewayAttachment", "AWS::EC2::TransitGatewayVpcAttachment", "AWS::EC2::VPCPeeringConnection",
    "AWS::EC2::VPNGateway", "AWS::EC2::VPNGatewayRoutePropagation", "AWS::NetworkManager::VpcAttachment",
)  # fmt: skip
TO_OTHERS = frozenset({"DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "RouteTableId"})


def holds_something_private(assembly: Assembly) -> bool:
    """Whether any of the stacks holds what only a VPC reaches."""
    return any(assembly.of_type(*PRIVATE)) or any(
        not resource.lacks(*at) and resource.text(*at) != "Gateway"
        for kind, at in PRIVATE_BY.items()
        for resource in assembly.of_type(kind)
    )


@dataclass(frozen=True)
class Network:
    """Where a function stands, all of it in the given stacks.

    Args:
        vpc: Its VPC.
        subnets: Its subnets.
    """

    vpc: Resource
    subnets: tuple[Resource, ...]

    def may_lead_out(self, *, by_ipv6: bool) -> bool:
        """Whether traffic may leave the VPC, as far as anybody can tell.

        A function has no public IPv4 address, so that an internet gateway is no way out for it.

        Args:
            by_ipv6: Whether the function has addresses of IPv6, for which it is one.
        """
        assembly = self.vpc.stack.assembly
        if any(assembly.of_type(*JOINED)):
            return True
        tables = self._tables()
        if tables is None:
            return True
        for route in assembly.of_type("AWS::EC2::Route"):
            table = assembly.target(route.value("RouteTableId"), TABLE)
            if isinstance(table, Resource) and table not in tables:
                continue
            gateways = [assembly.target(each, GATEWAY) for each in route.values("GatewayId")]
            is_gateway = bool(gateways) and all(isinstance(each, Resource) for each in gateways)
            if by_ipv6 or not is_gateway or route.raw.keys() - TO_OTHERS != {"GatewayId"}:
                return True
        return False

    def endpoints(self) -> frozenset[str] | None:
        """Return the services that endpoints of the VPC lead to, as their names end; none when one cannot be read."""
        assembly = self.vpc.stack.assembly
        tables = self._tables()
        found: set[str] = set()
        for endpoint in assembly.of_type(ENDPOINT):
            there = assembly.target(endpoint.value("VpcId"), VPC)
            if isinstance(there, Resource) and there is not self.vpc:
                continue
            names = [each.parts[-1] if each.parts else "" for each in endpoint.texts("ServiceName")]
            if not names or not all(isinstance(each, str) for each in names):
                return None
            if endpoint.lacks("VpcEndpointType") or endpoint.text("VpcEndpointType") == "Gateway":
                served = [assembly.target(each, TABLE) for each in _listed(endpoint, "RouteTableIds")]
                if tables is not None and all(isinstance(each, Resource) and each not in tables for each in served):
                    continue
            found |= {str(each).rpartition(".")[2].removesuffix("-fips") for each in names}
        return frozenset(found)

    def _tables(self) -> list[Resource] | None:
        """The route tables of the subnets; none when one of them is elsewhere."""
        assembly = self.vpc.stack.assembly
        found: list[Resource] = []
        for association in assembly.of_type("AWS::EC2::SubnetRouteTableAssociation"):
            subnets = [assembly.target(each, SUBNET) for each in association.values("SubnetId")]
            if all(isinstance(each, Resource) and each not in self.subnets for each in subnets):
                continue
            for each in association.values("RouteTableId"):
                table = assembly.target(each, TABLE)
                if not isinstance(table, Resource):
                    return None
                found.append(table)
        return found


def network_of(function: Resource) -> Network | None:
    """Return where a function in a VPC stands; none when some of it is in no given stack."""
    assembly = function.stack.assembly
    subnets = [assembly.target(each, SUBNET) for each in _listed(function, *IN_VPC)]
    known = tuple(each for each in subnets if isinstance(each, Resource))
    if not known or len(known) < len(subnets):
        return None
    vpcs = [assembly.target(value, VPC) for each in known for value in each.values("VpcId")]
    first = vpcs[0] if vpcs else None
    if not isinstance(first, Resource) or any(each is not first for each in vpcs):
        return None
    return Network(first, known)


def _listed(resource: Resource, *at: str) -> Iterator[Text | None]:
    """The texts of a list; none for what is not known to be one."""
    for each in resource.values(*at, "*"):
        yield each if isinstance(each, Text) else None
