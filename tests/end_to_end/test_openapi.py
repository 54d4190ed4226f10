"""Made-up requests against the examples: whatever is sent, the answer is one that examples/openapi.yaml tells of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import hypothesis
import pytest
import schemathesis
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.local import LocalAws

DOCUMENT: dict[str, Any] = yaml.safe_load(Path("examples/openapi.yaml").read_text())
OPERATIONS = [
    (method.upper(), path)
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method in {"get", "post", "delete"}
]
CASES = 60  # for each operation: 540 for all nine
LONGEST_ANSWER_SECONDS = 30  # of an HTTP API; how long a call takes is not what is tried here
KEYS = [
    "..", ".", "%2e%2e", "a/b", "a%2Fb", "a b", "ä", "\u202e", "a\x00b", "'; DROP TABLE users; --", "<script>", "${id}",
    "__proto__", "constructor", "A" * 2000, "null", "%",
]  # fmt: skip


class Signed:
    """Signs a request of `requests` as the root user."""

    def __call__(self, request: Any) -> Any:
        headers = {name: value for name, value in request.headers.items() if name.lower() in {"content-type", "host"}}
        signed = AWSRequest(method=request.method, url=request.url, data=request.body, headers=headers)
        SigV4Auth(Credentials("test", "test"), "execute-api", "us-east-1").add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


@pytest.fixture(scope="module")
def schema(local: LocalAws) -> Any:
    loaded = schemathesis.openapi.from_dict(DOCUMENT)
    loaded.config.update(base_url=local.url, request_timeout=LONGEST_ANSWER_SECONDS)
    return loaded


def test_the_document_tells_of_every_route_and_no_other(local: LocalAws) -> None:
    assert sorted(OPERATIONS) == sorted((each.method, each.path) for each in local.routes)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_the_document_tells_of(schema: Any, method: str, path: str) -> None:
    operation = schema[path][method]
    seen = 0

    @hypothesis.settings(
        max_examples=CASES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
                      | operation.as_strategy())  # fmt: skip
    def every(case: Any) -> None:
        nonlocal seen
        seen += 1
        response = case.call(auth=Signed())
        documented = {int(status) for status in DOCUMENT["paths"][path][method.lower()]["responses"]}
        assert response.status_code in documented, (response.status_code, response.text, case.as_curl_command())
        case.validate_response(response, checks=[schemathesis.checks.CHECKS.get_one("response_schema_conformance")])

    every()
    assert seen >= CASES


def ways(key: str) -> Iterator[str]:
    yield f"/users/{quote(key, safe='%')}"
    yield f"/orders/{quote(key, safe='%')}"
    yield f"/users?next={quote(key)}&limit={quote(key)}"


@pytest.mark.parametrize("key", KEYS)
def test_a_hostile_key_is_the_callers_fault_never_ours(local: LocalAws, key: str) -> None:
    for path in ways(key):
        answer = local.call("GET", path, signed=True)
        assert 400 <= answer.status < 500, (path, answer.status, answer.text)
        assert not re.search(r"Traceback|node:internal|\.ts:\d+|dynamodb", answer.text)
        assert json.loads(answer.text)
