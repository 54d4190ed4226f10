"""Work that a handler starts and does not wait for is never acknowledged."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from constructs_lib.runtime import queue_worker
from tests.runtime.batches import Context, batch, failed, message
from tests.runtime.conftest import Lines


async def send() -> None:
    await asyncio.sleep(0)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def run(handle: Callable[[Any], object], lines: Lines, **settings: Any) -> list[str]:
    return failed(queue_worker(logger=lines.logger, **settings)(handle)(batch(message("m0")), Context()))


def test_a_coroutine_that_is_returned_fails_the_record(lines: Lines) -> None:
    assert run(lambda _: send(), lines) == ["m0"]
    assert lines.all()[0]["reason"] == "never awaited: send. Await it: asyncio.run(...) in a plain function"


def test_a_coroutine_that_is_dropped_fails_the_record(lines: Lines) -> None:
    def handle(_: Any) -> None:
        send()  # type: ignore[unused-coroutine] # the very mistake

    assert run(handle, lines) == ["m0"]
    assert lines.all()[0]["error"] == "LostWork"


def test_the_stock_batch_acknowledges_the_dropped_coroutine() -> None:
    """The twin."""

    def handle(record: Any) -> None:  # noqa: ARG001 - Powertools passes it by name
        send()  # type: ignore[unused-coroutine] # the very mistake

    processor = BatchProcessor(event_type=EventType.SQS)
    with pytest.warns(RuntimeWarning, match="never awaited"):
        response = process_partial_response(batch(message("m0")), handle, processor, Context())  # type: ignore[arg-type] # ours
    assert response == {"batchItemFailures": []}


def test_a_coroutine_that_is_run_is_fine(lines: Lines) -> None:
    assert run(lambda _: asyncio.run(send()), lines) == []


def test_other_warnings_go_where_they_went_before(lines: Lines) -> None:
    with pytest.warns(DeprecationWarning, match="old"):
        assert run(lambda _: warnings.warn("old", DeprecationWarning, stacklevel=1), lines) == []


def test_an_async_handler_is_refused_before_it_handles_anything() -> None:
    async def handle(record: Any) -> None: ...

    with pytest.raises(TypeError, match=r"handle is async, and Lambda awaits nothing in Python: .*asyncio\.run"):
        queue_worker(handle)


def test_a_thread_left_running_fails_the_record(lines: Lines, release: threading.Event) -> None:
    def handle(_: Any) -> None:
        threading.Thread(target=release.wait, name="mailer", daemon=True).start()

    assert run(handle, lines) == ["m0"]
    assert lines.all()[0]["reason"] == "threads still running when the handler returned: mailer. Join them"


def test_work_left_in_a_pool_fails_the_record_and_an_idle_pool_does_not(lines: Lines, release: threading.Event) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert run(lambda _: pool.submit(int).result() and None, lines) == []
    with ThreadPoolExecutor(1) as pool:
        assert run(lambda _: pool.submit(release.wait) and None, lines) == ["m0"]
        release.set()


def test_a_thread_about_to_end_is_waited_for(lines: Lines) -> None:
    assert run(lambda _: threading.Thread(target=time.sleep, args=(0.005,)).start(), lines) == []


def test_a_thread_of_before_is_nobodys_fault(lines: Lines, release: threading.Event) -> None:
    threading.Thread(target=release.wait, daemon=True).start()
    assert run(lambda _: None, lines) == []


def test_may_be_told_only_on_request(lines: Lines, release: threading.Event) -> None:
    def handle(_: Any) -> None:
        threading.Thread(target=release.wait, name="metrics", daemon=True).start()

    assert run(handle, lines, lost_work="log") == []
    assert [(each["level"], each["record_id"]) for each in lines.all()] == [("WARNING", "m0")]
