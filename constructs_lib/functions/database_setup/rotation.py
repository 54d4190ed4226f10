"""Gives a database user another password, in the four steps of Secrets Manager.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import json
import secrets
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LENGTH = 40
LETTERS = string.ascii_letters + string.digits


def rotate(client: Any, event: dict[str, str], set_password: Callable[[str, str], object]) -> None:
    """Take one step; each may be taken twice.

    Args:
        client: The client of `secretsmanager`.
        event: Which step, of which secret, for which version.
        set_password: Tells the database: the user, and the password.
    """
    secret, version, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    if step == "createSecret":
        if not _is_made(client, secret, version):
            value = {**_value(client, secret, stage="AWSCURRENT"), "password": new_password()}
            client.put_secret_value(
                SecretId=secret,
                ClientRequestToken=version,
                SecretString=json.dumps(value),
                VersionStages=["AWSPENDING"],
            )
    elif step in {"setSecret", "finishSecret"}:
        # Twice: a deployment in between has given the user the password that is the current one until now.
        pending = _value(client, secret, version=version)
        set_password(pending["username"], pending["password"])
    if step == "finishSecret":
        stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
        current = next(each for each, named in stages.items() if "AWSCURRENT" in named)
        if current != version:
            client.update_secret_version_stage(
                SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current
            )


def new_password() -> str:
    """Make up a password that no quoting can break."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def _is_made(client: Any, secret: str, version: str) -> bool:
    named = client.describe_secret(SecretId=secret)["VersionIdsToStages"].get(version, [])
    if "AWSCURRENT" in named:
        return True
    try:
        _value(client, secret, version=version)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def _value(client: Any, secret: str, *, stage: str = "", version: str = "") -> dict[str, str]:
    which = {"VersionStage": stage} if stage else {"VersionId": version}
    value: dict[str, str] = json.loads(client.get_secret_value(SecretId=secret, **which)["SecretString"])
    return value
