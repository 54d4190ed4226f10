"""A SecureRestApi on the embedded AWS: its bodies are checked, its callers known, its limits kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import aws_cdk as cdk
import pytest
from pydantic import BaseModel, ConfigDict, Field

from constructs_lib import Iam, Public, SecureApi, SecureApiFunction, SecureRestApi, Throttle
from constructs_lib.local import LocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.conftest import Synthesize

ENTRY = "tests/end_to_end/handlers/shop_user.py"
ORIGIN, OTHER = "https://app.example.com", "https://other.example.com"
JSON = {"content-type": "application/json"}
REFUSED = {"message": "Invalid request body"}


class Address(BaseModel):
    city: str = Field(min_length=1)
    country: Literal["DE", "FR"] = "DE"


class NewUser(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=20)
    age: int | None = Field(default=None, gt=0, lt=150)
    address: Address


def shop(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    api = SecureRestApi(stack, "Api", auth=Public("tried in a test"), cors_origins=[ORIGIN, OTHER])
    SecureApiFunction(stack, "Create", api=api, route="POST /users", entry=ENTRY, request=NewUser)
    zod = "lambda_src/users/user.ts:NewUser"
    SecureApiFunction(stack, "Replace", api=api, route="PUT /users/{id}", entry=ENTRY, request=zod)
    SecureApiFunction(stack, "Files", api=api, route="GET /files/{path+}", entry=ENTRY)
    SecureApiFunction(stack, "Signed", api=api, route="GET /signed", entry=ENTRY, auth=Iam())
    SecureApiFunction(stack, "Slow", api=api, route="GET /slow", entry=ENTRY, throttle=Throttle(1, 2))
    plain = SecureApi(stack, "Plain", auth=Public("tried in a test"))
    slow = "tests/end_to_end/handlers/who_answers.ts"
    SecureApiFunction(stack, "SlowToo", api=plain, route="GET /plain/slow", entry=slow, throttle=Throttle(1, 2))


@pytest.fixture(scope="module")
def aws(synthesize: Synthesize) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(synthesize(shop)) as running:
        yield running


def sent(aws: LocalAws, method: str, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    return aws.call(
        method, f"/live{path}", body=json.dumps(body).encode(), headers=JSON if headers is None else headers
    )


ADA = {"name": "Ada", "age": 36, "address": {"city": "London", "country": "FR"}}


def test_a_body_that_fits_reaches_the_function(aws: LocalAws) -> None:
    answer = sent(aws, "POST", "/users", ADA)
    assert (answer.status, json.loads(answer.text)["body"]) == (200, ADA)
    assert sent(aws, "POST", "/users", {**ADA, "age": None}).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {**ADA, "name": ""},
        {**ADA, "age": 0},
        {**ADA, "age": 150},
        {**ADA, "age": "36"},
        {**ADA, "admin": True},
        {**ADA, "address": {"city": ""}},
        {**ADA, "address": {"city": "London", "country": "UK"}},
    ],
)
def test_a_body_that_does_not_fit_is_refused_by_the_gateway(aws: LocalAws, body: Any) -> None:
    calls = len(aws.journal("invocation"))
    answer = sent(aws, "POST", "/users", body)
    assert (answer.status, json.loads(answer.text)) == (400, REFUSED)
    assert len(aws.journal("invocation")) == calls, "no function has run"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/json; charset=utf-8"])
def test_saying_it_is_something_else_gets_no_body_through(aws: LocalAws, kind: str) -> None:
    assert sent(aws, "POST", "/users", {}, {"content-type": kind}).status == 400


def test_a_zod_schema_checks_too(aws: LocalAws) -> None:
    assert sent(aws, "PUT", "/users/ada", {"name": "Ada", "email": "ada@example.com"}).status == 200
    assert sent(aws, "PUT", "/users/ada", {"name": "Ada", "email": "nobody"}).status == 400
    assert sent(aws, "PUT", "/users/ada", {"name": "Ada", "email": "ada@example.com", "x": 1}).status == 400


def test_the_rest_of_a_path_is_one_variable(aws: LocalAws) -> None:
    answer = aws.call("GET", "/live/files/a/b/c.txt")
    assert json.loads(answer.text)["variables"] == {"path": "a/b/c.txt"}


def test_a_route_asks_who_calls(aws: LocalAws) -> None:
    assert aws.call("GET", "/live/signed").status == 403
    assert aws.call("GET", "/live/signed", signed=True).status == 200


@pytest.mark.parametrize(("origin", "told"), [(ORIGIN, ORIGIN), (OTHER, OTHER), ("https://evil.example", ORIGIN)])
def test_a_browser_is_told_whose_pages_may_call(aws: LocalAws, origin: str, told: str) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    answer = aws.call("OPTIONS", "/live/users", headers=asked)
    allowed = [value for name, value in answer.headers if name.lower() == "access-control-allow-origin"]
    assert (answer.status, allowed) == (204, [told])


def test_a_page_may_read_why_it_was_refused(aws: LocalAws) -> None:
    answer = sent(aws, "POST", "/users", {}, {**JSON, "origin": OTHER})
    allowed = [value for name, value in answer.headers if name.lower() == "access-control-allow-origin"]
    assert (answer.status, allowed) == (400, ["*"])


@pytest.mark.parametrize("path", ["/live/slow", "/plain/slow"])
def test_a_route_has_limits_of_its_own(aws: LocalAws, path: str) -> None:
    assert {aws.call("GET", path).status for _ in range(8)} == {200, 429}
    assert aws.call("GET", "/live/files/a").status == 200, "the others go on"
