"""Environment variables hold no secret."""

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


READERS = "everybody who may read the configuration or this template reads it"
INSTEAD = (
    "keep it in Secrets Manager or as a SecureString in Parameter Store, and let the environment hold only its name or "
    "ARN (our functions: `secrets=`)"
)


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """An environment variable holds no secret, only the name of one.

    Why it matters: whoever may list functions, read the template, its repository or a build log reads the value, and it
    stays in the history of each when it is changed.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-encryption

    Refuses: a literal in the environment of a function, container, build or job that is a secret by its form (keys and
    tokens of known providers, private keys, addresses with a password), or by the name of its variable, however simple
    (`DB_PASSWORD=hunter2`, `PASSWORD=changeme`). Examples of documentation (`AKIAIOSFODNN7EXAMPLE`) count. As a
    warning, what may be the name of a secret under the name of its value (`DB_SECRET=orders-db`).

    Accepts: references, ARNs, paths, `{{resolve:...}}`, addresses without a password, switches and small numbers; names
    that say they name or limit a secret (`SECRET_ARN`, `TOKEN_URL`, `PASSWORD_MIN_LENGTH`); what nobody could log in
    with: nothing, `<your-key>`, `xxx`, and for keys and tokens `CHANGE_ME`.
    """
    for leak in leaks_of(assembly, Area.ENVIRONMENT):
        yield leak_found(leak, READERS, INSTEAD)
