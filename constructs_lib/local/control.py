"""Asks the embedded AWS for what AWS's own APIs do not offer: reset, faults, the clock, ..."""

from __future__ import annotations

import http.client
import json
from typing import Any

from constructs_lib.problem import LocalError, Problem

CONTROL_PATH = "/_constructs_lib/control/"
KEY_HEADER = "x-constructs-lib-key"
CONTROL_SECONDS = 60.0


class Control:
    """The way to the commands of one embedded AWS.

    Args:
        endpoint: Its URL.
        key: What it was started with; it answers nobody else.
    """

    def __init__(self, endpoint: str, key: str) -> None:
        """Remember where to ask."""
        self._endpoint = endpoint
        self._key = key

    def ask(self, command: str, /, **told: Any) -> Any:
        """Run a command and return its answer.

        Raises:
            LocalError: The command refuses what it was told, or the embedded AWS does not answer.
        """
        connection = http.client.HTTPConnection(self._endpoint.removeprefix("http://"), timeout=CONTROL_SECONDS)
        try:
            connection.request("POST", CONTROL_PATH + command, json.dumps(told), {KEY_HEADER: self._key})
            response = connection.getresponse()
            status, answered = response.status, json.loads(response.read() or b"null")
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._failed(command, str(error) or type(error).__name__) from error
        finally:
            connection.close()
        if status == http.HTTPStatus.OK:
            return answered
        if isinstance(answered, dict) and "problems" in answered:
            raise LocalError(*(Problem(**each) for each in answered["problems"]))
        raise self._failed(command, answered.get("message", "") if isinstance(answered, dict) else str(answered))

    def _failed(self, command: str, why: str) -> LocalError:
        problem = Problem(
            what=f"the embedded AWS did not do {command!r}: {why}",
            where=self._endpoint,
            fix="see emulator.log in the state folder; if the run has ended, start it again",
        )
        return LocalError(problem)
