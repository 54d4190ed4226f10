"""Runs single statements as the administrator of a cluster, over HTTPS: no VPC, no connection, no password in sight.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

RESUMING = ("DatabaseResumingException", "DatabaseUnavailableException")  # a paused cluster takes some 15 s to be back
PATIENCE_SECONDS = 240.0
PAUSE_SECONDS = 3.0


@dataclass(frozen=True)
class DataApi:
    """One database of one cluster, as its administrator.

    Args:
        client: The client of `rds-data`.
        cluster: The ARN of the cluster.
        secret: The ARN of the administrator's secret.
        database: The name of the database.
        pause: How one waits.
    """

    client: Any
    cluster: str
    secret: str
    database: str
    pause: Callable[[float], object] = time.sleep

    def execute(self, statement: str) -> None:
        """Run a statement to its end; a cluster that was asleep is waited for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.client.execute_statement(
                    resourceArn=self.cluster,
                    secretArn=self.secret,
                    database=self.database,
                    sql=statement,
                    continueAfterTimeout=True,
                )
            except self.client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] not in RESUMING or time.monotonic() > deadline:
                    raise
                self.pause(PAUSE_SECONDS)
            else:
                return
