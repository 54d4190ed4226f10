"""The four steps of a rotation, of which a user writes the two that only they can: change the value, and try it out.

Secrets Manager calls the function four times, and all four again, with the same token, when one of them fails. So each
step looks first whether it is done already; it may die at any instant.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from constructs_lib.runtime.kept import in_time, refuse_coroutines, refuse_unfinished

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
LENGTH = 32  # letters, digits, - and _: 192 bits, and nothing that a connection string would have to quote
PASSWORD = "password"  # noqa: S105 - the field that AWS's own rotations change

Event = dict[str, Any]


class RotationRefused(Exception):  # noqa: N818 - what the steps say of a call that is none of theirs
    """A call that no step may answer: the version is unknown, or the secret is not rotated."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """A Lambda handler for the four steps."""

    change: Callable[[str, str], object]
    test: Callable[[str], object]
    new: Callable[[str, str], str]
    client: Any = None

    def __call__(self, event: Event, _context: object) -> None:
        """Take one step.

        Raises:
            RotationRefused: The step, the secret or the version is not one that can be rotated.
            Exception: What `change`, `test` or `new` raised; Secrets Manager tries again later.
        """
        steps = {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }
        step = steps.get(event["Step"])
        if step is None:
            raise RotationRefused(f"{event['Step']!r} is no step of a rotation")
        call = _Call(self.client or _client(), event["SecretId"], event["ClientRequestToken"])
        if call.is_waiting():
            step(call)

    def _create(self, call: _Call) -> None:
        """Make the new value, unless an earlier try has."""
        if call.pending() is None:
            call.put(self.new(call.current(), call.token))

    def _set(self, call: _Call) -> None:
        """Have the new value accepted, unless it is: then an earlier try died behind the change."""
        pending = call.pending_for_sure()
        try:
            self._try_out(pending)
        except Exception:  # whatever says that the new value does not work yet
            refuse_unfinished(self.change(pending, call.current()))

    def _test(self, call: _Call) -> None:
        self._try_out(call.pending_for_sure())

    def _try_out(self, value: str) -> None:
        told = self.test(value)
        refuse_unfinished(told)
        if told is False:
            raise RotationRefused("test returned False: what is not accepted has to raise")

    def _finish(self, call: _Call) -> None:
        call.make_current()


def rotation(
    *,
    change: Callable[[str, str], object],
    test: Callable[[str], object],
    new: Callable[[str, str], str] | None = None,
    secrets_manager: Any = None,
) -> Rotation:
    """Make a Lambda handler that rotates a secret.

    Args:
        change: Takes the new value and the current one, and has the new one accepted. May be called again after it
            succeeded. Where the service can take two values at once, let it take both, and drop the current one in the
            rotation after this: then nobody is refused in between.
        test: Takes a value, and raises if it is not accepted. It is called before `change`, too.
        new: Takes the current value and the token of the rotation, and returns the new value. The token is the same
            when it is called again: give it to a service that makes the value itself, as its idempotency key. Default:
            32 letters, digits, dashes and underscores; in a secret of JSON, as its field `password`.
        secrets_manager: The client. Default: one of its own.

    Raises:
        TypeError: One of them is a coroutine function, which would be called and never awaited; or a
            generator function.
    """
    for each in (change, test, *(() if new is None else (new,))):
        refuse_coroutines(each)
    return Rotation(change=change, test=test, new=new_password if new is None else new, client=secrets_manager)


def new_password(current: str, _token: str) -> str:
    """Return a new password in the shape of the current one: bare, or the field `password` of a JSON object.

    Raises:
        RotationRefused: It is a JSON object of other fields.
    """
    password = secrets.token_urlsafe(LENGTH)[:LENGTH]
    try:
        fields = json.loads(current)
    except ValueError:
        return password
    if not isinstance(fields, dict):
        return password
    if PASSWORD not in fields:
        raise RotationRefused(f"the secret has no field {PASSWORD!r}: say what is new with rotation(new=...)")
    return json.dumps({**fields, PASSWORD: password})


class _Call:
    """One secret, and the version that a rotation makes of it."""

    def __init__(self, client: Any, secret: str, token: str) -> None:
        self._client = client
        self._secret = secret
        self.token = token

    def is_waiting(self) -> bool:
        """Tell whether there is anything left to do; nothing is, once the new version is current.

        Raises:
            RotationRefused: Somebody calls who is not Secrets Manager, or for a version it has given up.
        """
        told = self._client.describe_secret(SecretId=self._secret)
        if not told.get("RotationEnabled"):
            raise RotationRefused("the secret is not one that is rotated")
        stages = told["VersionIdsToStages"].get(self.token)
        if stages is None:
            raise RotationRefused("the secret has no version of that token")
        if CURRENT in stages:
            return False
        if PENDING not in stages:
            raise RotationRefused("the version of that token is not pending")
        return True

    def current(self) -> str:
        return self._value(VersionStage=CURRENT)

    def pending(self) -> str | None:
        """Return the new value, or None while there is none."""
        try:
            return self._value(VersionId=self.token, VersionStage=PENDING)
        except self._client.exceptions.ResourceNotFoundException:
            return None

    def pending_for_sure(self) -> str:
        found = self.pending()
        if found is None:
            raise RotationRefused("the new value is not made yet: createSecret comes first")
        return found

    def put(self, value: object) -> None:
        """Write the new value.

        Raises:
            RotationRefused: It is no text. The client would say so, too, and write the value into the log.
        """
        if not isinstance(value, str) or not value:
            told = "nothing" if value == "" else type(value).__name__
            raise RotationRefused(f"new returned {told}, wanted a str")
        try:
            self._client.put_secret_value(
                SecretId=self._secret, ClientRequestToken=self.token, SecretString=value, VersionStages=[PENDING]
            )
        except self._client.exceptions.ResourceExistsException:
            return  # an earlier try, given up as lost, was quicker: its value counts

    def make_current(self) -> None:
        """Move the label: from here on everybody reads the new value."""
        stages = self._client.describe_secret(SecretId=self._secret)["VersionIdsToStages"]
        [old] = [version for version, labels in stages.items() if CURRENT in labels]
        self._client.update_secret_version_stage(
            SecretId=self._secret, VersionStage=CURRENT, MoveToVersionId=self.token, RemoveFromVersionId=old
        )

    def _value(self, **version: str) -> str:
        text: str | None = self._client.get_secret_value(SecretId=self._secret, **version).get("SecretString")
        if text is None:
            raise RotationRefused("the secret is binary, and these steps rotate text")
        return text


def _client() -> Any:
    import boto3  # noqa: PLC0415 - a tenth of a second, and tests bring their own

    return boto3.client("secretsmanager", config=in_time())
