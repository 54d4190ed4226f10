"""Keeps what was read for a while, and reads it again when somebody refuses it.

A secret that is rotated has two values that may be right. While Secrets Manager rotates, the service that the secret is
for already takes the new one (`AWSPENDING`), and `AWSCURRENT` is still the old one; when it has, an environment that
keeps the old one goes on with it until its time is over. So a refusal is no failure yet: what is current now is read,
and if that is what was refused, what is pending.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import inspect
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

Result = TypeVar("Result")
CONNECT_S, READ_S = 2, 5
PAUSE_S = 1.0  # between two reads because of one refused version: a key that was revoked is refused at every call
Refused: TypeAlias = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Args:
        text: The value; no representation shows it.
        version: What tells it from the ones before and after.
        is_current: Whether it is what everybody is to use, and may be kept before it was tried.
    """

    text: str = field(repr=False)
    version: str
    is_current: bool = True


@dataclass(frozen=True, slots=True)
class Reread:
    """What was found where a version was refused, and when."""

    refused: str
    found: Reading | None
    at: float


class Source(Protocol):
    """Where a value comes from."""

    def read(self) -> Reading:
        """Return what is current, from wherever it is quickest."""

    def read_instead(self, refused: Reading) -> Reading | None:
        """Return what may be right where a reading was refused, or None where there is nothing else."""


class Kept:
    """One value, kept for a while.

    Args:
        source: Where it comes from.
        clock: Seconds since 1970: the clock that goes on while Lambda freezes an environment, or restores one.
    """

    def __init__(self, source: Source, clock: Callable[[], float] = time.time) -> None:
        """Read nothing yet."""
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._reading: Reading | None = None
        self._read_at = 0.0
        self._reread = Reread("", None, 0.0)

    def reading(self, max_age_s: float) -> Reading:
        """Return what is kept, read again when it is as old as this."""
        with self._lock:
            if self._reading is None or not 0 <= self._clock() - self._read_at < max_age_s:
                self._keep(self._source.read())
            return self._reading  # type: ignore[return-value] # kept above, where it was None

    def use(self, call: Callable[[Reading], Result], refused: Refused, max_age_s: float) -> Result:
        """Return what `call` returns for the value, or for the one after it, if the first was refused.

        Raises:
            Exception: What `call` raised: not a refusal, or there is no other value, or that one was refused, too.
        """
        reading = self.reading(max_age_s)
        try:
            return _ended(call(reading))
        except Exception as error:
            if not _is_refusal(error, refused):
                raise
            other = self._instead_of(reading)
            if other is None:
                raise
        result = _ended(call(other))
        if not other.is_current:
            with self._lock:
                self._keep(other)  # it was taken, and will be current
        return result

    def _instead_of(self, refused: Reading) -> Reading | None:
        with self._lock:
            if self._reading is not None and self._reading.version != refused.version:
                return self._reading  # another thread was refused first, and has read it already
            now, last = self._clock(), self._reread
            if last.refused == refused.version and 0 <= now - last.at < PAUSE_S:
                return last.found
            other = self._source.read_instead(refused)
            self._reread = Reread(refused.version, other, now)
            if other is not None and other.is_current:
                self._keep(other)
            return other

    def _keep(self, reading: Reading) -> None:
        self._reading, self._read_at = reading, self._clock()


class Once(Generic[Result]):
    """A function of one text that is called once for each, also by threads that ask together.

    `functools.cache` lets each of them call. What is made here are boto3's clients, and a session makes one at a time.
    https://docs.aws.amazon.com/boto3/latest/guide/session.html#multithreading-or-multiprocessing-with-sessions
    """

    _making = threading.RLock()  # one for all: it is the session that cannot

    def __init__(self, make: Callable[[str], Result]) -> None:
        """Call nothing yet."""
        self._make = make
        self._made: dict[str, Result] = {}

    def __call__(self, name: str) -> Result:
        """Return what was made for this name."""
        with self._making:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def forget(self) -> None:
        """Make everything anew."""
        self._made.clear()


def in_time() -> Any:
    """Settings of a client that gives up while the function still has time to say what it could not reach.

    In a VPC without a way to the service boto3 would wait for a minute, five times: all that the log had is a timeout.
    """
    from botocore.config import Config  # noqa: PLC0415 - a tenth of a second, which only the first value pays

    tries: Any = {"mode": "standard", "total_max_attempts": 3}
    return Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries=tries)


def told_by(variable: str) -> str:
    """Return what a variable says.

    Raises:
        ValueError: It is not set.
    """
    told = os.environ.get(variable, "")
    if not told:
        raise ValueError(f'the variable {variable} is not set: secrets={{"{variable}": ...}} sets and grants it')
    return told


def refuse_coroutines(call: Callable[..., object]) -> None:
    """See that what is called fails while it is called.

    Raises:
        TypeError: It is a coroutine function, whose failure would come when nobody looks for it any more; or a
            generator function, which does nothing yet when it is called.
    """
    name = getattr(call, "__qualname__", "the call")
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        raise TypeError(f"{name} is async, and nobody awaits it: make it a plain def with asyncio.run")
    if inspect.isgeneratorfunction(call):
        raise TypeError(f"{name} is a generator, and fails when nobody looks any more: return what it yields as a list")


def refuse_unfinished(result: object) -> None:
    """See that what was called has ended: a lambda may return what an async function does.

    Raises:
        TypeError: It returned a coroutine or another thing to be awaited.
    """
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("the call returned a coroutine, and nobody awaits it: end it with asyncio.run")


def refuse_no_refusal(refused: object) -> None:
    """See that what tells refusals can be asked, before the first of them is there.

    Raises:
        TypeError: It is neither exceptions nor a function.
    """
    classes = refused if isinstance(refused, tuple) else (refused,)
    are_exceptions = all(isinstance(each, type) and issubclass(each, Exception) for each in classes)
    if not are_exceptions and (isinstance(refused, type | tuple) or not callable(refused)):
        raise TypeError(f"refused is {refused!r}, wanted an exception, a tuple of them, or a function that tells")


def _ended(result: Result) -> Result:
    refuse_unfinished(result)
    return result


def _is_refusal(error: Exception, refused: Refused) -> bool:
    if isinstance(refused, type | tuple):
        return isinstance(error, refused)
    return refused(error)
