"""The embedded AWS as its users see it: an address, a key, and the SDK as it comes."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import Deployed
from tests.local.runtime.functions import zip_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Value = TypeVar("Value")

ACCOUNT = "000000000000"
PATIENCE_SECONDS = 90.0  # all of it is needed only on a machine that stands still meanwhile


@dataclass(frozen=True)
class Outside(Deployed):
    """Where to ask."""

    app_url: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def name(self, what: str = "thing") -> str:
        """A name nobody else has."""
        return f"{what}-{next(self._numbers)}"

    def user(self, service: str, *statements: dict[str, Any]) -> Any:
        """A client of a new IAM user who may do what these statements say."""
        iam, name = self.client("iam"), self.name("user")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return self.client(service, key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, service: str, *statements: dict[str, Any]) -> str:
        """The ARN of a new role that this service assumes, with these rights."""
        iam, name = self.client("iam"), self.name("role")
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return arn

    def function(self, code: str, *statements: dict[str, Any], **configuration: Any) -> str:
        """The name of a new function; Python code, or JavaScript where `Runtime` says so."""
        name, told = self.name("function"), {"Runtime": "python3.13", "Handler": "index.handler", **configuration}
        file = "index.py" if told["Runtime"].startswith("python") else told.pop("File", "index.js")
        self.client("lambda").create_function(
            FunctionName=name,
            Code={"ZipFile": zip_of({file: code})},
            Role=self.role("lambda", *LOGS, *statements),
            **told,
        )
        return name


LOGS = (
    {
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": "*",
    },
)
NODE = {"Runtime": "nodejs22.x"}


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    """A statement that denies."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def refusal(operation: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message an operation is refused with."""
    with pytest.raises(ClientError) as raised:
        operation(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def eventually(look: Callable[[], Value], *, seconds: float = PATIENCE_SECONDS) -> Value:
    """What `look` sees as soon as it is something."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing was seen in {seconds:g} s")
        time.sleep(0.05)
    return seen
