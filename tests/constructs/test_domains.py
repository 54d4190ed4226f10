"""APIs under names of their own."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from constructs_lib import Domain, Iam, PropError, SecureApi, SecureApiFunction, SecureRestApi
from tests.findings import findings_of
from tests.templates import resources_of, show, template_of

ENTRY = "lambda_src/greeting/greet.ts"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/1"
KINDS = [SecureApi, SecureRestApi]
Kind = type[SecureApi | SecureRestApi]


@pytest.fixture
def certificate(stack: cdk.Stack) -> acm.ICertificate:
    return acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)


def domain_of(stack: cdk.Stack, kind: Kind, domain: Domain) -> dict[str, Any]:
    api = kind(stack, "Api", auth=Iam(), domain=domain)
    SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY)
    version = "V2" if kind is SecureApi else ""
    [name] = resources_of(template_of(stack), f"AWS::ApiGateway{version}::DomainName").values()
    return dict(name["Properties"])


@pytest.mark.parametrize("kind", KINDS)
def test_speaks_tls_1_2_or_newer_under_its_certificate(
    stack: cdk.Stack, certificate: acm.ICertificate, kind: Kind
) -> None:
    told = domain_of(stack, kind, Domain("api.example.com", certificate))
    assert told["DomainName"] == "api.example.com"
    assert "'SecurityPolicy': 'TLS_1_2'" in str(told)
    assert "'IpAddressType': 'dualstack'" in str(told), "else nobody answers at the AAAA record"
    assert CERTIFICATE in str(told)
    assert findings_of(stack) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_address_of_api_gateway_is_closed(stack: cdk.Stack, certificate: acm.ICertificate, kind: Kind) -> None:
    domain_of(stack, kind, Domain("api.example.com", certificate))
    version = ("V2::Api", "::RestApi")[kind is SecureRestApi]
    [api] = resources_of(template_of(stack), f"AWS::ApiGateway{version}").values()
    assert api["Properties"]["DisableExecuteApiEndpoint"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_its_url_is_its_name(stack: cdk.Stack, certificate: acm.ICertificate, kind: Kind) -> None:
    domain_of(stack, kind, Domain("api.example.com", certificate, path="v1"))
    assert [each["Value"] for each in template_of(stack)["Outputs"].values()] == ["https://api.example.com/v1"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_zone_gets_the_records_without_a_lookup(stack: cdk.Stack, certificate: acm.ICertificate, kind: Kind) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    domain_of(stack, kind, Domain("api.example.com", certificate, zone=zone))
    records = [each["Properties"] for each in resources_of(template_of(stack), "AWS::Route53::RecordSet").values()]
    assert sorted((each["Name"], each["Type"]) for each in records) == [
        ("api.example.com.", "A"),
        ("api.example.com.", "AAAA"),
    ]
    assert all("RegionalDomainName" in show(each["AliasTarget"]["DNSName"]) for each in records)


def test_a_rest_api_may_turn_older_tls_away(stack: cdk.Stack, certificate: acm.ICertificate) -> None:
    told = domain_of(stack, SecureRestApi, Domain("api.example.com", certificate, tls="1.3"))
    assert told["SecurityPolicy"] == "SecurityPolicy_TLS13_1_3_2025_09"
    assert told["EndpointAccessMode"] == "STRICT"


class TestRefusals:
    def test_an_http_api_that_is_to_turn_tls_1_2_away(self, stack: cdk.Stack, certificate: acm.ICertificate) -> None:
        with pytest.raises(PropError) as caught:
            SecureApi(stack, "Api", auth=Iam(), domain=Domain("api.example.com", certificate, tls="1.3"))
        assert str(caught.value) == (
            "the oldest TLS of the domain is 1.3, and HTTP APIs let no one leave 1.2 out\n"
            "  at:  Shop/Api (SecureApi)\n"
            "  fix: leave tls out (1.3 is spoken with those who can), or use a SecureRestApi"
        )

    def test_a_certificate_of_another_region_where_cloudfront_has_its_own(self, app: cdk.App) -> None:
        stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111122223333", region="us-east-1"))
        arn = CERTIFICATE.replace("us-east-1", "eu-west-1")
        certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
        with pytest.raises(PropError, match=r"fix: name a certificate of us-east-1$"):
            SecureApi(stack, "Api", auth=Iam(), domain=Domain("api.example.com", certificate))

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_certificate_of_another_region_and_a_zone_of_another_name(self, app: cdk.App, kind: Kind) -> None:
        stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111122223333", region="eu-west-1"))
        certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
        zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z1", zone_name="a.org")
        with pytest.raises(PropError) as caught:
            kind(stack, "Api", auth=Iam(), domain=Domain("api.example.com", certificate, zone=zone))
        assert str(caught.value) == (
            "the certificate of api.example.com is of us-east-1, and the API is in eu-west-1\n"
            f"  at:  Shop/Api ({kind.__name__})\n"
            "  fix: name a certificate of eu-west-1: the one of us-east-1 is for CloudFront\n"
            "zone is that of a.org, where no record for api.example.com can be\n"
            f"  at:  Shop/Api ({kind.__name__})\n"
            "  fix: pass the zone of the name, or leave zone out and make the records where it is"
        )

    def test_a_name_that_another_api_of_the_region_has(self, app: cdk.App) -> None:
        stacks = {
            name: cdk.Stack(cdk.Stage(app, name), "Shop", env=cdk.Environment(region=region))
            for name, region in (("dev", "eu-west-1"), ("prod", "eu-west-1"), ("us", "us-east-1"), ("any", None))
        }
        for name, stack in stacks.items():
            region = "us-east-1" if name == "us" else "eu-west-1"
            arn = CERTIFICATE.replace("us-east-1", region)
            domain = Domain("api.example.com", acm.Certificate.from_certificate_arn(stack, "Certificate", arn))
            if name != "prod":
                SecureApi(stack, "Api", auth=Iam(), domain=domain)
                continue
            with pytest.raises(PropError) as caught:
                SecureRestApi(stack, "Api", auth=Iam(), domain=domain)
            assert str(caught.value) == (
                "api.example.com is the name of dev/Shop/Api already, and a region has a name once\n"
                "  at:  prod/Shop/Api (SecureRestApi)\n"
                "  fix: give each API its own name, or map both below one apigatewayv2.DomainName, as docs/apis.md does"
            )
            SecureApi(stack, "Other", auth=Iam(), domain=Domain("prod.example.com", domain.certificate))

    @pytest.mark.parametrize(
        "name", ["", "localhost", "https://api.example.com", "api.example.com/v1", "API.example.com"]
    )
    def test_what_is_no_name(self, certificate: acm.ICertificate, name: str) -> None:
        with pytest.raises(PropError, match="which is no domain name"):
            Domain(name, certificate)

    @pytest.mark.parametrize("path", ["/v1", "v1/users", "a b"])
    def test_a_path_in_several_pieces(self, certificate: acm.ICertificate, path: str) -> None:
        with pytest.raises(PropError, match="wanted one piece without slashes"):
            Domain("api.example.com", certificate, path=path)

    def test_arguments_of_another_kind(self) -> None:
        values: Any = {"name": 5, "certificate": "arn:x", "tls": "1.1"}
        with pytest.raises(PropError) as caught:
            Domain(**values)
        assert str(caught.value).count("\n  fix: ") == 3


def test_a_zone_that_is_known_by_its_id_alone(stack: cdk.Stack, certificate: acm.ICertificate) -> None:
    zone = route53.HostedZone.from_hosted_zone_id(stack, "Zone", "Z1")
    domain_of(stack, SecureApi, Domain("api.example.com", certificate, zone=zone))
    assert len(resources_of(template_of(stack), "AWS::Route53::RecordSet")) == 2
