"""The deployed stack of REST and HTTP APIs, and the questions the tests ask it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials

from tests.local.runtime.deployed import Answer, Deployed

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Apis:
    aws: Deployed
    outputs: dict[str, str]

    def rest(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        credentials: Credentials | None = None,
    ) -> Answer:
        """Ask the REST API with everything in it."""
        api = self.outputs["WholeId"]
        return self.aws.call(api, method, path, body=body, headers=headers, credentials=credentials, stage="live")

    def http(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """Ask the HTTP API."""
        return self.aws.call(self.outputs["HttpId"], "GET", path, headers=headers)

    def returning(self, result: Any, headers: dict[str, str] | None = None) -> Answer:
        """The answer of the REST API to what a function returns."""
        return self.rest("POST", "/echo?do=answer", json.dumps(result).encode(), {**JSON, **(headers or {})})

    def token(self, word: str, path: str = "/token", method: str = "GET") -> Answer:
        """Ask what a token authorizer decides about."""
        return self.rest(method, path, headers={"authorization": word})

    def log(self, name: str) -> list[str]:
        """The lines of an access log."""
        return self.aws.messages(self.outputs[name])
