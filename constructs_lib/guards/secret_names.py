"""Whether a value is a secret by the name it goes under. Pure; a value is judged and never kept.

A name says so by its words (`DB_PASSWORD`, `clientSecret`, `apikey`), unless another word says that it names, places or
limits a secret (`SECRET_ARN`, `TOKEN_URL`, `PASSWORD_MIN_LENGTH`). A value then is one unless it refers to something,
switches something, or is a stand-in that nobody could log in with.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from enum import Enum
from functools import lru_cache
from typing import Final

MOST_CHARACTERS_OF_A_NAME = 128
FEWEST_DIGITS = {"password": 4, "secret": 5, "token": 6, "key": 5}  # a number this long is no setting
FEWEST_CHARACTERS = {"password": 1, "secret": 4, "token": 4, "key": 4}
SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
DIGITS_BEHIND = re.compile(r"\d+$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PASSWORDS = _words(
    "password pw passwd passwort pwd passphrase passcode passwordplain"
    " adminpass dbpass dbpw dbpwd mysqlpwd pgpass rootpass sshpass userpass"
)
SECRETS = _words("secret credential credentials creds")
KEYS_OF = _words(
    """
    access account algolia anthropic api app application auth datadog dd deepl encryption github gitlab google
    groq hmac integration license mailgun maps master mistral newrelic openai openrouter pinecone posthog private
    resend secret segment sendgrid sentry service session shared signing stripe subscription twilio webhook
    """
)
ENDINGS = {  # of words that are written as one
    "password": "password", "passwd": "password", "passphrase": "password", "secret": "secret", "credentials": "secret",
    "authtoken": "token", "accesstoken": "token", "apitoken": "token", "bearertoken": "token", "bottoken": "token",
    "apikey": "key", "secretkey": "key", "privatekey": "key", "accesskey": "key", "authkey": "key", "signingkey": "key",
}  # fmt: skip
# Behind the word: what the value is instead of the secret.
ABOUT = _words(
    """
    action actions age algorithm alias allowed arn arns attachment attribute attributes audience base bucket cache
    change changed characters chars check class client column complexity cookie cookies count days decoder
    description digits disabled duration enabled encoder endpoint enforced engine exists expiration expires expiry
    expression extension field file filename folder format function generator grant handler hash header history
    host hours id identifier ids index input interval issuer kind kms label lambda layer length level lifetime
    limit link location management manager max maximum method min minimum minutes mode name names namespace object
    only operation optional output param parameter parameters params path pattern period placeholder plugin policy
    port prefix prompt provider reader recovery ref reference refresh regex region regions replica required
    requirements reset resolver resource role rotate rotation rotator route rule salt schedule schema scope scopes
    seconds selection separator service size source ssm stack stage state status storage store strategy strength
    suffix symbols table tag target template timeout title topic ttl type types units uri url urls usage use used
    user username validation validator validity vault vendor version window
    """
)
NAMED_THING = _words("arn bucket endpoint function id ids name path pool queue region stack stream table topic uri url")
# Before the word: what makes it a question, a route, or a token that protects nothing.
BEFORE = _words(
    """
    allow change client continuation create csrf delete disable enable fetch forget forgot generate get has id
    idempotency ignore is last list lookup manage max maximum min minimum mock need needs next no num page
    pagination public publishable put request require requires reset resume retrieve rotate show source starting
    sync task total update use uses validate verify with
    """
)
KEPT_BEFORE = {"client": {"secret", "password", "key"}, "request": {"password"}, "id": {"password", "secret"}}
SETTINGS = _words(
    """
    auto basic bearer body cookie days default disabled enabled enforced false header hours jwt minutes nil no
    none null off on opaque optional path query required seconds string true undefined weeks yes
    """
)
STAND_INS = re.compile(
    r"""(?ix) ^ (?: <.*> | \[.*\] | \{.*\} | \(.*\) | x{3,} | \*+ | \.{2,} | -+ | _+ | \?+ | n/?a | tbd | todo\b.*
    | (?:please[-_ ]?)? (?:replace|insert|fill|enter|put|add|set|provide|specify|your)[-_ ]?
      (?:me|in|here|this|it|with|your|the|own|at|a|value|secret|password|token|key|api|db|before|later|client|real)
      (?: $ | [-_ ].* | (?:here|password|secret|token|key|apikey)s? $ )
    | redacted | replaced | masked | hidden | placeholder | not[-_ ]?set | unset | unused | empty
    ) $"""
)
DEFAULTS = re.compile(
    r"(?i)^(?:change[-_ ]?(?:me|it|this)\W*|dummy|example|sample|fake|mock|test|foo|bar|baz|secret|value)$"
)
REFERENCE = re.compile(
    r"""(?x) ^ (?: arn: | \{\{resolve: | \$ | % | @ | / | \./ | \.\./ | ~/ | alias/ | s3:// | ssm: | vault: | env:
    | file: | secretsmanager:
    | method\.request\. | context\. | stageVariables\. | integration\. | projects/ | [A-Za-z][A-Za-z0-9+.-]*:// ) """
)
INSIDE_A_REFERENCE = re.compile(r"\$\{|\{\{|\$\(|process\.env|os\.environ")
WORDS_OF_A_NAME = re.compile(r"[A-Za-z]+(?:[-_./][A-Za-z0-9]+)+|[A-Za-z]+")
MADE_UP = _words("app auth cookie encryption hmac jwt master private session signing webhook")  # keys anybody can make
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SECRET_WORD = re.compile(r"(?i)secret|passw|token|key")
OF_A_STORE = _words("db database rds aurora cluster mysql postgres redshift documentdb mq rabbitmq")


AUTHORIZATION = re.compile(r"(?i)(?:proxy-)?authorization")
SCHEME = re.compile(r"(?i)(?:bearer|basic|token|apikey|api-key)\s+(?P<value>\S{6,})")
SHORTEST_KEY = 24  # characters of a text that may be a key by how it looks
RANDOM = re.compile(rf"[A-Za-z0-9+/_=-]{{{SHORTEST_KEY},200}}")
WORD = re.compile(r"[a-z]{7}")  # which names have, and hardly any random text
AWS_SECRET = re.compile(r"[A-Za-z0-9+/]{40}")
NO_SECRET_THOUGH_RANDOM = re.compile(
    r"(?i)public|hash|digest|checksum|sha|md5|version|commit|etag|integrity|certificate"
)
LEAST_BITS = 4.2  # of a character, in a random text of letters and digits; words have fewer


class Certainty(Enum):
    """How sure it is that a value is a secret."""

    SURE = "sure"
    MAYBE = "maybe"


@lru_cache(maxsize=1 << 16)
def secret_named(name: str) -> str | None:
    """Return the kind of secret a name promises: `password`, `secret`, `token` or `key`; none if it does not.

    Example:
        >>> [secret_named(each) for each in ("DB_PASSWORD", "stripeApiKey", "SECRET_ARN", "TOKEN_URL")]
        ['password', 'key', None, None]
    """
    if len(name) > MOST_CHARACTERS_OF_A_NAME:
        return None
    words = [DIGITS_BEHIND.sub("", word.lower()) or word for word in SPLIT.split(name) if word]
    kind, first, last = _kind_of(words)
    if kind is None or any(word in ABOUT for word in words[last + 1 :]):
        return None
    told_before = words[first - 1] if first else ""
    if told_before in BEFORE and words[last] not in KEPT_BEFORE.get(told_before, ()):
        return None
    return (
        None
        if words[0] in {"is", "has", "use", "allow", "enable", "manage", "require", "max", "min", "generate"}
        else kind
    )


def _kind_of(words: list[str]) -> tuple[str | None, int, int]:
    """The kind, and the first and last word that tell it; of several the last."""
    for at in range(len(words) - 1, -1, -1):
        word = words[at]
        if word == "key" and at and words[at - 1] in KEYS_OF:
            return "key", at - 1, at
        if word in PASSWORDS or (word == "pass" and (at or len(words) == 1)):
            return "password", at, at
        if word in SECRETS:
            return "secret", at, at
        if word == "token":
            return "token", at, at
        if word == "auth" and at and words[at - 1] == "basic":
            return "password", at - 1, at
        for ending, kind in ENDINGS.items():
            if word.endswith(ending):
                return kind, at, at
    return None, 0, 0


def judged(name: str, value: str | float) -> Certainty | None:
    """Return how sure it is that this value under this name is a secret; none when it is not.

    Example:
        >>> judged("DB_PASSWORD", "hunter2"), judged("DB_PASSWORD", "{{resolve:secretsmanager:db}}")
        (<Certainty.SURE: 'sure'>, None)
    """
    if AUTHORIZATION.fullmatch(name):
        told = SCHEME.fullmatch(str(value).strip())
        return Certainty.SURE if told is not None and not _is_excused(told["value"], "token") else None
    kind = secret_named(name)
    if kind is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    if _is_excused(text, kind):
        return None
    if kind == "password":
        return Certainty.SURE
    if kind == "key" and UUID.fullmatch(text) and _is_made_up_by_its_user(name, kind):
        return Certainty.MAYBE  # the id of a key of KMS
    if DEFAULTS.match(text) and not _is_made_up_by_its_user(name, kind):
        return None  # a key of a provider that says `dummy` opens nothing; what one makes up oneself may
    if WORDS_OF_A_NAME.fullmatch(text) is None:
        return Certainty.SURE
    return _of_plain_words(name, text)


def _is_made_up_by_its_user(name: str, kind: str) -> bool:
    """Whether a secret may be any text at all: that of a signature, say, which no provider has issued."""
    words = {word.lower() for word in SPLIT.split(name)}
    return bool(words & MADE_UP) if kind == "key" else kind == "secret" and not words & {"client", "consumer"}


def looks_random(name: str, value: str) -> Certainty | None:
    """Return how sure it is that a value is a key by how random it looks, under a name that does not say so.

    Example:
        >>> looks_random("STORAGE", "wJalrXUtnFEMI/K7MDENG/bPx" + "RfiCYEXAMPLEKEY")
        <Certainty.SURE: 'sure'>
    """
    if RANDOM.fullmatch(value) is None or WORD.search(value) or value.startswith(("MII", "/")):
        return None
    if NO_SECRET_THOUGH_RANDOM.search(name) or any(word.lower() in NAMED_THING for word in SPLIT.split(name)):
        return None
    mixed = any(each.islower() for each in value) and any(each.isupper() for each in value)
    if not mixed or not any(each.isdigit() for each in value) or _bits(value) < LEAST_BITS:
        return None
    return Certainty.SURE if AWS_SECRET.fullmatch(value) else Certainty.MAYBE


def _bits(text: str) -> float:
    """The entropy of a text, in bits for a character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _is_excused(text: str, kind: str) -> bool:
    """Whether the value refers to something, switches something, or stands for what is yet to be filled in."""
    if len(text) < FEWEST_CHARACTERS[kind] or text.lower() in SETTINGS or STAND_INS.match(text):
        return True
    if REFERENCE.match(text) or INSIDE_A_REFERENCE.search(text):
        return True
    return text.replace(".", "", 1).isdigit() and len(text) < FEWEST_DIGITS[kind]


def _of_plain_words(name: str, text: str) -> Certainty | None:
    """Judge a value of words: a secret (`JWT_SECRET=supersecret`), or the name of one (`SECRET=prod/db`)."""
    if "/" in text:
        return None
    words = [word.lower() for word in SPLIT.split(name) if word]
    has_parts = re.search(r"[-_.]", text) is not None
    if any(each.isdigit() for each in text) and not has_parts:
        return Certainty.SURE
    if has_parts or len(words) == 1 or any(word in OF_A_STORE for word in words):
        return Certainty.MAYBE
    is_any_text = _is_made_up_by_its_user(name, secret_named(name) or "")
    return Certainty.SURE if is_any_text or SECRET_WORD.search(text) else Certainty.MAYBE


def may_be_a_name(name: str, description: str) -> bool:
    """Whether what is called a secret, or described so, may be the name of one that is kept elsewhere."""
    if re.search(r"(?i)\barns?\b|\b(name|id|path|location) of\b|secrets? ?manager|parameter store", description):
        return True
    words = [word.lower() for word in SPLIT.split(name) if word]
    if words[-1:] in (["arn"], ["name"], ["id"]):
        return True
    return secret_named(name) == "secret" and (len(words) == 1 or any(word in OF_A_STORE for word in words))


RANDOM_KEY: Final = "what looks like a key"
KINDS: Final = {"password": "a password", "secret": "a secret", "token": "a token", "key": "a key"}
