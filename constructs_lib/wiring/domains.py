"""The own name of an API: certificate, mapping, and where wanted the records that lead there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets

from constructs_lib.wiring.kinds import check_fields
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

NAME = re.compile(r"(?=.{1,253}$)(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
PATH = re.compile(r"[A-Za-z0-9$._~!*'()+-]{1,300}")
CLOUDFRONT = "us-east-1"
FOR_CLOUDFRONT = f": the one of {CLOUDFRONT} is for CloudFront"

# The APIs of an app that have names, by those, by their stacks: where each is, and its region.
_TAKEN: WeakKeyDictionary[IConstruct, dict[str, dict[str, tuple[str, str]]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Domain:
    """A name of one's own for an API, over TLS 1.2 or newer, by IPv4 and IPv6.

    Nothing is looked up: the certificate is one of this region that covers the name, and the zone is passed as it is.
    The endpoint that API Gateway names itself is closed, so that nobody goes around what the name is for.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html

    Args:
        name: `api.example.com`.
        certificate: A certificate of the API's own region for that name.
        zone: The hosted zone that gets an A and an AAAA record for the name. Default: none, you make the records.
        path: Below which the API is: `v1`. Default: the root. APIs that share a name share a domain of plain CDK, see
            docs/apis.md.
        tls: The oldest version that is spoken; `1.3` turns older clients away, and is for REST APIs only.
            https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html
        default_endpoint: Keep the endpoint that API Gateway names itself, too.

    Raises:
        PropError: The name or the path is none. The API raises it when the certificate is of another region, the zone
            is not one of the name, or another API has the name.
    """

    name: str
    certificate: acm.ICertificate
    zone: route53.IHostedZone | None = None
    path: str = ""
    tls: Literal["1.2", "1.3"] = "1.2"
    default_endpoint: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no name, or not a path in one piece."""
        refusals = Refusals.at("Domain(...)")
        check_fields(self, refusals)
        refusals.stop_if_any()
        if not cdk.Token.is_unresolved(self.name) and not NAME.fullmatch(self.name):
            refusals.refuse(
                f"name is {self.name!r}, which is no domain name", fix="write it in lower case, like api.example.com"
            )
        if self.path and not cdk.Token.is_unresolved(self.path) and not PATH.fullmatch(self.path):
            refusals.refuse(
                f"path is {self.path!r}, wanted one piece without slashes", fix='write path="v1", or leave path out'
            )
        refusals.stop_if_any()

    @property
    def url(self) -> str:
        """The base URL under this name, without a slash at its end."""
        return f"https://{self.name}/{self.path}".rstrip("/")


def check_domain(domain: Domain | None, api: Construct, refusals: Refusals) -> None:
    """Note a certificate or a zone that is of no use here, and a name that another API has; take it otherwise."""
    if domain is None:
        return
    stack = cdk.Stack.of(api)
    region = _region_of(domain.certificate)
    if not cdk.Token.is_unresolved(stack.region) and region not in {None, stack.region}:
        refusals.refuse(
            f"the certificate of {domain.name} is of {region}, and the API is in {stack.region}",
            fix=f"name a certificate of {stack.region}{FOR_CLOUDFRONT if region == CLOUDFRONT else ''}",
        )
    if cdk.Token.is_unresolved(domain.name):
        return
    zone = None if domain.zone is None else _name_of(domain.zone)
    if zone is not None and not cdk.Token.is_unresolved(zone):
        ending = zone.rstrip(".").lower()
        if domain.name != ending and not domain.name.endswith(f".{ending}"):
            refusals.refuse(
                f"zone is that of {ending}, where no record for {domain.name} can be",
                fix="pass the zone of the name, or leave zone out and make the records where it is",
            )
    taken = _TAKEN.setdefault(api.node.root, {})
    for other, (path, where) in taken.get(domain.name, {}).items():
        is_same_place = where == stack.region if not cdk.Token.is_unresolved(where) else other == stack.node.path
        if is_same_place and path != api.node.path:
            refusals.refuse(
                f"{domain.name} is the name of {path} already, and a region has a name once",
                fix="give each API its own name, or map both below one apigatewayv2.DomainName, as docs/apis.md does",
            )
    if refusals.are_none:
        taken.setdefault(domain.name, {}).setdefault(stack.node.path, (api.node.path, stack.region))


def _name_of(zone: route53.IHostedZone) -> str | None:
    """The name of a zone; none of one that is known by its id alone."""
    try:
        return zone.zone_name
    except RuntimeError:
        return None


def _region_of(certificate: acm.ICertificate) -> str | None:
    """The region a certificate is of, where that is known."""
    arn = certificate.certificate_arn
    region = cdk.Stack.of(certificate).region
    if not cdk.Token.is_unresolved(arn):
        pieces = arn.split(":")
        region = pieces[3] if len(pieces) > 3 else ""  # noqa: PLR2004 - arn:aws:acm:region
    return region if region and not cdk.Token.is_unresolved(region) else None


def name_http_api(
    scope: Construct, domain: Domain, api: apigatewayv2.HttpApi, stage: apigatewayv2.HttpStage
) -> apigatewayv2.DomainName:
    """Give an HTTP API its name."""
    named = apigatewayv2.DomainName(
        scope,
        "Domain",
        domain_name=domain.name,
        certificate=domain.certificate,
        security_policy=apigatewayv2.SecurityPolicy.TLS_1_2,
        ip_address_type=apigatewayv2.IpAddressType.DUAL_STACK,  # else nobody answers at the AAAA record
    )
    apigatewayv2.ApiMapping(
        scope, "Mapping", api=api, domain_name=named, stage=stage, api_mapping_key=domain.path or None
    )
    target = targets.ApiGatewayv2DomainProperties(named.regional_domain_name, named.regional_hosted_zone_id)
    _records(scope, domain, target)
    return named


def name_rest_api(scope: Construct, domain: Domain, stage: apigateway.Stage) -> apigateway.DomainName:
    """Give a REST API its name."""
    is_newest = domain.tls == "1.3"
    named = apigateway.DomainName(
        scope,
        "Domain",
        domain_name=domain.name,
        certificate=domain.certificate,
        endpoint_type=apigateway.EndpointType.REGIONAL,
        security_policy=apigateway.SecurityPolicy.TLS13_1_3_2025_09 if is_newest else apigateway.SecurityPolicy.TLS_1_2,
        endpoint_access_mode=apigateway.EndpointAccessMode.STRICT if is_newest else None,
    )
    resource_of(
        named, apigateway.CfnDomainName
    ).endpoint_configuration = apigateway.CfnDomainName.EndpointConfigurationProperty(
        types=["REGIONAL"], ip_address_type="dualstack"
    )
    named.add_base_path_mapping(stage.rest_api, base_path=domain.path or None, stage=stage)
    _records(scope, domain, targets.ApiGatewayDomain(named))
    return named


def _records(scope: Construct, domain: Domain, target: route53.IAliasRecordTarget) -> None:
    if domain.zone is not None:
        to_api = route53.RecordTarget.from_alias(target)
        route53.ARecord(scope, "Ipv4", zone=domain.zone, record_name=f"{domain.name}.", target=to_api)
        route53.AaaaRecord(scope, "Ipv6", zone=domain.zone, record_name=f"{domain.name}.", target=to_api)
