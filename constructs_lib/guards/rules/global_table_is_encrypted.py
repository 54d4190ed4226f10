"""A global table is encrypted under a key that can be controlled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.value import Unknown as NotKnown
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

TABLE = "AWS::DynamoDB::GlobalTable"  # what TableV2 of the CDK makes; other tools look at AWS::DynamoDB::Table only
AT = ("SSESpecification", "SSEEnabled")


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A global table is encrypted under a key of the account, so that it can be told who reads it.

    Why it matters: without `SSEEnabled` DynamoDB uses a key of its own, which no policy of the account limits and no
    trail shows; the CDK's `TableV2` turns it off unless told otherwise.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html

    Refuses: an `AWS::DynamoDB::GlobalTable` whose `SSEEnabled` is not true.

    Accepts: the key that AWS keeps for the account (`SSEType: KMS`), and one's own.
    """
    for table in assembly.of_type(TABLE):
        told = table.values(*AT)
        if any(isinstance(each, NotKnown) for each in told):
            yield unknown(table, what="whether the table is encrypted", reason="it is only known when it is deployed")
        elif not table.is_true(*AT):
            yield finding(
                table,
                at=AT,
                problem="the items of the table are encrypted under a key that the account does not control",
                fix="set SSEEnabled to true (TableV2: encryption=TableEncryptionV2.aws_managed_key())",
            )
