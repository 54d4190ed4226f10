"""What the page asks: the AWS of the run, from any number of threads at once."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.aws_clients import AwsClients
from constructs_lib.local.deployed_names import FUNCTION, named
from constructs_lib.local.iam_proof import role_session
from constructs_lib.local.signed_call import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.credentials import Credentials

    from constructs_lib.local.deployed_aws import DeployedAws

TRACE_HEADER = "X-Amzn-Trace-Id"


class PageClients:
    """Clients for the threads of the page.

    Args:
        aws: The running AWS.
    """

    def __init__(self, aws: DeployedAws) -> None:
        """Remember whom to ask; the clients are the page's own, as they say in which trace they call."""
        self.aws = aws
        self._clients = AwsClients(aws.endpoint, aws.clients.region, key=aws.clients.key)
        self._lock = threading.Lock()
        self._traces = threading.local()
        self._traced: set[int] = set()

    def client(self, service: str, region: str) -> Any:
        """Return a boto3 client with the rights of the root user; boto3 makes clients in one thread at a time."""
        with self._lock:
            client = self._clients.client(service, region)
            if id(client) not in self._traced:
                self._traced.add(id(client))
                client.meta.events.register("before-sign", self._add_trace)
            return client

    @contextlib.contextmanager
    def trace(self) -> Iterator[str]:
        """Begin a trace that the calls of this thread belong to, so that what they lead to can be followed."""
        self._traces.root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        try:
            yield self._traces.root
        finally:
            self._traces.root = ""

    def _add_trace(self, request: Any, **_: Any) -> None:
        if root := getattr(self._traces, "root", ""):
            request.headers[TRACE_HEADER] = f"Root={root}"

    def credentials_of(self, caller: str) -> tuple[Credentials | None, str]:
        """Return whose signature a call carries, and for which region.

        Args:
            caller: `none`, `root`, or the construct path of a function.

        Raises:
            LocalError: There is no such function.
        """
        from botocore.credentials import Credentials  # noqa: PLC0415 (not needed for unsigned calls)

        region = self.aws.clients.region
        if caller == "none":
            return None, region
        if caller == "root":
            return ROOT, region
        found = named(self.aws.stacks, FUNCTION, caller)
        told = role_session(self.aws.clients, found.name, found.region)
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return Credentials(*(told[name] for name in names)), found.region
