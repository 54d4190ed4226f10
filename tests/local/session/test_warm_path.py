"""The short way of warm requests answers as the usual way does."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from constructs_lib.local import overlay
from tests.local.session.warm_api import JSON

if TYPE_CHECKING:
    from tests.local.session.warm_api import Warm

CHANGING = re.compile(r"requestId|time|timeEpoch|id|trace|apigw-requestid|Date|date|content-length|Content-Length")


def steady(value: Any) -> Any:
    """The value without what no two requests have in common."""
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if not CHANGING.fullmatch(name)}
    return [steady(each) for each in value] if isinstance(value, list) else value


class TestTheSame:
    @pytest.mark.parametrize(
        ("path", "headers", "body"),
        [
            ("/warm/x", JSON, b'{"name": "Ada \xc3\xa9\\u2028\\""}'),
            ("/warm/x", JSON, b"\xff\x00"),
            ("/warm/x", {"content-type": "image/png"}, b"\x89PNG"),
            ("/warm/x", {}, b""),
            ("/warm/x?a=1&a=2&b=%20c&empty=", {"content-type": "text/plain"}, b"text"),
            ("/warm/x", {**JSON, "cookie": "a=1; b=2", "X-Own": "A, b"}, b"{}"),
            ("/warm/x", {**JSON, "authorization": "Bearer abc", "user-agent": "me"}, b"{}"),
            ("/warm/~a.b-c_d", {**JSON, "x-forwarded-for": "1.2.3.4"}, b"{}"),
        ],
    )
    def test_function_sees_the_same(self, warm: Warm, path: str, headers: dict[str, str], body: bytes) -> None:
        def ask() -> Any:
            answer = warm.aws.call("POST", path, body=body, headers=headers)
            assert answer.status == 200, answer.text
            return answer.json(), {name: value for name, value in answer.headers if not CHANGING.fullmatch(name)}

        with warm.usual():
            usual = ask()
        warm.is_warm()
        ask()
        before = warm.count()
        short = ask()
        assert warm.count() == before + 1
        assert steady(short[0]) == steady(usual[0])
        assert short[1] == usual[1]
        assert list(short[0]["event"]) == list(usual[0]["event"])
        assert list(short[0]["event"]["requestContext"]) == list(usual[0]["event"]["requestContext"])

    @pytest.mark.parametrize(
        "answer",
        [
            {"statusCode": 201, "headers": {"X-A": "b"}, "body": "text"},
            {"statusCode": 204},
            {"statusCode": 304, "body": "none"},
            {"statusCode": "200", "cookies": ["a=1", "b=2"], "headers": {"set-cookie": "c=3"}, "body": "b"},
            {"statusCode": 200, "isBase64Encoded": True, "body": "AAEC"},
            {"statusCode": 200, "isBase64Encoded": True, "body": "no base64"},
            {"statusCode": 200, "headers": {"content-length": "2"}, "body": "ok"},
            {"statusCode": 200, "headers": {"Date": "yesterday"}, "body": "ok"},
            {"statusCode": 101},
            {"statusCode": 200, "headers": {"bad name": "x"}},
            {"statusCode": 200, "headers": {"x": 1, "y": True}},
            "only text \u00e9",
            {"no": "status"},
            [1, None],
        ],
    )
    def test_answer_is_the_same(self, warm: Warm, answer: Any) -> None:
        def ask() -> tuple[int, dict[str, str], bytes]:
            found = warm.ask({"answer": answer}, origin="https://shop.example")
            return (
                found.status,
                {name: value for name, value in found.headers if name not in {"date", "apigw-requestid"}},
                found.body,
            )

        with warm.usual():
            usual = ask()
        warm.is_warm()
        ask()
        before = warm.count()
        assert ask() == usual
        assert warm.count() == before + 1

    def test_each_call_has_ids_of_its_own_and_one_trace(self, warm: Warm) -> None:
        warm.is_warm()
        first, second = warm.seen(), warm.seen()
        assert first["id"] != second["id"]
        assert first["event"]["requestContext"]["requestId"] != second["event"]["requestContext"]["requestId"]
        assert first["trace"] != second["trace"]
        root = "1-12345678-123456789012345678901234"
        asked = {"x-amzn-trace-id": f"Root={root};Parent=1234567890123456;Sampled=1"}
        for _ in range(2):
            found = warm.ask(**asked).json()
        assert root in found["trace"]
        entries = [each for each in warm.aws.journal() if each.get("trace") == root]
        assert [each["kind"] for each in entries] == ["invocation", "request"] * 2

    def test_decision_that_is_told_belongs_to_the_trace(self, warm: Warm) -> None:
        arn = warm.functions.create_alias(FunctionName=warm.function, Name="newest", FunctionVersion="$LATEST")
        warm.functions.add_permission(
            FunctionName=warm.function, StatementId="newest", Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com", Qualifier="newest",
        )  # fmt: skip
        uri = warm.gateway.get_integration(ApiId=warm.api, IntegrationId=warm.integration)["IntegrationUri"]
        told = {"ApiId": warm.api, "IntegrationId": warm.integration}
        warm.is_warm()
        before, root = warm.count(), "1-12345678-abcdefabcdefabcdefabcdef"
        warm.gateway.update_integration(**told, IntegrationUri=arn["AliasArn"])
        try:
            assert warm.ask(**{"x-amzn-trace-id": f"Root={root}"}).status == 200
        finally:
            warm.gateway.update_integration(**told, IntegrationUri=uri)
            warm.functions.delete_alias(FunctionName=warm.function, Name="newest")
        assert warm.count() == before + 1
        decided = [each for each in warm.aws.journal("authorization") if each["resource"] == arn["AliasArn"]]
        assert [(each["allowed"], each.get("trace")) for each in decided] == [(True, root)]

    def test_parameters_of_each_path(self, warm: Warm) -> None:
        warm.is_warm()
        before = warm.count()
        found = [warm.ask(path=f"/warm/{name}").json()["event"]["pathParameters"]["id"] for name in ("a", "b", "a")]
        assert found == ["a", "b", "a"]
        assert warm.count() == before + 3

    def test_told_in_journal_and_log_and_access_log(self, warm: Warm) -> None:
        def told() -> tuple[Any, ...]:
            entries, lines = len(warm.aws.journal()), len(warm.lines())
            warm.ask({"print": 3})
            new = [each for each in warm.aws.journal()[entries:] if each["kind"] in {"request", "invocation"}]
            logged = [re.sub(r"[0-9a-f-]{36}|[\d.]+ ms", "?", each) for each in warm.lines()[lines:]]
            logs = warm.aws.client("logs")
            stored = logs.filter_log_events(logGroupName="warm-access")["events"][-1]["message"]
            kept = [{name: each[name] for name in each if name not in {"time", "trace", "request_id", "milliseconds"}}
                    for each in new]  # fmt: skip
            return sorted(kept, key=str), logged, stored, [sorted(each) for each in new]

        with warm.usual():
            warm.ask({"print": 3})
            usual = told()
        warm.is_warm()
        before = warm.count()
        assert told() == usual
        assert warm.count() > before
        assert usual[1] == ["START RequestId: ? Version: $LATEST", "xxx", "END RequestId: ?", usual[1][3]]
        assert usual[2].startswith("POST /warm/{id} 200 /warm/x 200 ")

    def test_error_of_the_function(self, warm: Warm) -> None:
        warm.is_warm()
        assert (warm.ask({"raise": True}).status, warm.ask({"raise": True}).text) == (
            500, '{"message":"Internal Server Error"}')  # fmt: skip
        failed = warm.aws.journal("invocation")[-1]
        assert (failed["error"], failed["message"]) == ("ValueError", "as told")


class TestSlow:
    def test_what_takes_longer_is_waited_for(self, warm: Warm) -> None:
        warm.is_warm()
        before = warm.count()
        began = time.monotonic()
        assert warm.ask({"sleep": 0.15, "answer": "late"}).text == "late"
        assert time.monotonic() - began >= 0.15
        assert warm.count() == before + 1
        assert warm.ask().status == 200

    @pytest.mark.parametrize("pause", [0, 50])
    def test_function_that_streams_is_answered_whole(self, warm: Warm, pause: int) -> None:
        with warm.usual():
            usual = warm.ask({"pause": pause}, path="/streams/x")
        before = warm.count()
        found = warm.ask({"pause": pause}, path="/streams/x")
        assert warm.count() == before + 1
        assert (found.status, found.text) == (usual.status, usual.text) == (200, "first, last")

    def test_process_that_ends(self, warm: Warm) -> None:
        warm.is_warm()
        assert warm.ask({"exit": True}).status == 500
        assert any("exit status 1" in each for each in warm.lines())
        assert warm.ask().status == 200

    def test_much_that_is_printed(self, warm: Warm) -> None:
        warm.is_warm()
        assert warm.ask({"print": 1 << 18, "answer": "done"}).text == "done"
        assert any(len(each) > 200_000 for each in warm.lines())

    def test_nobody_waits_for_a_process_that_takes_nothing(self, warm: Warm) -> None:
        body = b"\x01" * (1 << 16)  # the event has six characters for each

        def is_answered_meanwhile() -> bool:
            warm.is_warm()
            warm.ask({"stuck": 1.5, "answer": "soon"})
            time.sleep(0.1)
            before = warm.count()
            with ThreadPoolExecutor(1) as pool:
                large = pool.submit(warm.aws.call, "POST", "/warm/x", body=body, headers={"content-type": "text/plain"})
                time.sleep(0.3)
                began = time.monotonic()
                assert warm.count() == before + 1
                is_first = time.monotonic() - began < 0.7 and not large.done()
                seen = large.result().json()["event"]["body"]
            assert seen == body.decode()
            return is_first

        assert any(is_answered_meanwhile() for _ in range(3))  # the machine may stand still for once

    def test_integration_that_takes_too_long(self, warm: Warm) -> None:
        warm.gateway.update_integration(ApiId=warm.api, IntegrationId=warm.integration, TimeoutInMillis=500)
        try:
            warm.is_warm()
            answer = warm.ask({"sleep": 0.9})
            assert (answer.status, answer.text) == (503, '{"message":"Service Unavailable"}')
        finally:
            warm.gateway.update_integration(ApiId=warm.api, IntegrationId=warm.integration, TimeoutInMillis=30_000)

    def test_function_that_takes_too_long(self, warm: Warm) -> None:
        warm.functions.update_function_configuration(FunctionName=warm.function, Timeout=1)
        try:
            warm.is_warm()
            began = time.monotonic()
            assert warm.ask({"sleep": 30}).status == 500
            assert 1 <= time.monotonic() - began < 28
            assert any("Task timed out after 1.00 seconds" in each for each in warm.lines())
        finally:
            warm.functions.update_function_configuration(FunctionName=warm.function, Timeout=10)

    def test_many_at_once(self, warm: Warm) -> None:
        warm.is_warm()
        with ThreadPoolExecutor(8) as pool:
            found = list(
                pool.map(lambda number: warm.ask({"sleep": number % 3 / 100, "answer": str(number)}).text, range(64))
            )
        assert found == [str(number) for number in range(64)]


class TestUsualWay:
    """What the short way leaves out is known; whoever adds to it has to tell the short way, and then this table."""

    KNOWN: ClassVar[dict[str, set[str]]] = {
        "_handle_execute_api_request": {"api_access_log"},
        "_enforce_execute_api": {"api_access_log", "http_api_refusals", "rest_api_answers"},
        "_handle_execute_in_scope": {"http_api_limits", "http_api_refusals", "http_api_sendable", "rest_api_answers"},
        "_invoke_lambda_proxy": {"http_api_integration"},
        "_execute_function_with_config_scope": {"custom_resource_failure"},
        "_execute_function": set(),
        "_execute_function_dispatch": {"faults_in_runs", "lambda_executor"},
    }  # fmt: skip

    def test_patches_around_it_are_those_the_short_way_knows(self) -> None:
        found: dict[str, set[str]] = {name: set() for name in self.KNOWN}
        for file in Path(overlay.__file__).parent.glob("*.py"):
            for name in re.findall(r'Patch\(\s*[\w".]+,\s*"(\w+)"', file.read_text()):
                if name in found:
                    found[name].add(file.stem)
        assert found == self.KNOWN
