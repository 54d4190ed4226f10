"""What the policies of a deployed role say, read back from the embedded AWS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_iam import IAMClient


@dataclass(frozen=True, slots=True)
class _Statement:
    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    is_plain: bool  # neither a condition nor NotAction nor NotResource

    def names(self, action: str, resource: str) -> bool:
        """Whether the statement is about this call; one that is not plain is taken to be."""
        return any(_matches(action.lower(), pattern.lower()) for pattern in self.actions) and any(
            _matches(resource, pattern) for pattern in self.resources
        )


@dataclass(frozen=True, slots=True)
class RolePolicies:
    """The identity policies of one role."""

    statements: tuple[_Statement, ...]

    @classmethod
    def read(cls, role: str, iam: IAMClient) -> RolePolicies:
        """Read the inline and attached policies of a role, by its name."""
        statements = [
            _statement(each) for document in _documents(role, iam) for each in _listed(document.get("Statement"))
        ]
        return cls(tuple(statements))

    def surely_allow(self, action: str, resource: str) -> bool:
        """Whether a statement allows the call on no condition, and none could deny it."""
        about = [each for each in self.statements if each.names(action, resource)]
        return any(each.effect == "Allow" and each.is_plain for each in about) and not any(
            each.effect == "Deny" for each in about
        )

    def may_allow(self, action: str, resource: str) -> bool:
        """Whether any statement could allow the call."""
        return any(each.effect == "Allow" and each.names(action, resource) for each in self.statements)


def _statement(values: Mapping[str, Any]) -> _Statement:
    return _Statement(
        effect="Deny" if values.get("Effect") == "Deny" else "Allow",
        actions=tuple(_listed(values.get("Action", "*"))),
        resources=tuple(_listed(values.get("Resource", "*"))),
        is_plain=not ({"NotAction", "NotResource"} & values.keys() or values.get("Condition")),
    )


def _documents(role: str, iam: IAMClient) -> Iterator[dict[str, Any]]:
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield _parsed(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        try:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise
            continue  # one of AWS's own that the embedded AWS does not know: there it allows nothing
        yield _parsed(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _parsed(document: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(unquote(document)) if isinstance(document, str) else document
    return parsed


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _matches(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))  # IAM knows * and ?, but no brackets
