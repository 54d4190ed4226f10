"""Secrets of Secrets Manager: read once, kept for a while, read again when they are refused, never told to a log.

The construct's `secrets={"DB_PASSWORD": SecretField(secret, "password")}` puts an ARN into the variable, and behind it
the field where one is meant, `<ARN>:password::`, as ECS writes it.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from constructs_lib.runtime.kept import (
    Kept,
    Once,
    Reading,
    Refused,
    in_time,
    refuse_coroutines,
    refuse_no_refusal,
    told_by,
)

Result = TypeVar("Result")
MAX_AGE = timedelta(minutes=5)
PARTS_OF_ARN = 7  # arn : aws : secretsmanager : region : account : secret : name
REGION, FIELD = 3, 7  # places among them, and of the field behind them
EXTENSION_PORT = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
EXTENSION_SECONDS = 2.0


class SecretSource:
    """One secret, read with the role of the function.

    Args:
        arn: The secret.
        client: Of Secrets Manager.
    """

    def __init__(self, arn: str, client: Any) -> None:
        """Read nothing yet."""
        self._arn = arn
        self._client = client

    def read(self) -> Reading:
        """Return what is current, from AWS's Parameters and Secrets extension where the function says its port."""
        answer = _asked_of_extension(self._arn)
        return self._current() if answer is None else _reading(answer, is_current=True)

    def read_instead(self, refused: Reading) -> Reading | None:
        """Return what is current now; if just that was refused, what a rotation has pending.

        Always asked of Secrets Manager itself, for the extension would tell what it keeps.
        """
        current = self._current()
        if current.version != refused.version:
            return current
        pending = self._pending()
        if pending is not None and pending.version != refused.version:
            return pending
        current = self._current()  # a rotation that ended between the two
        return current if current.version != refused.version else None

    def _pending(self) -> Reading | None:
        try:
            answer = self._client.get_secret_value(SecretId=self._arn, VersionStage="AWSPENDING")
        except self._client.exceptions.ResourceNotFoundException:
            return None  # nothing is being rotated, or the new value is not made yet
        return _reading(answer, is_current=False)

    def _current(self) -> Reading:
        return _reading(self._client.get_secret_value(SecretId=self._arn), is_current=True)


def secret_value(variable: str, *, max_age: timedelta = MAX_AGE) -> str:
    """Return the secret, or the field of it, that a variable names.

    Args:
        variable: The variable that `secrets=` has set.
        max_age: How long a value is kept before it is read again. Default: five minutes.

    Raises:
        ValueError: The variable names no secret, or the secret has no such field; no value is told.
    """
    kept, name = _kept_of(variable)
    return _text_of(kept.reading(max_age.total_seconds()), name, variable)


def with_secret(
    variable: str, call: Callable[[str], Result], *, refused: Refused, max_age: timedelta = MAX_AGE
) -> Result:
    """Call with the secret that a variable names; if it is refused, read it again and call once more.

    Whoever rotates the secret while functions run needs nothing else: neither a deployment nor a moment in which
    nobody calls. What is refused costs one to three more reads, and one more call.

    Args:
        variable: The variable that `secrets=` has set.
        call: Takes the secret, or the field of it; may be called twice.
        refused: Which exceptions of `call` say that the secret was wrong: a class, some of them, or what tells.
        max_age: How long a value is kept before it is read again. Default: five minutes.

    Raises:
        ValueError: The variable names no secret, or the secret has no such field; no value is told.
        TypeError: `call` is a coroutine or generator function, or returns a coroutine; or `refused` tells nothing.
        Exception: What `call` raised: no refusal, or a refusal of everything that could be right.
    """
    refuse_coroutines(call)
    refuse_no_refusal(refused)
    kept, name = _kept_of(variable)
    return kept.use(lambda reading: call(_text_of(reading, name, variable)), refused, max_age.total_seconds())


def _kept_of(variable: str) -> tuple[Kept, str]:
    parts = told_by(variable).split(":")
    if parts[0] != "arn" or len(parts) < PARTS_OF_ARN or parts[2] != "secretsmanager":
        raise ValueError(f'the variable {variable} names no secret: set it with secrets={{"{variable}": secret}}')
    return _kept(":".join(parts[:PARTS_OF_ARN])), parts[FIELD] if len(parts) > FIELD else ""


@Once
def _kept(arn: str) -> Kept:
    return Kept(SecretSource(arn, _client(arn.split(":")[REGION])))


@Once
def _client(region: str) -> Any:
    import boto3  # noqa: PLC0415 - a tenth of a second, which only the first value pays

    return boto3.client("secretsmanager", region_name=region, config=in_time())


def _reading(answer: dict[str, Any], *, is_current: bool) -> Reading:
    text = answer.get("SecretString")
    if text is None:
        raise ValueError(f"the secret {answer['Name']} is binary: read it with get_secret_value")
    return Reading(text, answer["VersionId"], is_current)


def _text_of(reading: Reading, name: str, variable: str) -> str:
    if not name:
        return reading.text
    try:
        value = json.loads(reading.text)[name]
    except (ValueError, KeyError, TypeError):
        # From None: the error of the parser carries the whole secret.
        raise ValueError(f"the secret of {variable} has no field {name!r}, or is no JSON object") from None
    return value if isinstance(value, str) else json.dumps(value)


def _asked_of_extension(arn: str) -> dict[str, Any] | None:
    """Ask the extension; None where there is none, or where it does not answer as it should."""
    port = os.environ.get(EXTENSION_PORT, "")
    if not port.isdecimal():
        return None
    url = f"http://localhost:{port}/secretsmanager/get?{urllib.parse.urlencode({'secretId': arn})}"
    request = urllib.request.Request(
        url, headers={"X-Aws-Parameters-Secrets-Token": os.environ.get("AWS_SESSION_TOKEN", "")}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=EXTENSION_SECONDS) as answer:
            told: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return None  # it answers nobody before the first invocation
    return told if told.get("VersionId") and told.get("SecretString") is not None else None
