from __future__ import annotations

import base64
import importlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_src.users import page_token
from tests.handlers.fake_dynamodb import FakeDynamoDb, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

REQUEST_ID = "7e0b6f6c-5a1e-4a63-9d3c-0c7f6f1f9a52"
DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/ListUsers/function is not authorized to perform: dynamodb:Scan on "
    "resource: arn:aws:dynamodb:eu-central-1:123456789012:table/users because no identity-based policy allows it"
)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_MAX_ATTEMPTS": "1",
    "POWERTOOLS_SERVICE_NAME": "users",
    "USERS_TABLE": "users",
}


@dataclass
class Context:
    aws_request_id: str = REQUEST_ID
    function_name: str = "function"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:function"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeDynamoDb]:
    fake = FakeDynamoDb()
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def list_users(server: FakeDynamoDb) -> Iterator[ModuleType]:
    """Load the handler as Lambda does: once, with its environment in place."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": server.url}.items():
            patch.setenv(name, value)
        module = importlib.import_module("lambda_src.users.list_users")
        yield module
        module.dynamodb.close()


@pytest.fixture
def table(server: FakeDynamoDb) -> FakeDynamoDb:
    server.reset()
    return server


@pytest.fixture(autouse=True)
def log(list_users: ModuleType) -> io.StringIO:
    stream = io.StringIO()
    list_users.logger.handlers[0].setStream(stream)
    return stream


def stored(user_id: str, **others: dict[str, str]) -> dict[str, dict[str, str]]:
    user = {"id": user_id, "name": user_id.title(), "email": f"{user_id}@example.com", "created_at": "2026-11-01"}
    return {**{name: {"S": value} for name, value in user.items()}, **others}


def call(list_users: ModuleType, query: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    event = {"version": "2.0", "rawPath": "/users"} | ({} if query is None else {"queryStringParameters": query})
    answer = list_users.handler(event, Context())
    assert answer["headers"] == {"content-type": "application/json"}
    return answer["statusCode"], json.loads(answer["body"])


def token(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class TestPages:
    def test_is_empty_when_the_table_is(self, list_users: ModuleType, table: FakeDynamoDb) -> None:
        assert call(list_users) == (200, {"users": [], "next": None})
        assert [action for action, _ in table.calls] == ["Scan"]

    def test_shows_what_a_user_is_and_nothing_else_the_table_holds(
        self, list_users: ModuleType, table: FakeDynamoDb
    ) -> None:
        table.items[:] = [stored("ada", password_hash={"S": "secret"}), {"id": {"S": "bob"}, "name": {"N": "7"}}]
        assert call(list_users) == (
            200,
            {
                "users": [
                    {"id": "ada", "name": "Ada", "email": "ada@example.com", "created_at": "2026-11-01"},
                    {"id": "bob"},
                ],
                "next": None,
            },
        )

    def test_asks_for_25_users_when_no_limit_is_given(self, list_users: ModuleType, table: FakeDynamoDb) -> None:
        table.items[:] = [stored(f"user-{number}") for number in range(30)]
        status, body = call(list_users)
        assert (status, len(body["users"])) == (200, 25)
        assert table.calls == [
            (
                "Scan",
                {
                    "TableName": "users",
                    "Limit": 25,
                    "ProjectionExpression": "#id, #name, #email, #created_at",
                    "ExpressionAttributeNames": {
                        "#id": "id",
                        "#name": "name",
                        "#email": "email",
                        "#created_at": "created_at",
                    },
                },
            )
        ]

    def test_next_leads_through_every_user_once(self, list_users: ModuleType, table: FakeDynamoDb) -> None:
        # Ids that no route of ours would accept, but another writer may have stored
        ids = ["ada", "a b", "ключ", 'q"uote', "../x", "😀", "z" * 2048]
        table.items[:] = [stored(user_id) for user_id in ids]
        seen, query = [], {"limit": "2"}
        while True:
            status, body = call(list_users, query)
            assert status == 200
            seen += [user["id"] for user in body["users"]]
            if body["next"] is None:
                break
            query = {"limit": "2", "next": body["next"]}
        assert seen == ids
        assert len(table.calls) == 4

    def test_next_tells_no_id_but_the_last_on_the_page(self, list_users: ModuleType, table: FakeDynamoDb) -> None:
        table.items[:] = [stored("ada"), stored("bob"), stored("eve")]
        _, body = call(list_users, {"limit": "2"})
        assert page_token.decode(body["next"]) == body["users"][-1]["id"] == "bob"


class TestRefusals:
    @pytest.mark.parametrize(
        "limit",
        ["", "0", "-1", "101", "1e1", "10.0", " 10", "10\n", "ten", "1,2", "\u0661", "0x10", "9" * 5000, "\0", "null"],
    )
    def test_answers_400_when_the_limit_is_no_number_from_1_to_100(
        self, list_users: ModuleType, table: FakeDynamoDb, limit: str
    ) -> None:
        status, body = call(list_users, {"limit": limit})
        assert status == 400
        assert body == {
            "error": {
                "code": "invalid_request",
                "message": "the query has invalid parameters",
                "fields": [{"field": "limit", "message": "must be a whole number from 1 to 100"}],
                "request_id": REQUEST_ID,
            }
        }
        assert table.calls == []

    @pytest.mark.parametrize("limit", ["1", "100", "007"])
    def test_accepts_a_limit_from_1_to_100(self, list_users: ModuleType, table: FakeDynamoDb, limit: str) -> None:
        assert call(list_users, {"limit": limit})[0] == 200
        assert table.calls[0][1]["Limit"] == int(limit)

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "x",
            "garbage",
            "../../etc/passwd",
            "ключ",
            "\0",
            page_token.encode("ada") + "=",
            page_token.encode("ada") + "\n",
            page_token.encode("ada")[:-2],
            " " + page_token.encode("ada"),
            token(None),
            token("ada"),
            token(["ada"]),
            token({}),
            token({"after": None}),
            token({"after": 1}),
            token({"after": ""}),
            token({"after": "\ud800"}),
            token({"after": "z" * 2049}),
            token({"after": "ada", "and": "more"}),
            token({"id": {"S": "ada"}}),
            base64.urlsafe_b64encode(b'{"after":"ada"}').decode(),  # another spelling of a good one
            base64.urlsafe_b64encode(b'{"after": "\xff"}').decode(),
            base64.urlsafe_b64encode(b"[" * 7000).decode(),
        ],
    )
    def test_answers_400_when_next_is_not_ours(self, list_users: ModuleType, table: FakeDynamoDb, value: str) -> None:
        status, body = call(list_users, {"next": value})
        assert status == 400
        assert body["error"]["fields"] == [
            {"field": "next", "message": "must be the next of an earlier answer, unchanged"}
        ]
        assert table.calls == []

    @settings(
        max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @pytest.mark.usefixtures("table")
    @given(query=st.dictionaries(st.sampled_from(["limit", "next", "other"]), st.text(max_size=20)))
    def test_never_answers_5xx_whatever_the_query(self, list_users: ModuleType, query: dict[str, str]) -> None:
        assert call(list_users, query)[0] in {200, 400}

    @given(
        last_id=st.text(min_size=1, max_size=500).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))
    )
    def test_reads_every_token_it_wrote(self, last_id: str) -> None:
        assert page_token.decode(page_token.encode(last_id)) == last_id


class TestFailures:
    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            ("AccessDeniedException", 400),
            ("ProvisionedThroughputExceededException", 400),
            ("ResourceNotFoundException", 400),
            ("InternalServerError", 500),
        ],
    )
    def test_answers_500_without_why_and_logs_why_when_dynamodb_refuses(
        self, list_users: ModuleType, table: FakeDynamoDb, log: io.StringIO, kind: str, status: int
    ) -> None:
        table.refusal = Refusal(kind, status, DENIED)
        assert call(list_users) == (
            500,
            {
                "error": {
                    "code": "internal_error",
                    "message": "something went wrong on our side",
                    "request_id": REQUEST_ID,
                }
            },
        )
        [line] = [json.loads(line) for line in log.getvalue().splitlines()]
        assert (line["level"], line["message"], line["service"]) == ("ERROR", "request failed", "users")
        assert line["function_request_id"] == REQUEST_ID
        assert kind in line["exception"]
        assert DENIED in line["exception"]


class TestDeployed:
    """The handler in a process of its own, with Lambda's environment and nobody listening for traces."""

    CALL_ONCE = """
import json, types, users.list_users
context = types.SimpleNamespace(aws_request_id="r", function_name="f", memory_limit_in_mb=256, invoked_function_arn="a")
print(json.dumps(users.list_users.handler({}, context)))
"""
    TRACE = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"

    @pytest.mark.parametrize("trace", [TRACE, ""])
    def test_answers_when_nobody_listens_for_traces(self, table: FakeDynamoDb, trace: str) -> None:
        table.items.append(stored("ada"))
        lambdas = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path("lambda_src").resolve()),  # the root of the bundle
            "AWS_ENDPOINT_URL_DYNAMODB": table.url,
            "LAMBDA_TASK_ROOT": "/var/task",
            "_X_AMZN_TRACE_ID": trace,
        }
        run = subprocess.run(
            [sys.executable, "-c", self.CALL_ONCE],
            env=ENVIRONMENT | lambdas,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in run.stderr
        answer = json.loads(run.stdout)
        assert answer["statusCode"] == 200
        assert [user["id"] for user in json.loads(answer["body"])["users"]] == ["ada"]
