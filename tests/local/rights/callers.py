"""Roles with exactly these statements, and what happens to the calls they make."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
TRUST = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


@dataclass(frozen=True)
class Caller:
    """Somebody with a role."""

    callers: Callers
    role: str
    session: Mapping[str, str]

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{self.role}"

    @property
    def session_arn(self) -> str:
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.role}/session"

    def client(self, service: str) -> Any:
        keys = (self.session["AccessKeyId"], self.session["SecretAccessKey"], self.session["SessionToken"])
        return self.callers.client(service, *keys)

    def denial(self, service: str, operation: str, **arguments: Any) -> str:
        """What AWS says when it denies the call; empty when it does not."""
        return denial(lambda: getattr(self.client(service), operation)(**arguments))


@dataclass(frozen=True)
class Callers:
    """Makes callers in one embedded AWS."""

    endpoint: str

    def client(self, service: str, key: str = "test", secret: str = "test", token: str | None = None) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # the service is a variable
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def who_may(
        self,
        *statements: Mapping[str, Any],
        boundary: Sequence[Mapping[str, Any]] = (),
        session: Sequence[Mapping[str, Any]] = (),
        tags: Mapping[str, str] | None = None,
    ) -> Caller:
        """Somebody whose role has these statements, within a boundary and a session policy."""
        iam, name = self.client("iam"), f"role-{uuid.uuid4()}"
        limits = {}
        if boundary:
            policy = iam.create_policy(PolicyName=f"boundary-{name}", PolicyDocument=document(*boundary))
            limits = {"PermissionsBoundary": policy["Policy"]["Arn"]}
        tagged = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(TRUST), Tags=tagged, **limits)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=document(*statements))
        narrowed = {"Policy": document(*session)} if session else {}
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        assumed = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="session", **narrowed)
        return Caller(self, name, assumed["Credentials"])


def denial(act: Callable[[], object]) -> str:
    """What AWS says when it denies a call; empty when it does not, whatever else becomes of it."""
    try:
        act()
    except ClientError as error:
        found = error.response["Error"]
        return str(found["Message"]) or str(found["Code"]) if found["Code"] in DENIED else ""
    return ""
