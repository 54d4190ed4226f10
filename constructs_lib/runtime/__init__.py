"""What runs inside a function: handlers of batches, secrets that are rotated meanwhile, and the rotation itself.

It is bundled with the function, so it imports nothing but the standard library, boto3, Powertools and itself. Names
load on first use: who reads a secret does not pay for Powertools, nor has to bring it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.runtime.parameter_values import parameter_value, parameters_below, with_parameter
    from constructs_lib.runtime.queue_handler import queue_worker
    from constructs_lib.runtime.record import Record
    from constructs_lib.runtime.refusals import (
        ClaimLost,
        InProgressElsewhere,
        KeyMissing,
        LostWork,
        NoTable,
        NotStarted,
        OutOfTime,
        RecordRefused,
        Unreadable,
    )
    from constructs_lib.runtime.rotation_steps import RotationRefused, rotation
    from constructs_lib.runtime.secret_values import secret_value, with_secret
    from constructs_lib.runtime.source import Change
    from constructs_lib.runtime.stream_handler import stream_worker

_HOMES = {
    "Change": "source",
    "ClaimLost": "refusals",
    "InProgressElsewhere": "refusals",
    "KeyMissing": "refusals",
    "LostWork": "refusals",
    "NoTable": "refusals",
    "NotStarted": "refusals",
    "OutOfTime": "refusals",
    "Record": "record",
    "RecordRefused": "refusals",
    "RotationRefused": "rotation_steps",
    "Unreadable": "refusals",
    "parameter_value": "parameter_values",
    "parameters_below": "parameter_values",
    "queue_worker": "queue_handler",
    "rotation": "rotation_steps",
    "secret_value": "secret_values",
    "stream_worker": "stream_handler",
    "with_parameter": "parameter_values",
    "with_secret": "secret_values",
}

__all__ = [
    "Change",
    "ClaimLost",
    "InProgressElsewhere",
    "KeyMissing",
    "LostWork",
    "NoTable",
    "NotStarted",
    "OutOfTime",
    "Record",
    "RecordRefused",
    "RotationRefused",
    "Unreadable",
    "parameter_value",
    "parameters_below",
    "queue_worker",
    "rotation",
    "secret_value",
    "stream_worker",
    "with_parameter",
    "with_secret",
]


if not TYPE_CHECKING:  # a type checker sees the imports above, and that a mistyped name is none of them

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
