"""Why a record goes back to its source instead of being acknowledged."""

from __future__ import annotations


class RecordRefused(Exception):  # noqa: N818 - not an error of the handler: what the wrapper says of a record
    """A record that the wrapper reports as failed, whatever its handler says."""


class NotStarted(RecordRefused):
    """There was too little time left to start the record, or an earlier one has to be handled first."""


class OutOfTime(RecordRefused):
    """The record was in flight at its deadline; whatever it completes afterwards is not acknowledged."""


class LostWork(RecordRefused):
    """The handler returned while work it had started was still going on: a frozen environment would lose it."""


class Unreadable(RecordRefused):
    """The body cannot be parsed."""


class KeyMissing(RecordRefused):
    """The record has no usable idempotency key."""


class InProgressElsewhere(RecordRefused):
    """Another environment is handling the same key."""


class ClaimLost(RecordRefused):
    """Another environment has taken over the key, because this one was given up."""


class NoTable(RecordRefused):
    """The handler wants to commit, but the function has no idempotency table."""
