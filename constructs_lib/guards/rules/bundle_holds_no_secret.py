"""The code that is deployed holds no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.bundle_files import MOST_BYTES, Bundles, bundles_of
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule
from constructs_lib.guards.secret_findings import REPLACE
from constructs_lib.guards.secret_patterns import secrets_in_code, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The code of a function or layer holds no secret that its form gives away.

    Why it matters: a bundle lies in a bucket and in the history of a function, and whoever may download it, or the
    image of the build, has the secret; so has everybody who reads the repository it was written in.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html

    Refuses: keys and tokens of known providers, private keys, and addresses with a password in a text file of a bundle
    that lies in the assembly; a bundle is looked at once, however many functions run it.

    Accepts: what a package brought along (`node_modules`, and files that an installed Python package lists), files
    above 1 MB, and binary ones. What lies beyond the first 64 MB of an assembly's bundles is said to be unknown.
    """
    bundles = Bundles()
    for folder, resource in bundles_of(assembly):
        for file in bundles.files_of(folder):
            lines: dict[str, int] = {}
            for hit in secrets_in_code(file.text):
                lines.setdefault(hit.kind, file.text.count("\n", 0, hit.start) + 1)
            name = without_secrets(file.name)
            for kind, line in lines.items():
                yield finding(
                    resource,
                    at=("Code",),
                    detail=f"{name}:{kind}",
                    problem=f"{name} of the bundle holds {kind} at line {line}: whoever may read the code reads it",
                    fix=f"take it out of the code and read it from Secrets Manager, and {REPLACE}",
                )
        if bundles.is_exhausted:
            reason = f"more than {MOST_BYTES // 1_000_000} MB of code were read before it"
            yield unknown(resource, what="whether the whole bundle is free of secrets", reason=reason)
            return
