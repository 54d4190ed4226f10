"""Traces inside the embedded AWS: what names one, what belongs to one, and what a batch is tied to."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from constructs_lib.local.overlay import trace
from constructs_lib.local.overlay.invocation_journal import cause_of, links_of

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
OTHER = "1-5759e988-bd862e3fe1be46a994272794"


class TestRoots:
    @pytest.mark.parametrize(
        "header",
        [f"Root={ROOT}", f"Parent=1;Root={ROOT};Sampled=1", f"Self=x; Root={ROOT}", f"Root={ROOT} ;Lineage=a:b"],
    )
    def test_are_found_wherever_they_stand(self, header: str) -> None:
        assert trace.root_of(header) == ROOT

    @pytest.mark.parametrize(
        "header", ["", "Root=", "Root=<b>", f"xRoot={ROOT}", f"Root={ROOT}0", ROOT, "x" * 600 + f";Root={ROOT}"]
    )
    def test_are_none_of_anything_else(self, header: str) -> None:
        assert trace.root_of(header) == ""

    def test_are_new_each_time(self) -> None:
        one, other = trace.new_root(), trace.new_root()
        assert one != other
        assert trace.root_of(f"Root={one}") == one


class TestBelonging:
    def test_begins_with_the_header_of_a_request(self) -> None:
        trace.begin_request({"headers": [(b"X-Amzn-Trace-Id", f"Root={ROOT}".encode())]}, is_traced=False)
        assert trace.root_now() == ROOT

    def test_ends_with_a_request_without_one(self) -> None:
        trace.begin(f"Root={ROOT}")
        trace.begin_request({"headers": [(b"x-amzn-trace-id", b"nonsense")]}, is_traced=False)
        assert (trace.root_now(), trace.header_now()) == ("", "")

    def test_begins_anew_at_a_door_that_traces(self) -> None:
        trace.begin_request({"headers": []}, is_traced=True)
        assert trace.root_now() != ""

    def test_is_carried_into_another_thread_and_not_beyond(self) -> None:
        trace.begin(f"Root={ROOT}")
        seen = []
        carried = trace.carried(lambda: seen.append(trace.root_now()))

        def run() -> None:
            carried()
            seen.append(trace.root_now())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        trace.begin("")
        assert seen == [ROOT, ""]


class TestCauses:
    @pytest.mark.parametrize(
        ("event", "cause"),
        [
            ({"Records": [{"eventSource": "aws:sqs", "eventSourceARN": "q"}]}, ("sqs", "q")),
            ({"Records": [{"eventSource": "aws:dynamodb", "eventSourceARN": "t"}]}, ("dynamodb", "t")),
            ({"Records": [{"EventSource": "aws:sns", "Sns": {"TopicArn": "n"}}]}, ("sns", "n")),
            ({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"arn": "b"}}}]}, ("s3", "b")),
            ({"requestContext": {"apiId": "a"}}, ("apigateway", "a")),
            ({"source": "shop", "detail-type": "Placed"}, ("events", "shop")),
            ({"Records": "x"}, ("", "")),
            ({"Records": [None, {}]}, ("", "")),
            ({"requestContext": None}, ("", "")),
            ([1], ("", "")),
            (None, ("", "")),
        ],
    )
    def test_are_told_by_the_event(self, event: Any, cause: tuple[str, str]) -> None:
        assert cause_of(event) == cause


class TestLinks:
    def test_are_the_traces_of_the_messages_each_once(self) -> None:
        headers = [f"Root={ROOT}", "nonsense", f"Root={OTHER};Sampled=0", f"Root={ROOT}"]
        event = {"Records": [{"attributes": {"AWSTraceHeader": each}} for each in headers]}
        assert links_of({"Records": [*event["Records"], {"attributes": None}, "x"]}) == [ROOT, OTHER]
