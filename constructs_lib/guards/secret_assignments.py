"""Secrets in code and scripts of a template: `password = "hunter2"`, `export DB_PASSWORD=...`, `--password x`.

Pure; a value is judged and never kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs_lib.guards.secret_names import Certainty, judged

if TYPE_CHECKING:
    from collections.abc import Iterator

HINT = re.compile(r"(?i)pass|pwd|secret|token|key|cred|authorization")
# A name, then a value in quotes; in a script, or in YAML, also a bare one. What a program computes is no literal.
BARE = r"""[^\s"'$`;|&\\<>()]"""
END = r"""(?=$|[\s"';&\\])"""
QUOTED = re.compile(
    r"""(?P<name>[A-Za-z_][\w.-]{1,80})\\?["']?\]?\s{0,20}(?:=|:|=>|:=)\s{0,20}\\?(?P<quote>["'])"""
    r"""(?P<value>[^"'\\\s]{1,300})\\?(?P=quote)"""
)
EXPORTED = re.compile(
    rf"""(?:^|[\s;&"'])(?:export\s+)?(?P<name>[A-Z][A-Z0-9_]{{2,80}})=(?P<value>{BARE}{{1,300}}){END}""", re.MULTILINE
)
LISTED = re.compile(
    rf"""^[ \t]*(?:-[ \t])?(?P<name>[A-Z][A-Z0-9_]{{2,80}}):[ \t]+(?P<value>{BARE}{{1,300}})[ \t]*$""", re.MULTILINE
)
OPTION = re.compile(
    rf"""--(?P<name>[a-z][a-z0-9-]{{2,60}})[ =](?P<quote>["']?)(?P<value>(?!-){BARE}{{1,300}})(?P=quote){END}"""
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """A name that is given a secret.

    Args:
        name: The name.
        start: Where it stands in the text.
    """

    name: str
    start: int


def assigned_in(text: str) -> Iterator[Assigned]:
    """Yield every name that a program or script gives a literal secret.

    Example:
        >>> [each.name for each in assigned_in('db.connect(user="app", password="hunter2")')]
        ['password']
    """
    if HINT.search(text) is None:
        return
    seen = set()
    for form in (QUOTED, EXPORTED, LISTED, OPTION):
        for match in form.finditer(text):
            name = match["name"].rpartition(".")[2]
            if match.start("name") not in seen and judged(name, match["value"]) is Certainty.SURE:
                seen.add(match.start("name"))
                yield Assigned(name, match.start("name"))
