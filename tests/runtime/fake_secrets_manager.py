"""A Secrets Manager in memory, with the labels and refusals that a rotation depends on, that can die at any call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:Key-a1b2c3"


class Died(BaseException):
    """The environment was killed: nothing of the handler sees it."""


class NotFoundError(Exception):
    pass


class ExistsError(Exception):
    pass


class DeniedError(Exception):
    pass


@dataclass
class FakeSecretsManager:
    """One secret. `at_call` is told of every call before, and of every change after it took effect."""

    versions: dict[str, str | None]
    stages: dict[str, list[str]]
    rotated: bool = True
    at_call: Callable[[str], None] = lambda _: None
    calls: list[str] = field(default_factory=list)
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(
            ResourceNotFoundException=NotFoundError, ResourceExistsException=ExistsError
        )
    )

    @classmethod
    def holding(cls, value: str) -> FakeSecretsManager:
        return cls({"v1": value}, {"v1": ["AWSCURRENT"]})

    def begin(self, token: str) -> None:
        """What RotateSecret does before it calls the function: a version with a label and without a value."""
        if token not in self.versions:
            self.versions[token] = None
            self.stages[token] = ["AWSPENDING"]

    def labelled(self, label: str) -> str | None:
        return next((version for version, labels in self.stages.items() if label in labels), None)

    def value(self, label: str = "AWSCURRENT") -> str | None:
        version = self.labelled(label)
        return None if version is None else self.versions[version]

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - as boto3 calls it
        self._called("DescribeSecret", SecretId)
        return {"RotationEnabled": self.rotated, "VersionIdsToStages": {k: [*v] for k, v in self.stages.items() if v}}

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803 - as boto3 calls it
        VersionId: str | None = None,  # noqa: N803 - as boto3 calls it
        VersionStage: str = "AWSCURRENT",  # noqa: N803 - as boto3 calls it
    ) -> dict[str, Any]:
        self._called("GetSecretValue", SecretId)
        version = self.labelled(VersionStage)
        if version is None or self.versions[version] is None or VersionId not in {None, version}:
            raise NotFoundError(VersionStage)
        return {"Name": "Key", "VersionId": version, "SecretString": self.versions[version]}

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803 - as boto3 calls it
        ClientRequestToken: str,  # noqa: N803 - as boto3 calls it
        SecretString: str,  # noqa: N803 - as boto3 calls it
        VersionStages: list[str],  # noqa: N803 - as boto3 calls it
    ) -> None:
        self._called("PutSecretValue", SecretId)
        if self.versions.get(ClientRequestToken) not in {None, SecretString}:
            raise ExistsError(ClientRequestToken)
        self.versions[ClientRequestToken] = SecretString
        self.stages[ClientRequestToken] = [*VersionStages]
        self.at_call("PutSecretValue done")

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803 - as boto3 calls it
        VersionStage: str,  # noqa: N803 - as boto3 calls it
        MoveToVersionId: str,  # noqa: N803 - as boto3 calls it
        RemoveFromVersionId: str,  # noqa: N803 - as boto3 calls it
    ) -> None:
        self._called("UpdateSecretVersionStage", SecretId)
        self.stages[RemoveFromVersionId].remove(VersionStage)
        self.stages[RemoveFromVersionId].append("AWSPREVIOUS")
        self.stages[MoveToVersionId] = [VersionStage]
        self.at_call("UpdateSecretVersionStage done")

    def _called(self, action: str, secret: str) -> None:
        if secret != ARN:
            raise DeniedError(json.dumps(secret))
        self.calls.append(action)
        self.at_call(action)
