"""boto3 clients for the embedded AWS that know nothing of the user's own configuration, credentials or proxies."""

from __future__ import annotations

import contextlib
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT_KEY = "test"  # the root key of the embedded AWS, and its secret
UNSET = (None, None, None, None)  # a botocore variable without a name in the environment or in a file


@contextlib.contextmanager
def errors_explained(endpoint: str) -> Iterator[None]:
    """Turn what boto3 says of the embedded AWS into an error a user can act on.

    Raises:
        LocalError: A call failed, and whoever made it had no answer to that.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        problem = Problem(
            what=f"the embedded AWS did not do as asked: {error}",
            where=endpoint,
            fix="see emulator.log in the state folder; if it is a gap, docs/known-gaps.md says what to do",
        )
        raise LocalError(problem) from error


class AwsClients:
    """Makes clients for one endpoint, and remembers them.

    Args:
        endpoint: The URL of the embedded AWS.
        region: The region of clients that name none.
        key: What opens the credentials of functions. Default: they stay closed.
    """

    def __init__(self, endpoint: str, region: str, *, key: str = "") -> None:
        """Remember where to go; a client is made when it is first asked for."""
        self.endpoint = endpoint
        self.region = region
        self.key = key
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client with the rights of the root user.

        Args:
            service: The name boto3 knows the service by.
            region: The region to call. Default: the region of this object.
        """
        where = self.region if region is None else region
        key = (service, where)
        if key not in self._clients:
            self._clients[key] = self._session.client(  # type: ignore[call-overload] # the stubs want a literal name
                service, region_name=where, endpoint_url=self.endpoint, config=self._config
            )
        return self._clients[key]

    def patient_client(self, service: str, region: str, *, seconds: float) -> Any:
        """Return a client that waits this long for an answer, and does not ask again.

        Args:
            service: The name boto3 knows the service by.
            region: The region to call.
            seconds: How long an answer may take; clients wait a minute otherwise.
        """
        config = self._config.merge(Config(read_timeout=seconds))
        return self._session.client(  # type: ignore[call-overload] # the stubs want a literal name
            service, region_name=region, endpoint_url=self.endpoint, config=config
        )

    def client_as(self, credentials: dict[str, str], service: str, region: str | None = None) -> Any:
        """Return a client that calls with these credentials, named as the variables of Lambda's environment are."""
        return self._session.client(  # type: ignore[call-overload] # the stubs want a literal name
            service,
            region_name=self.region if region is None else region,
            endpoint_url=self.endpoint,
            config=self._config,
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials["AWS_SESSION_TOKEN"],
        )

    def warm_up(self) -> None:
        """Have both sides load what every deployment needs, while something else is waited for."""
        for service in ("ssm", "s3"):
            self.client(service)
        self.account()
        self.client("cloudformation").list_stacks()

    def account(self) -> str:
        """Return the account everything is deployed to."""
        identity: dict[str, str] = self.client("sts").get_caller_identity()
        return identity["Account"]

    @cached_property
    def _session(self) -> boto3.session.Session:
        bare = botocore.session.Session(
            session_vars={
                "profile": UNSET,
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        return boto3.session.Session(
            botocore_session=bare,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_KEY,
            region_name=self.region,
        )

    @cached_property
    def _config(self) -> Config:
        return Config(
            proxies={},
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            inject_host_prefix=False,  # a prefix before 127.0.0.1 is no host
        )
