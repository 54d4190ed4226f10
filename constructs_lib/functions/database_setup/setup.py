"""Makes the users of a database and applies its migrations, whenever a deployment changes them; rotates passwords.

CloudFormation and Secrets Manager call this function; its own role may run statements as the administrator.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable
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
PAUSES = (2.0, 4.0, 8.0, 16.0)
LONGEST_REASON = 3000  # CloudFormation takes an answer of 4096 bytes


def handler(event: dict[str, Any], context: Any) -> None:
    """Do what the event asks for."""
    if "Step" in event:
        rotate(SECRETS, event, lambda user, password: set_password(user, password, context))
        return
    status, reason = "SUCCESS", ""
    try:
        if event["RequestType"] != "Delete":  # users and tables go with their database
            set_up(event["ResourceProperties"], context)
    except Exception as error:  # CloudFormation waits an hour for whoever does not answer
        status, reason = "FAILED", str(error)
    answer(event, status, reason or f"see {context.log_stream_name}")


def set_up(told: dict[str, Any], context: Any) -> None:
    """Make the users, then apply the migrations in the order of their names."""
    database = administrator(context)
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
        try:
            database.execute(apply_migration(name, migrations[name]))
        except Exception as error:
            raise RuntimeError(f"migration {name}: {error}") from error


def administrator(context: Any) -> DataApi:
    """The database of this function, as long as this call may last."""
    cluster, secret, name = (os.environ[f"DATABASE_{each}"] for each in ("CLUSTER", "ADMINISTRATOR", "NAME"))
    return DataApi(RDS_DATA, cluster, secret, name, lambda: context.get_remaining_time_in_millis() / 1000)


def set_password(user: str, password: str, context: Any) -> None:
    """Let a user have another password."""
    is_postgres = os.environ["DATABASE_ENGINE"] == "postgresql"
    administrator(context).execute((set_postgres_password if is_postgres else set_mysql_password)(user, password))


def password_of(secret: str, pause: Callable[[float], object] = time.sleep) -> str:
    """Read a user's password; IAM takes some seconds to know a right that this deployment brought."""
    for pauses in (*PAUSES, None):
        try:
            value: dict[str, str] = json.loads(SECRETS.get_secret_value(SecretId=secret)["SecretString"])
        except SECRETS.exceptions.ClientError as error:
            if pauses is None or error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            pause(pauses)
        else:
            return value["password"]
    raise AssertionError("the last try returns or raises")


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
