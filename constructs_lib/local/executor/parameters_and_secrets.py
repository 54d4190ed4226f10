"""The AWS Parameters and Secrets Lambda Extension: an address inside the environment that reads and keeps values.

On Lambda it is a layer of AWS's own and listens on port 2773; here many environments share one machine, so each has a
free port, and `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT` names it; `wanted_ports` has the other one. It calls with the
role of the function, and not before the first invocation. The words of its refusals are written down from memory; AWS
documents the statuses alone.
https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-integration-lambda-extensions.html
https://docs.aws.amazon.com/lambda/latest/dg/with-secrets-manager.html
"""

from __future__ import annotations

import collections
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from constructs_lib.local.executor.loopback_server import Call, LoopbackServer, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PORT_VARIABLE = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
TOKEN_HEADER = "X-Aws-Parameters-Secrets-Token"  # noqa: S105 (the name of a header)
DEFAULT_PORT = 2773
TTL_SECONDS = 300
CACHE_SIZE = 1000
CALL_SECONDS = 30.0


class ServiceError(Exception):
    """The service refused; its answer is the message."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__(answer)
        self.status = status


class ParametersAndSecrets:
    """The extension of one environment.

    Args:
        variables: The variables of the environment: credentials, endpoint, and its own settings.
        on_line: Called with each line it writes to the function's log.
    """

    def __init__(self, variables: Mapping[str, str], on_line: Callable[[str], None]) -> None:
        """Listen; until the first invocation every call is refused."""
        self._variables = variables
        self._on_line = on_line
        self.is_invoked = False
        self._lock = threading.Lock()
        self._kept: collections.OrderedDict[tuple[str, ...], tuple[float, bytes]] = collections.OrderedDict()
        self._server = LoopbackServer(self.answer)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def wanted_port(self) -> int:
        """The port it would listen on if it were alone on its machine, as on Lambda."""
        return self._number(PORT_VARIABLE, DEFAULT_PORT)

    @property
    def token(self) -> str:
        """What calls have to show."""
        return self._variables.get("AWS_SESSION_TOKEN", "")

    def begin(self) -> None:
        """The function is invoked: from now on calls are answered."""
        self.is_invoked = True

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def answer(self, call: Call) -> Reply:
        """Answer a call that reached this environment."""
        if not hmac.compare_digest(call.header(TOKEN_HEADER).encode(), self.token.encode()):
            return unauthorized()
        if not self.is_invoked:
            return _text(400, "bad request: not ready to serve traffic, please wait")
        query = call.query
        match call.method, *call.path:
            case ["GET", "secretsmanager", "get"] if query.get("secretId"):
                return self._read("secret", tuple(query.get(each, "") for each in _SECRET_QUERY))
            case ["GET", "systemsmanager", "parameters", "get"] if query.get("name"):
                return self._read("parameter", tuple(query.get(each, "") for each in _PARAMETER_QUERY))
            case ["GET", "secretsmanager", "get"] | ["GET", "systemsmanager", "parameters", "get"]:
                return _text(400, "bad request: a required parameter is missing")
        return _text(404, "404 page not found")

    def _read(self, kind: str, asked: tuple[str, ...]) -> Reply:
        """Answer from what is kept, or else from the service."""
        variable = "SECRETS_MANAGER_TTL" if kind == "secret" else "SSM_PARAMETER_STORE_TTL"
        ttl, key = self._number(variable, TTL_SECONDS), (kind, *asked)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < ttl:
            return _json(kept[1])
        try:
            told = self._secret(*asked) if kind == "secret" else self._parameter(*asked)
        except (ServiceError, OSError) as error:
            operation = "GetSecretValue" if kind == "secret" else "GetParameter"
            now = f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S}"
            told_of = f"ERROR {operation} request encountered an error: {error}"
            self._on_line(f"[AWS Parameters and Secrets Lambda Extension] {now} {told_of}")
            status = 400 if isinstance(error, ServiceError) and error.status < 500 else 500  # noqa: PLR2004 (HTTP's)
            return _text(status, "an unexpected error occurred while executing request")
        body = json.dumps({**told, "ResultMetadata": {}}).encode()
        self._keep(key, body)
        return _json(body)

    def _keep(self, key: tuple[str, ...], body: bytes) -> None:
        size = self._number("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE", CACHE_SIZE)
        if self._variables.get("PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED", "true").lower() == "false":
            size = 0
        with self._lock:
            self._kept[key] = time.monotonic(), body
            self._kept.move_to_end(key)
            while len(self._kept) > size:
                self._kept.popitem(last=False)

    def _secret(self, secret_id: str, version_id: str, version_stage: str) -> dict[str, Any]:
        asked = {"SecretId": secret_id, "VersionId": version_id, "VersionStage": version_stage}
        found = self._call("secretsmanager", "secretsmanager.GetSecretValue", asked)
        names = ("ARN", "CreatedDate", "Name", "SecretBinary", "SecretString", "VersionId", "VersionStages")
        return {name: _date(found.get(name)) if name == "CreatedDate" else found.get(name) for name in names}

    def _parameter(self, name: str, version: str, label: str, decrypt: str) -> dict[str, Any]:
        selector = version or label
        asked = {"Name": f"{name}:{selector}" if selector else name, "WithDecryption": decrypt.lower() == "true"}
        found = self._call("ssm", "AmazonSSM.GetParameter", asked)["Parameter"]
        names = ("ARN", "DataType", "LastModifiedDate", "Name", "Selector", "SourceResult", "Type", "Value", "Version")
        told = {each: _date(found.get(each)) if each == "LastModifiedDate" else found.get(each) for each in names}
        return {"Parameter": told}

    def _call(self, service: str, target: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Call the service as the function would.

        Raises:
            ServiceError: It refused.
            OSError: It cannot be reached.
        """
        # Only here, where somebody has the layer: importing them costs a tenth of a second.
        from botocore.auth import SigV4Auth  # noqa: PLC0415 (see above)
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 (see above)
        from botocore.credentials import Credentials  # noqa: PLC0415 (see above)

        told = json.dumps({name: value for name, value in asked.items() if value != ""}).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        url = f"{self._variables['AWS_ENDPOINT_URL']}/"
        request = AWSRequest("POST", url, headers=headers, data=told)
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        key, secret, token = (self._variables.get(name, "") for name in names)
        SigV4Auth(Credentials(key, secret, token or None), service, self._variables["AWS_REGION"]).add_auth(request)
        sent = urllib.request.Request(url, data=told, headers=dict(request.headers.items()))  # noqa: S310 (ours)
        try:
            with urllib.request.urlopen(sent, timeout=CALL_SECONDS) as answer:  # noqa: S310 (the address is ours)
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ServiceError(error.code, error.read().decode("utf-8", "replace")) from error
        return found

    def _number(self, name: str, default: int) -> int:
        try:
            return int(self._variables.get(name, default))
        except ValueError:
            return default


def unauthorized() -> Reply:
    """What is answered to whom nothing may be told."""
    return _text(401, f"unauthorized: {TOKEN_HEADER} is missing or is not the value of AWS_SESSION_TOKEN")


_SECRET_QUERY = ("secretId", "versionId", "versionStage")
_PARAMETER_QUERY = ("name", "version", "label", "withDecryption")


def _date(seconds: Any) -> str | None:
    if not isinstance(seconds, int | float):
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(body: bytes) -> Reply:
    return Reply(200, body, {"Content-Type": "application/json"})


def _text(status: int, text: str) -> Reply:
    return Reply(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
