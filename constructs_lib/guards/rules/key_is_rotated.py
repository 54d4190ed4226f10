"""A key is replaced every year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.value import is_false
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

AT = ("EnableKeyRotation",)
SYMMETRIC = frozenset({None, "SYMMETRIC_DEFAULT"})
OWN = frozenset({None, "AWS_KMS"})


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A KMS key that encrypts is rotated.

    Why it matters: rotation limits what one key has encrypted. AWS keeps the older material for what was encrypted by
    it, so that nothing else has to be changed; it is off unless the template turns it on.
    https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html

    Refuses: a symmetric key, whose material is made by KMS, without `EnableKeyRotation: true`.

    Accepts: rotation; keys that sign, that are asymmetric or imported, for which there is none.
    """
    for key in assembly.of_type("AWS::KMS::Key"):
        is_off = key.lacks(*AT) or is_false(key.value(*AT))
        if (
            is_off
            and key.text("KeySpec") in SYMMETRIC
            and key.text("Origin") in OWN
            and key.lacks("KeyUsage") | (key.text("KeyUsage") == "ENCRYPT_DECRYPT")
        ):
            yield finding(
                key,
                problem="the key is never rotated: what it encrypts is under the same material for ever",
                fix="set EnableKeyRotation to true",
                at=AT,
            )
