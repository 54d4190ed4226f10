"""Properties of resources hold no secret."""

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


READERS = "everybody who may read this template reads it"
INSTEAD = "refer to a secret instead: `{{resolve:secretsmanager:<secret>:SecretString:<key>}}`"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A property of a resource holds no secret, only a reference to one.

    Why it matters: a template is kept in a repository, an assets bucket and the history of its stack, where the
    password of a database or the key of a connection can be read for ever.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html

    Refuses: a literal that is a secret by its form, or by the name of its property (`MasterUserPassword`, `AuthToken`,
    `ApiKeyValue`); a `String` parameter of Parameter Store, or an API key, with its value written down.

    Accepts: references, `{{resolve:...}}`, ARNs, names of secrets, and placeholders that nobody could log in with.
    """
    for leak in leaks_of(assembly, Area.PROPERTY):
        yield leak_found(leak, READERS, INSTEAD)
