from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from constructs_lib.local import LocalAws
from tests.end_to_end.conftest import ROOT, Synthesize
from tests.end_to_end.hostile_bodies import HOSTILE_BODIES


@pytest.fixture
def ada() -> dict[str, str]:
    return {"id": f"ada-{uuid.uuid4()}", "name": "Ada Lovelace", "email": "ada@example.com"}


def table_of(aws: LocalAws) -> str:
    [name] = [each for each in aws.client("dynamodb").list_tables()["TableNames"] if each.startswith("Users-")]
    return str(name)


def item_in_table(aws: LocalAws, key: str) -> dict[str, Any] | None:
    item: dict[str, Any] | None = (
        aws.client("dynamodb").get_item(TableName=table_of(aws), Key={"id": {"S": key}}).get("Item")
    )
    return item


class TestOneUser:
    def test_is_created_and_stands_in_the_table(self, local: LocalAws, ada: dict[str, str]) -> None:
        answer = local.call("POST", "/users", json=ada, signed=True)
        assert answer.status == 201
        item = item_in_table(local, ada["id"])
        assert item is not None
        assert item["name"] == {"S": "Ada Lovelace"}

    def test_is_read_back(self, local: LocalAws, ada: dict[str, str]) -> None:
        created = local.call("POST", "/users", json=ada, signed=True).json()
        answer = local.call("GET", f"/users/{ada['id']}", signed=True)
        assert answer.status == 200
        assert answer.json() == created

    def test_is_not_created_twice(self, local: LocalAws, ada: dict[str, str]) -> None:
        local.call("POST", "/users", json=ada, signed=True)
        again = local.call("POST", "/users", json={**ada, "name": "Somebody Else"}, signed=True)
        assert again.status == 409
        item = item_in_table(local, ada["id"])
        assert item is not None
        assert item["name"] == {"S": "Ada Lovelace"}

    def test_is_listed(self, local: LocalAws, ada: dict[str, str]) -> None:
        local.call("POST", "/users", json=ada, signed=True)
        found: list[str] = []
        path = "/users?limit=100"
        while path:
            answer = local.call("GET", path, signed=True)
            assert answer.status == 200
            found += [user["id"] for user in answer.json()["users"]]
            following = answer.json()["next"]
            path = f"/users?limit=100&next={following}" if following else ""
        assert ada["id"] in found

    def test_is_deleted(self, local: LocalAws, ada: dict[str, str]) -> None:
        local.call("POST", "/users", json=ada, signed=True)
        assert local.call("DELETE", f"/users/{ada['id']}", signed=True).status == 204
        assert local.call("GET", f"/users/{ada['id']}", signed=True).status == 404
        assert item_in_table(local, ada["id"]) is None


class TestRefusals:
    @pytest.mark.parametrize("kind", HOSTILE_BODIES)
    def test_a_hostile_body_is_the_callers_fault_never_ours(self, local: LocalAws, kind: str) -> None:
        headers = {"content-type": "application/json"}
        answer = local.call("POST", "/users", body=HOSTILE_BODIES[kind], headers=headers, signed=True)
        assert answer.status == 400

    @pytest.mark.parametrize("body", [b"", b"{}"])
    def test_nothing_is_not_a_user(self, local: LocalAws, body: bytes) -> None:
        assert local.call("POST", "/users", body=body, signed=True).status == 400

    @pytest.mark.parametrize(
        ("method", "path"), [("POST", "/users"), ("GET", "/users"), ("GET", "/users/ada"), ("DELETE", "/users/ada")]
    )
    def test_a_request_without_a_signature(self, local: LocalAws, method: str, path: str) -> None:
        answer = local.call(method, path, json={"id": "ada"} if method == "POST" else None)
        assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})


class TestLeastPrivilege:
    @pytest.mark.parametrize(
        ("function", "may"),
        [
            ("Users/CreateUser", "put_item"),
            ("Users/ReadUser", "get_item"),
            ("Users/ListUsers", "scan"),
            ("Users/DeleteUser", "delete_item"),
        ],
    )
    def test_each_function_may_do_its_one_thing_and_no_other(self, local: LocalAws, function: str, may: str) -> None:
        table = local.client_of(function, "dynamodb")
        name, key = table_of(local), {"id": {"S": f"probe-{uuid.uuid4()}"}}
        calls: dict[str, dict[str, Any]] = {
            "put_item": {"Item": key},
            "get_item": {"Key": key},
            "delete_item": {"Key": key},
            "update_item": {"Key": key},
            "scan": {"Limit": 1},
            "describe_table": {},
        }
        allowed = set()
        for call, arguments in calls.items():
            try:
                getattr(table, call)(TableName=name, **arguments)
                allowed.add(call)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "AccessDeniedException"  # noqa: PT017 - either outcome is looked at
        local.client("dynamodb").delete_item(TableName=name, Key=key)
        assert allowed == {may}

    def test_without_its_grant_the_call_is_denied_and_the_log_says_what_is_missing(
        self, example_assembly: Path, synthesize: Synthesize, ada: dict[str, str]
    ) -> None:
        """As a reader of the README would: delete one line of examples/users.py, and run again."""
        source = (ROOT / "examples" / "users.py").read_text()
        line = '        users.grant(create, "PutItem")\n'
        assert line in source
        edited: dict[str, Any] = {}
        exec(source.replace(line, ""), edited)

        with LocalAws.from_assembly(synthesize(lambda app: edited["Users"](app, "Users"))) as aws:
            assert aws.call("POST", "/users", json=ada, signed=True).status == 500
            said = "\n".join(aws.logs("Users/CreateUser", until="AccessDenied"))
            assert "AccessDenied" in said
            assert "dynamodb:PutItem" in said
            assert f"arn:aws:dynamodb:us-east-1:000000000000:table/{table_of(aws)}" in said

            aws.redeploy(example_assembly)
            assert aws.call("POST", "/users", json=ada, signed=True).status == 201
