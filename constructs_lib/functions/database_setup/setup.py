"""Makes the users of a database and applies its migrations, whenever a deployment changes them; rotates passwords.

CloudFormation and Secrets Manager call this function; its own role may run statements as the administrator.
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

import boto3

from .data_api import DataApi
from .rotation import rotate
from .sql import (
    apply_migration,
    create_mysql_user,
    create_postgres_user,
    remember_migrations,
    set_mysql_password,
    set_postgres_password,
)

RDS_DATA = boto3.client("rds-data")
SECRETS = boto3.client("secretsmanager")
LONGEST_REASON = 3000  # CloudFormation takes an answer of 4096 bytes


def handler(event: dict[str, Any], context: Any) -> None:
    """Do what the event asks for."""
    if "Step" in event:
        rotate(SECRETS, event, set_password)
        return
    status, reason = "SUCCESS", ""
    try:
        if event["RequestType"] != "Delete":  # users and tables go with their database
            set_up(event["ResourceProperties"])
    except Exception as error:  # CloudFormation waits an hour for whoever does not answer
        status, reason = "FAILED", str(error)
    answer(event, status, reason or f"see {context.log_stream_name}")


def set_up(told: dict[str, Any]) -> None:
    """Make the users, then apply the migrations in the order of their names."""
    database = administrator()
    is_postgres = os.environ["DATABASE_ENGINE"] == "postgresql"
    create = create_postgres_user if is_postgres else create_mysql_user
    for user in told.get("Users", []):
        password = None if not user.get("Secret") else password_of(user["Secret"])
        for statement in create(user["Name"], password):
            database.execute(statement)
    migrations = told.get("Migrations", {})
    if migrations:
        database.execute(remember_migrations())
    for name in sorted(migrations):
        database.execute(apply_migration(name, migrations[name]))


def administrator() -> DataApi:
    """The database of this function."""
    settings = os.environ
    return DataApi(
        RDS_DATA, settings["DATABASE_CLUSTER"], settings["DATABASE_ADMINISTRATOR"], settings["DATABASE_NAME"]
    )


def set_password(user: str, password: str) -> None:
    """Let a user have another password."""
    is_postgres = os.environ["DATABASE_ENGINE"] == "postgresql"
    administrator().execute((set_postgres_password if is_postgres else set_mysql_password)(user, password))


def password_of(secret: str) -> str:
    """Read a user's password."""
    value: dict[str, str] = json.loads(SECRETS.get_secret_value(SecretId=secret)["SecretString"])
    return value["password"]


def answer(event: dict[str, Any], status: str, reason: str) -> None:
    """Tell CloudFormation.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
    """
    told = {
        "Status": status,
        "Reason": reason[:LONGEST_REASON],
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"{event['LogicalResourceId']}-setup",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 - the address is CloudFormation's
        event["ResponseURL"], data=json.dumps(told).encode(), method="PUT", headers={"content-type": ""}
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - likewise
        pass
