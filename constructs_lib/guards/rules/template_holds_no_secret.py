"""The text of a template holds no secret: code, scripts, metadata, outputs, mappings."""

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
INSTEAD = "read it from Secrets Manager where it is used"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """No text of a template holds a secret: no code in it, script, metadata, output, mapping or description.

    Why it matters: a template is kept in a repository, an assets bucket and the history of its stack; the data of an
    instance and the definition of a state machine are shown in the console too.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html

    Refuses: a secret by its form anywhere in the text, and in code and scripts also one by the name it is given to
    (`password = "hunter2"`, `export DB_PASSWORD=hunter2`, `--password hunter2`).

    Accepts: variables and substitutions (`$PASSWORD`, `${Password}`), and what code reads from elsewhere.
    """
    for leak in leaks_of(assembly, Area.TEXT):
        yield leak_found(leak, READERS, INSTEAD)
