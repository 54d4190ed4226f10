"""The data of the base as one value: taken, put back, and what a deployment changed carried over.

Every service keeps what it holds in dictionaries by account and region. All of them are taken together, so that what
two of them share stays shared. Functions keep their code, which may be newer than the last deployment, and sessions
their credentials, which environments hold.
"""

from __future__ import annotations

import copy
import io
import pickle
import sys
from collections.abc import Iterator
from typing import Any

from constructs_lib.local.overlay import queue_lock
from constructs_lib.local.overlay.base import BASE, base, log

TRIES = 20  # a thread may write while we read
LARGE_BYTES = 4096
_MISSING = object()
_KEPT = {
    ("lambda_svc", "_functions"),
    ("lambda_svc", "_layers"),
    ("lambda_svc", "_function_urls"),
    ("stepfunctions", "_task_tokens"),  # of threads that wait
    ("stepfunctions", "_activity_tasks"),
}
_KEPT_SERVICES = {"sts", "imds"}

_UNCOPYABLE_ERRORS = (TypeError, AttributeError, pickle.PicklingError)

Name = tuple[str, str]
Data = dict[Name, dict[Any, Any]]

_uncopyable: set[Name] = set()


class Taken:
    """A copy of everything, which nobody can change.

    Args:
        data: What to copy.
        shares_bytes: Whether large values of bytes, which nobody can change either, are the very same in all copies.
    """

    def __init__(self, data: Data, *, shares_bytes: bool = True) -> None:
        """Copy it."""
        self._bytes: list[bytes] = []
        buffer = io.BytesIO()
        pickler = _Pickler(buffer, self._bytes) if shares_bytes else pickle.Pickler(buffer)
        pickler.dump(data)
        self._content = buffer.getvalue()

    def data(self) -> Data:
        """Another copy."""
        copied: Data = _Unpickler(io.BytesIO(self._content), self._bytes).load()
        return copied


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, shared: list[bytes]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_id(self, value: Any) -> int | None:
        if type(value) is not bytes or len(value) < LARGE_BYTES:
            return None
        self._shared.append(value)
        return len(self._shared) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, shared: list[bytes]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, number: Any) -> Any:
        return self._shared[number]


def take() -> Taken:
    """Copy everything as it is now."""
    for _ in range(TRIES - 1):
        try:
            return _take()
        except _UNCOPYABLE_ERRORS:
            _leave_out_what_cannot_be_copied()
        except RuntimeError:  # "dictionary changed size during iteration"
            continue
    return _take()


def _take() -> Taken:
    with queue_lock.HOLDING, base("services.dynamodb")._lock:
        return Taken({name: dict(store._data) for name, store in _stores()})


def put_back(data: Data) -> None:
    """Let everything be as it was; what came since is gone.

    A service that nobody had used by then begins as it begins itself, with a default network or the like.
    """
    known = {service for service, _ in data}
    for service in sorted({service for (service, _), _ in _stores()} - known):
        base(f"services.{service}").reset()
    with queue_lock.HOLDING, base("services.dynamodb")._lock:
        for queue in base("services.sqs")._queues._data.values():
            queue["messages"] = []  # a request may wait for messages of the queue it has found
        for name, store in _stores():
            if name[0] in known:
                _fill(store._data, data.get(name, {}))


def _fill(current: dict[Any, Any], wanted: dict[Any, Any]) -> None:
    """Change a dictionary others read meanwhile, without a moment at which it is empty."""
    for key in [each for each in current if each not in wanted and not _is_asset(each)]:
        current.pop(key, None)
    for key, value in wanted.items():
        if not (_is_asset(key) and key in current):
            current[key] = value


def _is_asset(key: Any) -> bool:
    """Whether this is about a bucket that deployments upload to, which a later one may count on."""
    names = key[-1] if isinstance(key[-1], tuple) else key[-1:]
    return isinstance(names[0], str) and names[0].startswith("cdk-") and "-assets-" in names[0]


def merged(start: Any, before: Any, after: Any) -> Any:
    """Return `start` with what changed from `before` to `after`, down to each key of each dictionary."""
    if isinstance(start, dict) and isinstance(after, dict) and (before is _MISSING or isinstance(before, dict)):
        known = before if isinstance(before, dict) else {}
        result = copy.copy(after)
        result.clear()
        for key in {**start, **after}:
            value = merged(start.get(key, _MISSING), known.get(key, _MISSING), after.get(key, _MISSING))
            if value is not _MISSING:
                result[key] = value
        return result
    return start if before is after or before == after else after


def _stores() -> Iterator[tuple[Name, Any]]:
    """Everything that holds data, once."""
    responses = base("core.responses")
    kinds, prefix, seen = (responses.AccountScopedDict, responses.AccountRegionScopedDict), f"{BASE}.services.", set()
    for module_name, module in sorted(sys.modules.items()):
        service = module_name.removeprefix(prefix)
        if not module_name.startswith(prefix) or service in _KEPT_SERVICES:
            continue
        for name, value in sorted(vars(module).items()):
            if isinstance(value, kinds) and id(value) not in seen and (service, name) not in _KEPT | _uncopyable:
                seen.add(id(value))
                yield (service, name), value


def _leave_out_what_cannot_be_copied() -> None:
    for name, store in list(_stores()):
        try:
            pickle.dumps(dict(store._data))
        except _UNCOPYABLE_ERRORS as error:
            log.warning("%s.%s cannot be reset: %s", *name, error)
            _uncopyable.add(name)
