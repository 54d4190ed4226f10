"""Integrations of a REST API that are no proxies: how requests and answers are mapped."""

from __future__ import annotations

from tests.local.runtime.apis import JSON, Apis


class TestFunction:
    def test_answers_by_the_pattern_that_its_error_fits(self, apis: Apis) -> None:
        answer = apis.rest("POST", "/plain?id=7&fail=missing+it", b'{"name": "x"}', JSON)
        assert (answer.status, answer.json()) == (404, {"error": "missing it"})

    def test_answers_an_error_no_pattern_fits_as_any_result(self, apis: Apis) -> None:
        assert apis.rest("POST", "/plain?id=7&fail=other", b'{"name": "x"}', JSON).status == 200

    def test_lets_its_template_say_the_status(self, apis: Apis) -> None:
        answer = apis.rest("POST", "/plain?id=7", b'{"name": "teapot", "items": []}', JSON)
        assert (answer.status, answer.json()["tea"]) == (418, True)

    def test_sends_headers_of_the_body(self, apis: Apis) -> None:
        answer = apis.rest("POST", "/plain?id=7", b'{"name": "Ada", "items": []}', JSON)
        assert answer.header("x-name") == "Ada"

    def test_takes_no_content_it_has_no_template_for(self, apis: Apis) -> None:
        answer = apis.rest("POST", "/plain", b"text", {"content-type": "text/plain"})
        assert (answer.status, answer.body) == (415, b'{"message":"Unsupported Media Type"}')


class TestMock:
    def test_has_no_body_without_a_template(self, apis: Apis) -> None:
        answer = apis.rest("OPTIONS", "/mock", headers={"origin": "https://shop.example"})
        assert (answer.status, answer.body) == (204, b"")

    def test_sends_the_headers_of_its_answer(self, apis: Apis) -> None:
        assert apis.rest("GET", "/mock").header("x-mock") == "yes"


class TestWorkflow:
    def test_runs_as_the_cdk_integrates_it(self, apis: Apis) -> None:
        answer = apis.rest("POST", "/run", b'{"hello": "you"}', JSON)
        assert (answer.status, answer.json()) == (200, {"said": {"hello": "you"}})
