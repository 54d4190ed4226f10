"""A secret is rotated by its function: the four steps, in order, all of them again while one fails.

Stock makes a new version with the old value current and calls nobody, makes nothing of a rotation schedule in a
template, tells a version without a value as if it had one, lets a version be written twice, and several have one label.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html

Two things differ from AWS on purpose: a rotation that failed is tried twice more, half a second and a second later,
and what is scheduled is not: here a secret is rotated when its schedule is deployed, and by `RotateSecret`.
"""

from __future__ import annotations

import threading
import uuid
from typing import Any

from constructs_lib.local.overlay import reset_era
from constructs_lib.local.overlay.authority import here, scope_of, service_denial
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.deployed_function import deployed_function, run
from constructs_lib.local.overlay.first_rotations import FIRST_ROTATIONS
from constructs_lib.local.overlay.patching import Addition, Patch

SERVICE = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PAUSES_SECONDS = (0.5, 1.0)  # before the second and the third try
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"

Secret = dict[str, Any]

_running: set[str] = set()  # the versions that rotations make just now
_lock = threading.Lock()


def _module() -> Any:
    return base("services.secretsmanager")


def _refused(code: str, message: str) -> Any:
    return base("core.responses").error_response_json(code, message, 400)


def _wrap_rotate(stock: Any) -> Any:
    def rotate_secret(data: Any) -> Any:
        _, secret = _module()._resolve(data.get("SecretId"))
        if not secret or secret.get("DeletedDate") or _module()._is_replica(secret):
            return stock(data)  # which refuses it
        refusal = configure(secret, data.get("RotationLambdaARN"), data.get("RotationRules"))
        if refusal:
            return _refused(*refusal)
        token, waiting = data.get("ClientRequestToken") or str(uuid.uuid4()), _waiting(secret)
        if waiting is not None:
            begin(secret, waiting)
            told = "A previous rotation isn't complete. That rotation will be reattempted."
            return _refused("InvalidRequestException", told)
        _start(secret, token, is_now=data.get("RotateImmediately", True))
        made = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token}
        return base("core.responses").json_response(made)

    return rotate_secret


def configure(secret: Secret, function_arn: str | None, rules: Any) -> tuple[str, str] | None:
    """Note which function rotates a secret, and how often; what is wrong with that, if anything is."""
    arn = function_arn or secret.get("RotationLambdaARN")
    if not arn:
        return "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."
    account, _ = here()
    if deployed_function(arn) is None:
        return "ResourceNotFoundException", "Lambda does not exist."
    if service_denial(SERVICE, "lambda:InvokeFunction", arn, secret["ARN"], account):
        return "AccessDeniedException", f"Secrets Manager cannot invoke the specified Lambda function {arn}."
    secret["RotationLambdaARN"], secret["RotationEnabled"] = arn, True
    if rules:
        secret["RotationRules"] = rules
    return None


def _start(secret: Secret, token: str, *, is_now: bool) -> None:
    """Rotate, or only try the function out on what is current."""
    _prepare(secret, token, with_value=not is_now)
    begin(secret, token, STEPS if is_now else ("testSecret",))


def _waiting(secret: Secret) -> str | None:
    """The version that an unfinished rotation makes."""
    version, found = _module()._find_stage_version(secret, PENDING)
    return None if found is None or CURRENT in found["Stages"] else f"{version}"


def _prepare(secret: Secret, token: str, *, with_value: bool) -> None:
    """Make the version of a rotation: a label without a value, unless it is only there for a try."""
    _, current = _module()._find_stage_version(secret, CURRENT)
    value = current if with_value and current else {}
    _take_labels(secret, [PENDING], token)
    secret["Versions"][token] = {
        "SecretString": value.get("SecretString"),
        "SecretBinary": value.get("SecretBinary"),
        "CreatedDate": int(time.time()),
        "Stages": [PENDING],
    }


def _take_labels(secret: Secret, labels: Any, keeper: str) -> None:
    """Let no version but one have these labels."""
    for version, each in secret["Versions"].items():
        if version != keeper:
            each["Stages"] = [label for label in each["Stages"] if label not in labels]


def begin(secret: Secret, token: str, steps: tuple[str, ...] = STEPS) -> None:
    """Rotate beside whatever goes on; once at a time."""
    with _lock:
        if token in _running:
            return
        _running.add(token)
    arguments = (secret, token, steps, here())
    threading.Thread(target=_rotate, args=arguments, name=f"rotation {secret['Name']}", daemon=True).start()


def _rotate(secret: Secret, token: str, steps: tuple[str, ...], place: tuple[str, str]) -> None:
    reset_era.belong()
    failure = ""
    try:
        with scope_of(*place):
            failure = _try_until_done(secret, token, steps)
            if len(steps) < len(STEPS):
                secret["Versions"].pop(token, None)  # it was there for the try alone
    finally:
        with _lock:
            _running.discard(token)
        FIRST_ROTATIONS.end(token, failure)


def _try_until_done(secret: Secret, token: str, steps: tuple[str, ...]) -> str:
    """Try, and tell why the last try failed; empty if it did not."""
    failure = ""
    for pause in (*PAUSES_SECONDS, None):
        failure = next(filter(None, (_failure(secret, token, step) for step in steps)), "")
        if not failure:
            _take_labels(secret, [PENDING], "")  # its version is current, or was there for the try alone
            secret["LastRotatedDate"] = int(time.time())
            return ""
        log.warning("the rotation of %s failed at %s", secret["Name"], failure)
        if pause is not None:
            time.sleep(pause)
    return failure


def _failure(secret: Secret, token: str, step: str) -> str:
    """Take one step, and tell why it failed; empty if it did not."""
    arn = secret["RotationLambdaARN"]
    function = deployed_function(arn)
    if function is None:
        return f"{step}: {arn} does not exist"
    denial = service_denial(SERVICE, "lambda:InvokeFunction", arn, secret["ARN"], here()[0])
    if denial:
        return f"{step}: {denial}"
    event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
    result = run(function, event)
    return f"{step}, its function ended with {result.get('body')}" if result.get("error") else ""


def _wrap_read(stock: Any) -> Any:
    def get_secret_value(data: Any) -> Any:
        _, secret = _module()._resolve(data.get("SecretId"))
        version, stage = data.get("VersionId"), data.get("VersionStage") or CURRENT
        if secret and not secret.get("DeletedDate"):
            version = version or _module()._find_stage_version(secret, stage)[0]
            found = secret["Versions"].get(version)
            if found and found.get("SecretString") is None and found.get("SecretBinary") is None:
                told = f"Secrets Manager can't find the specified secret value for VersionId: {version}"
                return _refused("ResourceNotFoundException", told)
        return stock(data)

    return get_secret_value


def _wrap_write(stock: Any) -> Any:
    def put_secret_value(data: Any) -> Any:
        _, secret = _module()._resolve(data.get("SecretId"))
        token = data.get("ClientRequestToken") or str(uuid.uuid4())
        found = secret["Versions"].get(token) if secret else None
        if found and (found.get("SecretString"), found.get("SecretBinary")) != (None, None):
            if (found.get("SecretString"), found.get("SecretBinary")) != (
                data.get("SecretString"),
                data.get("SecretBinary"),
            ):
                told = f"You can't modify a secret version: {token} exists already with another value."
                return _refused("ResourceExistsException", told)
            told_again = {"VersionId": token, "VersionStages": list(found["Stages"])}
            return base("core.responses").json_response({"ARN": secret["ARN"], "Name": secret["Name"], **told_again})
        answer = stock({**data, "ClientRequestToken": token})
        labels = {*data.get("VersionStages", ())} - {CURRENT}  # which stock moves itself
        if secret and token in secret["Versions"]:
            _take_labels(secret, labels, token)
        return answer

    return put_secret_value


def _create(_logical_id: str, props: Any, _stack_name: str) -> tuple[str, dict[str, Any]]:
    """Configure the rotation, and begin it.

    Raises:
        ValueError: The secret is not here, or its function cannot be called.
    """
    _, secret = _module()._resolve(props.get("SecretId"))
    if secret is None:
        raise ValueError("Secrets Manager can't find the specified secret.")
    if not props.get("RotationLambdaARN"):
        return secret["ARN"], {"Id": secret["ARN"]}  # a function of AWS's own, which is not here: the stand-ins tell
    refusal = configure(secret, props.get("RotationLambdaARN"), props.get("RotationRules"))
    if refusal:
        raise ValueError(": ".join(refusal))
    if _waiting(secret) is None:
        is_now = str(props.get("RotateImmediatelyOnUpdate", True)).lower() == "true"
        token = str(uuid.uuid4())
        FIRST_ROTATIONS.begin(token, secret["Name"])
        _start(secret, token, is_now=is_now)
    return secret["ARN"], {"Id": secret["ARN"]}


def _update(_physical_id: str, _old: Any, props: Any, stack_name: str, logical_id: str = "") -> Any:
    return _create(logical_id, props, stack_name)


def _delete(physical_id: str, _props: Any) -> None:
    _, secret = _module()._resolve(physical_id)
    if secret is not None:
        secret["RotationEnabled"] = False


_HANDLER = {"create": _create, "update": _update, "delete": _delete}
PATCHES = (
    Patch("services.secretsmanager", "_rotate_secret", ("data",), _wrap_rotate),
    Patch("services.secretsmanager", "_get_secret_value", ("data",), _wrap_read),
    Patch("services.secretsmanager", "_put_secret_value", ("data",), _wrap_write),
    Addition(
        "services.cloudformation.provisioners",
        "_RESOURCE_HANDLERS/AWS::SecretsManager::RotationSchedule",
        _HANDLER,
    ),
)
