"""What is acknowledged and what comes back, without a table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from constructs_lib.runtime import Record, queue_worker
from tests.runtime.batches import Context, batch, failed, fifo_message, ids, message
from tests.runtime.conftest import Lines

HOSTILE = {
    "empty": "",
    "blank": "   ",
    "not JSON": '{"order": ',
    "binary": "\x00\x01\ufffd",
    "deeply nested": "[" * 100_000,
    "a huge number": "9" * 5_000,
    "a lone surrogate": "\ud800",
}


class TestReports:
    def test_acknowledges_a_batch_whose_handler_returns(self) -> None:
        seen: list[Any] = []
        handler = queue_worker(lambda record: seen.append(record.body))
        assert failed(handler(batch(*map(message, ids(3))), Context())) == []
        assert seen == [{"order": "m0"}, {"order": "m1"}, {"order": "m2"}]

    def test_reports_only_the_record_whose_handler_raises(self) -> None:
        @queue_worker
        def handler(record: Record[Any]) -> None:
            if record.id == "m1":
                raise ValueError("out of stock")

        assert failed(handler(batch(*map(message, ids(3))), Context())) == ["m1"]

    def test_reports_every_record_instead_of_raising_when_all_fail(self) -> None:
        handler = queue_worker(lambda _: 1 / 0)
        assert failed(handler(batch(*map(message, ids(3))), Context())) == ["m0", "m1", "m2"]

    def test_accepts_an_empty_batch(self) -> None:
        assert queue_worker(lambda _: None)(batch(), Context()) == {"batchItemFailures": []}

    def test_refuses_a_batch_from_elsewhere(self) -> None:
        with pytest.raises(ValueError, match="a batch from 'aws:s3'"):
            queue_worker(lambda _: None)(batch({"eventSource": "aws:s3"}), Context())

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_an_unreadable_body_fails_alone(self, text: str) -> None:
        seen: list[str] = []
        handler = queue_worker(lambda record: seen.append(record.id))
        assert failed(handler(batch(message("m0"), message("poison", text=text), message("m2")), Context())) == [
            "poison"
        ]
        assert seen == ["m0", "m2"]

    def test_hands_over_256_kib_and_odd_names_unchanged(self) -> None:
        bodies: list[Any] = ["x" * 262_000, {"__proto__": {"admin": True}, "__class__": "x"}, None, 0, []]
        seen: list[Any] = []
        handler = queue_worker(lambda record: seen.append(record.body))
        records = [message(f"m{n}", text=json.dumps(body)) for n, body in enumerate(bodies)]
        assert failed(handler(batch(*records), Context())) == []
        assert seen == bodies

    def test_a_record_tells_what_came_with_it(self) -> None:
        seen: list[Record[Any]] = []
        queue_worker(seen.append)(batch(message("m0", delivery=3)), Context())
        [record] = seen
        assert (record.delivery, record.group, record.attributes) == (3, None, {"tenant": "acme"})
        assert 0 < record.left_ms() <= 29_000

    def test_parses_as_it_is_told_and_fails_alone_what_cannot_be_parsed(self) -> None:
        handler = queue_worker(parse=int)(lambda record: record.body + 1)
        assert failed(handler(batch(message("m0", text="1"), message("m1", text="one")), Context())) == ["m1"]

    def test_sys_exit_in_a_handler_fails_its_record_and_no_other(self) -> None:
        @queue_worker
        def handler(record: Record[Any]) -> None:
            if record.id == "m0":
                sys.exit(3)

        assert failed(handler(batch(*map(message, ids(2))), Context())) == ["m0"]

    def test_the_stock_batch_lets_sys_exit_take_the_batch_with_it(self) -> None:
        def leave(record: Any) -> None:  # noqa: ARG001 - Powertools passes it by name
            sys.exit(3)

        processor = BatchProcessor(event_type=EventType.SQS)
        with pytest.raises(SystemExit):
            process_partial_response(batch(message("m0")), leave, processor, Context())  # type: ignore[arg-type] # ours


class TestFifo:
    def test_after_a_failure_the_rest_of_its_group_comes_back_unstarted(self) -> None:
        started: list[str] = []

        @queue_worker
        def handler(record: Record[Any]) -> None:
            started.append(record.id)
            if record.id == "a1":
                raise ValueError

        records = [fifo_message(id_, id_[0]) for id_ in ("a0", "b0", "a1", "b1", "a2", "b2", "a3")]
        assert failed(handler(batch(*records), Context())) == ["a1", "a2", "a3"]
        assert started == ["a0", "b0", "a1", "b1", "b2"]

    def test_one_batch_does_not_remember_the_failures_of_another(self) -> None:
        fail = [True]

        @queue_worker
        def handler(_: Record[Any]) -> None:
            if fail.pop():
                raise ValueError

        fail.extend([False, False, True])
        assert failed(handler(batch(fifo_message("a0", "a")), Context())) == ["a0"]
        assert failed(handler(batch(fifo_message("a0", "a")), Context())) == []


class TestDeadline:
    def test_in_the_margin_nothing_starts_and_everything_left_comes_back(self) -> None:
        context, started = Context(), []

        @queue_worker
        def handler(record: Record[Any]) -> None:
            started.append(record.id)
            context.remaining_ms = 999

        assert failed(handler(batch(*map(message, ids(3))), context)) == ["m1", "m2"]
        assert started == ["m0"]

    def test_a_short_invocation_keeps_a_fifth_of_itself_as_margin(self) -> None:
        context = Context(remaining_ms=500)
        assert failed(queue_worker(lambda _: None)(batch(message("m0")), context)) == []

    def test_a_record_in_flight_at_the_deadline_is_interrupted_and_comes_back(self) -> None:
        @queue_worker(margin_ms=100)
        def handler(record: Record[Any]) -> None:
            while record.id == "m1":
                time.sleep(60)

        begin = time.monotonic()
        assert failed(handler(batch(message("m0"), message("m1")), Context(remaining_ms=300))) == ["m1"]
        assert time.monotonic() - begin < 50

    def test_a_handler_that_swallows_the_interruption_is_still_not_acknowledged(self) -> None:
        @queue_worker(margin_ms=100)
        def handler(_: Record[Any]) -> None:
            try:
                time.sleep(10)
            except BaseException:
                return

        assert failed(handler(batch(message("m0")), Context(remaining_ms=300))) == ["m0"]

    def test_retries_of_a_handler_do_not_swallow_the_interruption(self) -> None:
        tries: list[int] = []

        @queue_worker(margin_ms=100)
        def handler(_: Record[Any]) -> None:
            while True:
                try:
                    tries.append(1)
                    time.sleep(10)
                except Exception:
                    continue

        assert failed(handler(batch(message("m0")), Context(remaining_ms=300))) == ["m0"]
        assert tries == [1]

    def test_leaves_no_alarm_behind(self) -> None:
        before = signal.getsignal(signal.SIGALRM)
        queue_worker(lambda _: None)(batch(message("m0")), Context())
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        assert signal.getsignal(signal.SIGALRM) is before

    def test_without_the_wrapper_a_late_record_takes_its_neighbours_with_it(self) -> None:
        """The twin: stock Powertools runs past the end, where Lambda kills it and every record comes back."""
        context, started = Context(remaining_ms=300), []

        def handle(record: Any) -> None:
            started.append(record.message_id)
            context.remaining_ms -= 400

        processor = BatchProcessor(event_type=EventType.SQS)
        process_partial_response(batch(*map(message, ids(2))), handle, processor, context)  # type: ignore[arg-type] # ours
        assert started == ["m0", "m1"]
        assert context.remaining_ms < 0

    def test_what_failed_before_goes_last(self) -> None:
        started: list[str] = []
        handler = queue_worker(lambda record: started.append(record.id))
        handler(
            batch(message("old", delivery=3), message("m0"), message("older", delivery=4), message("m1")), Context()
        )
        assert started == ["m0", "m1", "old", "older"]

    def test_a_record_that_comes_again_leaves_half_to_those_that_wait_except_the_third_time(self) -> None:
        left: list[int] = []
        handler = queue_worker(margin_ms=1000)(lambda record: left.append(record.left_ms()))
        handler(batch(*[message(f"m{n}", delivery=n) for n in (1, 2, 3, 4, 5)]), Context(21_000))
        assert left == [20_000, 10_000, 20_000, 10_000, 20_000]
        left.clear()
        handler(batch(message("m1", delivery=2)), Context(21_000))
        assert left == [20_000]


class TestLogs:
    def test_one_line_a_failed_record_with_its_reason_and_no_body(self, lines: Lines) -> None:
        context = Context()

        @queue_worker(logger=lines.logger)
        def handler(record: Record[Any]) -> None:
            if record.id == "m0":
                raise ValueError("out\nof stock")
            context.remaining_ms = 0

        records = [
            message("m0", {"card": "4111"}),
            message("poison", text='{"card": "4111"'),
            message("m2"),
            message("m3", delivery=2),
        ]
        handler(batch(*records), context)
        told = [(each["level"], each["record_id"], each["error"], each["reason"]) for each in lines.all()]
        assert told == [
            ("ERROR", "m0", "ValueError", "out of stock"),
            ("ERROR", "poison", "Unreadable", "its body is not JSON"),
            ("WARNING", "m3", "NotStarted", "less than 1000 ms were left: not started, comes back unharmed"),
        ]
        assert "4111" not in lines.text
        assert all(each["function_request_id"] == context.aws_request_id for each in lines.all())

    def test_an_endless_error_is_cut(self, lines: Lines) -> None:
        @queue_worker(logger=lines.logger)
        def handler(_: Record[Any]) -> None:
            raise ValueError("x" * 100_000)

        handler(batch(message("m0")), Context())
        assert len(lines.all()[0]["reason"]) == 500

    def test_the_rest_of_a_fifo_group_is_told_too(self, lines: Lines) -> None:
        handler = queue_worker(logger=lines.logger)(lambda _: 1 / 0)
        handler(batch(fifo_message("a0", "a"), fifo_message("a1", "a")), Context())
        assert [each["record_id"] for each in lines.all()] == ["a0", "a1"]


def test_runs_from_a_bundle_that_holds_nothing_but_itself_and_powertools(tmp_path: Path) -> None:
    package = Path(__file__).parents[2] / "constructs_lib"
    bundled = tmp_path / "constructs_lib"
    (bundled / "runtime").mkdir(parents=True)
    for source in [package / "__init__.py", *(package / "runtime").glob("*.py")]:
        (bundled / source.relative_to(package)).write_bytes(source.read_bytes())
    program = (
        "import sys\nfrom constructs_lib.runtime import queue_worker\nqueue_worker(lambda _: None)\n"
        "ours = sorted(name for name in sys.modules if name.startswith('constructs_lib'))\n"
        "assert all(name.startswith('constructs_lib.runtime') for name in ours[1:]), ours\n"
        "assert 'boto3' not in sys.modules and 'aws_cdk' not in sys.modules\n"
    )
    subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"],
        check=True,
        env={**os.environ, "POWERTOOLS_LOG_LEVEL": "INFO"},
    )
