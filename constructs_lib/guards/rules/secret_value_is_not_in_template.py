"""The value of a secret does not stand in its template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity
from constructs_lib.guards.rule import rule
from constructs_lib.guards.secret_findings import leak_found
from constructs_lib.guards.secret_leaks import Area, leaks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown


READERS = "the value of the secret stands in the template, where everybody who may read that reads it"
INSTEAD = "let AWS make the value with GenerateSecretString, or put it into the secret after the deployment"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The value of a secret is generated, or put there later; it does not stand in the template that defines it.

    Why it matters: a secret whose value is in a template is as public as the template, in spite of its encryption.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html

    Refuses: a literal `SecretString`, whole or as the value of a key that names a secret; the same in the template of a
    generated one.

    Accepts: `GenerateSecretString`, a reference to a parameter with `NoEcho`, an empty value or a placeholder, and keys
    that are no secret (`username`, `host`).
    """
    for leak in leaks_of(assembly, Area.SECRET):
        yield leak_found(leak, READERS, INSTEAD)
