"""What the page asks: the AWS of the run, from any number of threads at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from constructs_lib.local.deployed_names import FUNCTION, named
from constructs_lib.local.iam_proof import role_session
from constructs_lib.local.signed_call import ROOT

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    from constructs_lib.local.deployed_aws import DeployedAws


class PageClients:
    """Clients for the threads of the page.

    Args:
        aws: The running AWS.
    """

    def __init__(self, aws: DeployedAws) -> None:
        """Remember whom to ask."""
        self.aws = aws
        self._lock = threading.Lock()

    def client(self, service: str, region: str) -> Any:
        """Return a boto3 client with the rights of the root user; boto3 makes clients in one thread at a time."""
        with self._lock:
            return self.aws.clients.client(service, region)

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
