"""The statements that make users and apply migrations; each may run twice and changes nothing the second time."""

from __future__ import annotations

import base64
import hashlib

APPLIED = "applied_migrations"


def literal(value: str) -> str:
    """Write a text as a literal of PostgreSQL."""
    return "'" + value.replace("'", "''") + "'"


def create_postgres_user(name: str, password: str | None) -> list[str]:
    """Let a user log in: by IAM, or with a password where there is one; who may use both ways can use IAM alone."""
    create = (
        f"DO $user$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(name)}) "
        f'THEN CREATE ROLE "{name}" LOGIN; END IF; END $user$'
    )
    if password is None:
        return [create, f'GRANT rds_iam TO "{name}"']
    by_iam = f"pg_has_role({literal(name)}, 'rds_iam', 'member')"
    no_token = f'DO $user$ BEGIN IF {by_iam} THEN REVOKE rds_iam FROM "{name}"; END IF; END $user$'
    return [create, no_token, set_postgres_password(name, password)]


def set_postgres_password(name: str, password: str) -> str:
    """Give a user another password."""
    return f'ALTER ROLE "{name}" WITH PASSWORD {literal(password)}'


def create_mysql_user(name: str, password: str | None) -> list[str]:
    """Let a user log in: by IAM over TLS, or with a password where there is one."""
    by = "WITH AWSAuthenticationPlugin AS 'RDS'" if password is None else f"BY '{password}'"
    return [f"{do} '{name}'@'%' IDENTIFIED {by} REQUIRE SSL" for do in ("CREATE USER IF NOT EXISTS", "ALTER USER")]


def set_mysql_password(name: str, password: str) -> str:
    """Give a user another password; generated ones have neither quotes nor backslashes."""
    return f"ALTER USER '{name}'@'%' IDENTIFIED BY '{password}'"


def remember_migrations() -> str:
    """Make the table that says what was applied."""
    return (
        f"CREATE TABLE IF NOT EXISTS {APPLIED} "
        "(name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )


def digest_of(migration: str) -> str:
    """What changes when a migration does."""
    return hashlib.sha256(migration.encode()).hexdigest()


def apply_migration(name: str, migration: str) -> str:
    """Apply a migration unless it was, all of it or nothing; one that has changed since is refused.

    One block is one statement, which is what the Data API takes, and one transaction. The migration is written in it as
    Base64: no colon of a time or of JSON is read as the name of a parameter, and no column as a variable of the block.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html
    """
    digest = digest_of(migration)
    encoded = base64.b64encode(migration.encode()).decode()
    changed = literal(f"{name} was changed after it was applied; undo that, and write the change as a new migration")
    before = f"SELECT digest INTO before FROM {APPLIED} WHERE name = {literal(name)};"  # noqa: S608 - literals
    done = f"INSERT INTO {APPLIED} (name, digest) VALUES ({literal(name)}, {literal(digest)});"  # noqa: S608 - likewise
    return (
        f"DO $migration$ DECLARE before text; BEGIN LOCK TABLE {APPLIED} IN EXCLUSIVE MODE; {before} "
        f"IF before = {literal(digest)} THEN RETURN; END IF; "
        f"IF before IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = {changed}; END IF; "
        f"EXECUTE convert_from(decode('{encoded}', 'base64'), 'UTF8'); {done} END $migration$"
    )
