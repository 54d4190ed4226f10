"""A bucket, queue or topic takes no request that anybody could read on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.documents import BUCKET, QUEUE, TOPIC, policies_of
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.statement import Statement
    from constructs_lib.guards.finding import Finding, Unknown

OVER_TLS = "aws:securetransport"
VERSION = "s3:tlsversion"


@rule(severity=Severity.INFO)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A bucket, a queue and a topic refuse requests that do not come over TLS.

    Why it matters: the SDKs use TLS by themselves; a policy holds for everybody else, and auditors ask for it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html

    Refuses: one without a Deny on `aws:SecureTransport: false` in a policy of its own. An information only: nothing is
    known to be sent in the clear.

    Accepts: that Deny; for a bucket also one on `s3:TlsVersion`.
    """
    policies = policies_of(assembly)
    for each in assembly.of_type(BUCKET, QUEUE, TOPIC):
        if not any(_asks_for_tls(statement) for statement in policies.of_resource(each)):
            yield finding(
                each,
                problem="requests may come without TLS: no policy denies those of which aws:SecureTransport is false",
                fix="deny everything to everybody where aws:SecureTransport is false (CDK: enforceSSL)",
            )


def _asks_for_tls(statement: Statement) -> bool:
    keys = {key for wanted in statement.conditions.values() for key in wanted}
    return bool(statement.unknowns) or (not statement.allows and bool(keys & {OVER_TLS, VERSION}))
