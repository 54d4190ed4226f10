"""Which secrets give themselves away by their form alone, whatever they are called. Pure; a value is never kept.

The forms are those their providers document. Examples of documentation (`AKIAIOSFODNN7EXAMPLE`) count like any other:
nobody can tell them from a real one by form, and what is written like a secret will be replaced by one.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHOWN_INSTEAD = "(a secret)"
PRINTABLE = re.compile(r"[\x20-\x7e]*:[\x20-\x7e]{3,}")  # what basic authentication holds: user:password
RUN = re.compile(r"[A-Za-z0-9_.-]{16,}")  # what the secrets of most providers are, unlike almost all other text
SHORT_TEXT = 2_000  # characters; below, a first look costs more than it saves
STAND_IN = re.compile(r"[$%<{*#\[(]|\.\.\.|^x{3,}$", re.IGNORECASE)  # a variable, or something to be filled in
WORDS_FOR_IT = frozenset(
    ["pass", "passwd", "password", "pwd", "pw", "secret", "p", "xxx", "yourpassword", "mypassword"]
)


@dataclass(frozen=True, slots=True)
class Form:
    """How the secrets of one provider look.

    Args:
        kind: What it is, in words for a message.
        anchors: Texts of which one stands in every such secret; a quick look before the long one.
        pattern: The form.
        is_one: Whether a match really is one.
        is_run: Whether its anchor stands in a `RUN`.
    """

    kind: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    is_one: Callable[[re.Match[str]], bool]
    is_run: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret in a text: what it is and where, never its value.

    Args:
        kind: What it is, in words for a message.
        start: Where in the text it begins.
        end: Where it ends.
    """

    kind: str
    start: int
    end: int


def _form(kind: str, pattern: str, *anchors: str) -> Form:
    """A form that is a word of its own."""
    return Form(kind, anchors, re.compile(pattern), lambda _: True, is_run=True)


def _phrase(kind: str, pattern: str, *anchors: str, is_one: Callable[[re.Match[str]], bool] = lambda _: True) -> Form:
    """A form with signs in it."""
    return Form(kind, anchors, re.compile(pattern), is_one, is_run=False)


def _is_password(match: re.Match[str]) -> bool:
    """Whether the password of an address is one, not a variable to be filled in or the word for it."""
    return STAND_IN.search(match["password"]) is None


def _is_connection(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 300) : match.start()]
    return _is_password(match) and CONNECTION.search(before) is not None


def _is_basic(match: re.Match[str]) -> bool:
    try:
        told = base64.b64decode(match["encoded"], validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return PRINTABLE.fullmatch(told) is not None


CONNECTION = re.compile(
    r"(?i)\b(?:server|host|data source|endpoint|user id|uid|username|user)\s?=[^=;\"'\n]+;[^\"'\n]*$"
)
KEY_BODY = r"(?:\s|\\+[nr])*(?:[A-Za-z0-9+/=]{16}|Proc-Type|Version|Comment|$)"
GITLAB = ("gldt-", "glrt-", "glcbt-", "glptt-", "glsoat-", "glft-", "glimt-", "glagent-")
FORMS: tuple[Form, ...] = (
    _form("an AWS access key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])", "AKIA", "ASIA", "ABIA", "ACCA"),
    _phrase(
        "an AWS secret access key",
        r"(?i:aws_?secret_?(?:access_?)?key)[\"'\\]*\s*[:=,]\s*[\"'\\]*[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        "secret_access_key", "SECRET_ACCESS_KEY", "ecretAccessKey", "ecret_key", "SECRET_KEY", "ecretKey",
    ),
    _form("a GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _form("a GitHub token", r"github_pat_[A-Za-z0-9_]{22,255}", "github_pat_"),
    _form("a GitLab token", r"gl(?:pat|dt|rt|cbt|ptt|soat|ft|imt|agent)-[A-Za-z0-9_-]{20,}", "glpat-", *GITLAB),
    _form("a Slack token", r"(?:xox[abceoprs]-[A-Za-z0-9-]{11,}|xapp-\d-[A-Za-z0-9-]{10,})", "xox", "xapp-"),
    _phrase(
        "a Slack webhook",
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{8,}/[A-Za-z0-9]+/[A-Za-z0-9/]{16,}",
        "hooks.slack.com",
    ),
    _phrase(
        "a Discord webhook",
        r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,}", "/api/webhooks/",
    ),
    _phrase("a Teams webhook", r"https://[\w-]+\.webhook\.office\.com/webhookb2/[\w@/-]{40,}", "webhook.office.com"),
    _form("a Stripe key", r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}", "k_live_", "k_test_"),
    _phrase("a signing secret of a webhook", r"whsec_[A-Za-z0-9+/=]{20,}", "whsec_"),
    _form("a Google API key", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", "AIza"),
    _form("a Google OAuth secret", r"(?:GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{20,})", "GOCSPX-", "ya29."),
    _form("a Twilio API key", r"SK[0-9a-f]{32}(?![A-Za-z0-9])", "SK"),
    _form("a SendGrid key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}", "SG."),
    _form("a Mailgun key", r"(?<![-\w])key-[0-9a-f]{32}(?![A-Za-z0-9])", "key-"),
    _form("a Mailchimp key", r"[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])", "-us"),
    _form("an npm token", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])", "npm_"),
    _phrase("a token of an npm registry", r":_(?:authToken|password)=[A-Za-z0-9+/=_-]{16,}", ":_auth", ":_pass"),
    _form("a PyPI token", r"pypi-(?:AgE[A-Za-z0-9_-]{20,}|[A-Za-z0-9_]{60,})", "pypi-"),
    _form("a RubyGems key", r"rubygems_[a-f0-9]{48}", "rubygems_"),
    _form("a Docker token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}", "dckr_"),
    _form("an Anthropic key", r"sk-ant-[A-Za-z0-9_-]{16,}", "sk-ant-"),
    _form(
        "an OpenAI key",
        r"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})",
        "sk-",
    ),
    _form("a Hugging Face token", r"hf_[A-Za-z0-9]{30,}(?![A-Za-z0-9_])", "hf_"),
    _form("a Groq key", r"gsk_[A-Za-z0-9]{40,}", "gsk_"),
    _form("a Replicate token", r"r8_[A-Za-z0-9]{37}(?![A-Za-z0-9])", "r8_"),
    _form("a DigitalOcean token", r"do[oprt]_v1_[a-f0-9]{64}", "_v1_"),
    _form("a Databricks token", r"dapi[a-f0-9]{32}(?![A-Za-z0-9])", "dapi"),
    _form("a Shopify token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", "shp"),
    _form("a Square token", r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}", "sq0"),
    _form("a HashiCorp Vault token", r"hv[sbr]\.[A-Za-z0-9_-]{24,}", "hvs.", "hvb.", "hvr."),
    _form("a Terraform Cloud token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}", ".atlasv1."),
    _form("a PlanetScale credential", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,}", "pscale_"),
    _phrase("a Grafana token", r"(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/=]{32,})", "glsa_", "glc_"),
    _form("a New Relic key", r"(?:NRAK-[A-Z0-9]{27}|NRI[IQ]-[A-Za-z0-9_-]{32})", "NRAK-", "NRII-", "NRIQ-"),
    _form("a New Relic key", r"[a-f0-9]{36}NRAL", "NRAL"),
    _phrase("a Sentry token", r"sntry[su]_[A-Za-z0-9+/=_-]{40,}", "sntry"),
    _form("a Postman key", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}", "PMAK-"),
    _form("a Linear key", r"lin_api_[A-Za-z0-9]{32,}", "lin_api_"),
    _form("a Notion token", r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}(?![A-Za-z0-9]))", "ntn_", "secret_"),
    _form("an Airtable token", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", "pat"),
    _form("an Atlassian token", r"ATATT3[A-Za-z0-9_=-]{50,}", "ATATT3"),
    _form("a Supabase key", r"(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,})", "sbp_", "sb_secret_"),
    _form("a Figma token", r"figd_[A-Za-z0-9_-]{36,}", "figd_"),
    _phrase("a Telegram token", r"\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])", ":AA"),
    _phrase("an Azure key", r"(?:Account|SharedAccess)Key=[A-Za-z0-9+/]{40,}={0,2}", "AccountKey=", "AccessKey="),
    _phrase("an Azure client secret", r"[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34}", "8Q~"),
    _form("an age key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "AGE-SECRET-KEY-1"),
    _form(
        "a JSON web token",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}+\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}",
        "eyJ",
    ),
    _phrase("a private key", rf"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----{KEY_BODY}", "PRIVATE KEY"),
    _phrase(
        "a password in an address",
        r"://[^\s:/@\"'`?#]{0,100}:(?P<password>[^\s/@\"'`?#]{1,200})@",
        "://", is_one=_is_password,
    ),
    _phrase(
        "a password in a connection string",
        r"(?i:password|pwd)\s?=\s?(?P<password>[^;\s\"']{3,})",
        "assword=", "assword =", "pwd=", "Pwd=", "PWD=", is_one=_is_connection,
    ),
    _phrase("a bearer token", r"Bearer (?=[A-Za-z0-9._~+/-]*\d)[A-Za-z0-9._~+/-]{20,}=*", "Bearer "),
    _phrase("basic authentication", r"Basic (?P<encoded>[A-Za-z0-9+/]{12,}={0,2})", "Basic ", is_one=_is_basic),
)  # fmt: skip


def secrets_in(text: str) -> Iterator[Hit]:
    """Yield every secret that a text gives away by its form; of two that overlap the more exact.

    Example:
        >>> [hit.kind for hit in secrets_in("key: AKIAIOSFODNN7EXAMPLE")]
        ['an AWS access key']
    """
    taken: list[tuple[int, int]] = []
    runs = text if len(text) < SHORT_TEXT else "\n".join(RUN.findall(text))
    for form in FORMS:
        looked_at = runs if form.is_run else text
        if not any(anchor in looked_at for anchor in form.anchors):
            continue
        if form.is_run and runs is not text and form.pattern.search(runs) is None:
            continue
        for match in form.pattern.finditer(text):
            start, end = match.span()
            inside_a_word = (
                start > 0 and text[start].isalnum() and (text[start - 1].isalnum() or text[start - 1] == "_")
            )
            overlaps = any(start < other_end and first < end for first, other_end in taken)
            if form.is_one(match) and not inside_a_word and not overlaps:
                taken.append((start, end))
                yield Hit(form.kind, start, end)


def secrets_in_code(text: str) -> Iterator[Hit]:
    """Yield the same for a file of a bundle, where libraries bring examples of addresses along."""
    for hit in secrets_in(text):
        if hit.kind == "a password in an address":
            password = text[hit.start : hit.end - 1].rpartition(":")[2]
            if password.lower() in WORDS_FOR_IT:
                continue
        yield hit


def without_secrets(text: str) -> str:
    """Return a text with every secret in it replaced, so that a name or a path can be shown."""
    for hit in sorted(secrets_in(text), key=lambda each: each.start, reverse=True):
        text = f"{text[: hit.start]}{SHOWN_INSTEAD}{text[hit.end :]}"
    return text
