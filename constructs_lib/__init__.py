"""Serverless on AWS with the safeguards in: the public names, nothing else.

Names load on first use, so that the tools which only read templates never pay for the CDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.dynamo_table import DynamoTable
    from constructs_lib.event_bus import EventBus
    from constructs_lib.problem import BundlingError, LocalError, Problem, ProblemError, PropError
    from constructs_lib.queue_worker import QueueWorker
    from constructs_lib.schedule import Schedule
    from constructs_lib.secure_api import SecureApi
    from constructs_lib.secure_api_function import SecureApiFunction
    from constructs_lib.secure_function import SecureFunction
    from constructs_lib.stream_worker import StreamWorker
    from constructs_lib.topic import Topic
    from constructs_lib.wiring.auth import Cognito, Iam, Jwt, Public
    from constructs_lib.wiring.waiver import Waived

_HOMES = {
    "BundlingError": "problem",
    "Cognito": "wiring.auth",
    "DynamoTable": "dynamo_table",
    "EventBus": "event_bus",
    "Iam": "wiring.auth",
    "Jwt": "wiring.auth",
    "LocalError": "problem",
    "Problem": "problem",
    "ProblemError": "problem",
    "PropError": "problem",
    "Public": "wiring.auth",
    "QueueWorker": "queue_worker",
    "Schedule": "schedule",
    "SecureApi": "secure_api",
    "SecureApiFunction": "secure_api_function",
    "SecureFunction": "secure_function",
    "StreamWorker": "stream_worker",
    "Topic": "topic",
    "Waived": "wiring.waiver",
}

__all__ = [
    "BundlingError",
    "Cognito",
    "DynamoTable",
    "EventBus",
    "Iam",
    "Jwt",
    "LocalError",
    "Problem",
    "ProblemError",
    "PropError",
    "Public",
    "QueueWorker",
    "Schedule",
    "SecureApi",
    "SecureApiFunction",
    "SecureFunction",
    "StreamWorker",
    "Topic",
    "Waived",
]


def __getattr__(name: str) -> object:
    """Load a public name from the one file that defines it."""
    try:
        home = _HOMES[name]
    except KeyError:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message) from None
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted(__all__)
