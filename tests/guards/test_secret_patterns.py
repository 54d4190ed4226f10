"""The forms of secrets. Samples are put together here, so that no scanner of repositories takes one for real."""

from __future__ import annotations

import base64
import time

import pytest

from constructs_lib.guards.secret_patterns import SHOWN_INSTEAD, Hit, secrets_in, secrets_in_code, without_secrets

LETTERS = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9dE2fG4hJ6kL8mN1pQ3rS5tU7v"
HEX = "0123456789abcdef" * 4
PEM = "-----BEGIN {} KEY-----"


def made(prefix: str, size: int, of: str = LETTERS) -> str:
    return prefix + of[:size]


SAMPLES = [
    ("an AWS access key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("an AWS access key", "ASIA" + "Y34FZKBOKMUTVV7A"),
    ("an AWS secret access key", "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"),
    ("a GitHub token", made("ghp_", 36)),
    ("a GitHub token", made("github_pat_", 40)),
    ("a GitLab token", made("glpat-", 20)),
    ("a Slack token", "xoxb" + "-2345678901-abcdefGHIJ"),
    ("a Slack webhook", "https://hooks.slack.com/services/" + "T00000000/B00000000/" + LETTERS[:24]),
    ("a Discord webhook", "https://discord.com/api/webhooks/" + "1" * 18 + "/" + LETTERS + "-_ab"),
    ("a Teams webhook", "https://example.webhook.office.com/webhookb2/" + HEX[:48]),
    ("a Stripe key", made("sk_live_", 24)),
    ("a Stripe key", made("rk_test_", 24)),
    ("a signing secret of a webhook", made("whsec_", 32)),
    ("a Google API key", made("AIza", 35)),
    ("a Google OAuth secret", made("GOCSPX-", 28)),
    ("a Twilio API key", made("SK", 32, HEX)),
    ("a SendGrid key", made("SG.", 22) + "." + LETTERS[:43]),
    ("a Mailgun key", made("key-", 32, HEX)),
    ("a Mailchimp key", HEX[:32] + "-us12"),
    ("an npm token", made("npm_", 36)),
    ("a token of an npm registry", "//registry.example.org/:_authToken=" + HEX[:36]),
    ("a PyPI token", made("pypi-AgE", 60)),
    ("a RubyGems key", made("rubygems_", 48, HEX)),
    ("a Docker token", made("dckr_pat_", 27)),
    ("an Anthropic key", made("sk-ant-api03-", 40)),
    ("an OpenAI key", made("sk-proj-", 48)),
    ("an OpenAI key", made("sk-", 48)),
    ("a Hugging Face token", made("hf_", 34)),
    ("a Groq key", made("gsk_", 52)),
    ("a Replicate token", made("r8_", 37)),
    ("a DigitalOcean token", made("dop_v1_", 64, HEX)),
    ("a Databricks token", made("dapi", 32, HEX)),
    ("a Shopify token", made("shpat_", 32, HEX)),
    ("a Square token", made("sq0csp-", 43)),
    ("a HashiCorp Vault token", made("hvs.", 24)),
    ("a Terraform Cloud token", made("", 14) + ".atlasv1." + LETTERS),
    ("a PlanetScale credential", made("pscale_pw_", 43)),
    ("a Grafana token", made("glsa_", 32) + "_" + HEX[:8]),
    ("a New Relic key", "NRAK-" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ2"),
    ("a Sentry token", made("sntrys_", 50)),
    ("a Postman key", made("PMAK-", 24, HEX) + "-" + HEX[:34]),
    ("a Linear key", made("lin_api_", 40)),
    ("a Notion token", made("ntn_", 46)),
    ("an Airtable token", made("pat", 14) + "." + HEX),
    ("an Atlassian token", made("ATATT3", 60)),
    ("a Supabase key", made("sbp_", 40, HEX)),
    ("a Figma token", made("figd_", 40)),
    ("a Telegram token", "123456789:AA" + LETTERS[:33]),
    ("an Azure key", "AccountName=a;AccountKey=" + LETTERS[:60] + "=="),
    ("an Azure client secret", "abc8Q~" + LETTERS[:34]),
    ("an age key", "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2),
    ("a JSON web token", f"eyJ{LETTERS[:20]}.eyJ{LETTERS[:30]}.{LETTERS[:40]}"),
    ("a private key", PEM.format("RSA PRIVATE") + "\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3"),
    ("a private key", PEM.format("PRIVATE") + "\\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3"),
    ("a private key", PEM.format("OPENSSH PRIVATE")),
    ("a password in an address", "postgres://app:hunter2" + "@db.example.com:5432/app"),
    ("a password in an address", "mongodb+srv://app:s3cret" + "@cluster0.example.net/"),
    ("a password in an address", "redis://:s3cret" + "@cache:6379"),
    ("a password in an address", "https://admin:letmein" + "@example.com/"),
    ("a password in a connection string", "Server=db;Database=app;User Id=app;Password=" + "hunter2;"),
    ("a bearer token", "Authorization: Bearer " + LETTERS[:24]),
    ("basic authentication", "Basic " + base64.b64encode(b"admin:hunter2").decode()),
]
HARMLESS = [
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf",
    "{{resolve:secretsmanager:db:SecretString:password}}",
    "https://example.com:8443/path@home",
    "https://example.com/?to=a:b@c",
    "postgres://${User}:${Password}@${Host}/app",
    "postgres://app:$PASSWORD@host/app",
    "postgres://<user>:<password>@host/app",
    "postgres://app:{password}@host/app",
    "git+ssh://git@github.com/example/repository.git",
    'if (pem.startsWith("' + PEM.format("PRIVATE") + '")) {',
    PEM.format("PUBLIC") + "\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
    "AWS4-HMAC-SHA256 Credential=",
    "SKIPPED_BECAUSE_OF_SOMETHING_THAT_IS_LONG",
    "pk_live_" + LETTERS[:24],
    "task-list-of-things-that-want-to-be-done-with-some-care",
    "sk-SK",
    "a-cache-key-" + HEX[:32],
    "eyJhbGciOiJub25lIn0",
    "Basic authentication is not enough",
    "Bearer <token>",
    "Password=hunter2",  # of nothing that tells where: the rules on names look at it
    "a93fa1f5c0e7f0d3d1b2a3c4d5e6f708192a3b4c",
    "AKIAIOSFODNN7EXAMPL",
    "XAKIA" + "IOSFODNN7EXAMPLE",
]


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_finds_a_secret_by_its_form(kind: str, sample: str) -> None:
    assert [hit.kind for hit in secrets_in(sample)] == [kind]


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_finds_it_in_a_long_text_too(kind: str, sample: str) -> None:
    filling = "const answer = compute(question);\n" * 200
    assert [hit.kind for hit in secrets_in(f"{filling}{sample}")] == [kind]


@pytest.mark.parametrize("text", HARMLESS)
def test_passes_what_only_looks_like_one(text: str) -> None:
    assert list(secrets_in(text)) == []


def test_says_where_it_stands() -> None:
    text = "key: AKIA" + "IOSFODNN7EXAMPLE."
    assert list(secrets_in(text)) == [Hit("an AWS access key", 5, 25)]


def test_says_one_thing_when_two_forms_overlap() -> None:
    sample = "https://hooks.slack.com/services/" + "T00000000/B00000000/" + LETTERS[:24]
    assert [hit.kind for hit in secrets_in(f"curl {sample}")] == ["a Slack webhook"]


def test_finds_every_one_of_several() -> None:
    text = "\n".join([made("ghp_", 36), made("npm_", 36), made("ghp_", 36, LETTERS[::-1])])
    assert sorted(hit.kind for hit in secrets_in(text)) == ["a GitHub token", "a GitHub token", "an npm token"]


def test_passes_addresses_of_examples_in_code_but_not_in_templates() -> None:
    example = "mongodb://user:password" + "@localhost/test"
    assert list(secrets_in_code(example)) == []
    assert [hit.kind for hit in secrets_in(example)] == ["a password in an address"]


def test_takes_secrets_out_of_what_is_shown() -> None:
    assert without_secrets(f"Map.{made('ghp_', 36)}.eu") == f"Map.{SHOWN_INSTEAD}.eu"
    assert without_secrets("Map.eu") == "Map.eu"


@pytest.mark.parametrize(
    "text",
    [
        "://" * 300_000,
        "eyJ" * 300_000,
        "a:" * 400_000,
        "password=" * 100_000,
        "A" * 1_000_000,
        ("x" * 30 + "-") * 30_000,
    ],
    ids=["addresses", "tokens", "colons", "passwords", "run", "dashes"],
)
def test_takes_a_hostile_megabyte_in_a_moment(text: str) -> None:
    began = time.process_time()
    assert list(secrets_in(text)) == []
    assert time.process_time() - began < 5  # a tenth of it here; growing with the square, it would be minutes
