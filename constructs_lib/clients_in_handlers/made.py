"""A client that is made on every call."""

from __future__ import annotations

from dataclasses import dataclass

# The key in a function's CloudFormation metadata for what was found in a source that its bundle does not show.
METADATA = "constructs-lib:clients-in-handler"


@dataclass(frozen=True, slots=True)
class Made:
    """A client that a handler makes.

    Args:
        line: Where, counted from 1.
        what: The call that makes it, as its author wrote it: `boto3.client`, `new S3Client`.
    """

    line: int
    what: str
