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

# The service waits 45 s for a statement, which then runs on. https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api-timeouts.html
RUNNING_ON = "StatementTimeoutException"
SECONDS_OF_A_CALL = 60.0
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
        seconds_left: How long whoever calls this may still wait.
        pause: How one waits.
    """

    client: Any
    cluster: str
    secret: str
    database: str
    seconds_left: Callable[[], float] = lambda: 3 * SECONDS_OF_A_CALL
    pause: Callable[[float], object] = time.sleep

    def execute(self, statement: str) -> None:
        """Run a statement to its end; a cluster that was asleep is waited for.

        A statement that takes longer than the service waits is asked for again: it has to wait for itself, and change
        nothing the second time.

        Raises:
            TimeoutError: It takes longer than there is time.
        """
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
                code = error.response["Error"]["Code"]
                if code == RUNNING_ON:
                    if self.seconds_left() < SECONDS_OF_A_CALL:
                        raise TimeoutError(
                            "a statement has not ended in time, and may still run: see the log of the database, and "
                            f"deploy again when it has. It begins with {statement[:200]}"
                        ) from error
                elif code in RESUMING and time.monotonic() < deadline:
                    self.pause(PAUSE_SECONDS)
                else:
                    raise
            else:
                return
