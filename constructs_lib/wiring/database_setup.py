"""The users and migrations of a database, as one custom resource: what a deployment changes is done by it.

The function speaks to the Data API, so it is in no VPC; the migrations stand in the template, so that `cdk diff` shows
what a deployment will do to the tables.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii

from constructs_lib.bundling.project import Project
from constructs_lib.wiring.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENTRY = str(Path(__file__).parents[1] / "functions" / "database_setup" / "setup.py")
MIGRATION = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
# An asynchronous event holds 256 KiB, and an update tells the migrations twice, as they are and as they were.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 120 * 1024
# A statement of the Data API has 65,536 characters, and a migration is Base64 in it.
# https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html
MOST_IN_ONE = 48_000

# Everything AWS keeps for itself. https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.MasterAccounts.html
USER = re.compile(r"[a-z_][a-z0-9_]*")
RESERVED = re.compile(r"(pg_|rds).*|postgres|public|none|admin|root|mysql|user|current_user|session_user")
LONGEST_USER = {"postgresql": 63, "mysql": 32}


def check_user(name: str, engine: str, refusals: Refusals) -> None:
    """Note the name of a user that is none, or is not free."""
    if not USER.fullmatch(name) or len(name) > LONGEST_USER[engine]:
        refusals.refuse(
            f"user {name!r} is not a name for a database user",
            fix=f"use a letter, then letters, digits and underscores, in lower case, {LONGEST_USER[engine]} at most",
        )
    elif RESERVED.fullmatch(name):
        refusals.refuse(f"user {name!r} is one of the database's own", fix=f'say what it does: "{name}_reader"')


def read_migrations(folder: str | None, refusals: Refusals) -> Mapping[str, str]:
    """Read the files of a folder, by their names, and note what is wrong with them."""
    if folder is None:
        return {}
    path = Project.current().folder / folder
    if not folder or not path.is_dir():
        refusals.refuse(f"migrations {folder!r} is no folder", fix="write it relative to the folder of cdk.json")
        return {}
    files = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
    found: dict[str, str] = {}
    for each in files:
        if not MIGRATION.fullmatch(each.name):
            refusals.refuse(
                f"{folder}/{each.name} is not the name of a migration",
                fix="number them in the order they are applied: 0001_tables.sql, 0002_add_currency.sql",
            )
        else:
            found[each.name] = each.read_text(encoding="utf-8").replace("\r\n", "\n")
    numbers = [name[:4] for name in found]
    for name, script in found.items():
        if numbers.count(name[:4]) > 1:
            refusals.refuse(f"{folder}/{name} shares its number with another", fix="give each migration its own")
        if not script.strip():
            refusals.refuse(f"{folder}/{name} is empty", fix="write a statement, or remove it")
        elif not _is_ended(script):
            refusals.refuse(f"{folder}/{name} does not end with a semicolon", fix="end its last statement with one")
        if len(script.encode()) > MOST_IN_ONE:
            refusals.refuse(
                f"{folder}/{name} has {len(script.encode())} bytes, and {MOST_IN_ONE} fit into one statement",
                fix="make it two migrations",
            )
    if not files:
        refusals.refuse(f"migrations {folder!r} holds no file", fix="add 0001_tables.sql, or leave migrations out")
    size = len(json.dumps(found))
    if size > MOST_BYTES:
        refusals.refuse(
            f"the migrations have {size} bytes as JSON, and {MOST_BYTES} fit into one event",
            fix="put what is long (seed data) where a function reads it from, or squash what every stage has applied",
        )
    return found


def _is_ended(script: str) -> bool:
    """Whether the last line with a statement has a semicolon; a comment may follow."""
    lines = [line for line in script.splitlines() if line.strip() and not line.strip().startswith("--")]
    return bool(lines) and ";" in lines[-1]


@jsii.implements(cdk.IStableAnyProducer)
class Users:
    """The users of a database, listed at synth."""

    def __init__(self) -> None:
        """Begin with none."""
        self._users: dict[str, Callable[[], str] | None] = {}

    def add(self, name: str, secret: Callable[[], str] | None) -> None:
        """Add one, with the ARN of the secret that holds its password, if it has one; a second time changes nothing."""
        self._users.setdefault(name, secret)

    def signs_in_with_password(self, name: str) -> bool | None:
        """Whether a user has a password; None for one that is not known."""
        return None if name not in self._users else self._users[name] is not None

    def produce(self) -> object:
        """List them."""
        return [
            {"Name": name} if secret is None else {"Name": name, "Secret": secret()}
            for name, secret in sorted(self._users.items())
        ]
