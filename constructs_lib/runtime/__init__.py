"""What runs inside a function that handles batches: one record handler in, a Lambda handler out.

It is bundled with the function, so it imports nothing but the standard library, Powertools and itself.
"""

from constructs_lib.runtime.queue_worker import queue_worker
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
from constructs_lib.runtime.source import Change
from constructs_lib.runtime.stream_worker import stream_worker

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
    "Unreadable",
    "queue_worker",
    "stream_worker",
]
