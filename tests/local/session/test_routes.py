from __future__ import annotations

import shlex

import pytest

from constructs_lib.local.routes import MOST_SHOWN, Route, _body, _example, shown


def command(method: str, *, url: str = "http://127.0.0.1:3000/users", body: str = "", auth: str = "NONE") -> str:
    route = Route(method, "/users", url, body, auth, "a1", "Shop/Route")
    return route.command(".venv/bin/constructs-lib")


class TestCommand:
    @pytest.mark.parametrize(
        ("method", "line"),
        [
            ("GET", "curl http://127.0.0.1:3000/users"),
            ("ANY", "curl http://127.0.0.1:3000/users"),
            ("DELETE", "curl -X DELETE http://127.0.0.1:3000/users"),
            ("HEAD", "curl -I http://127.0.0.1:3000/users"),
        ],
    )
    def test_open_routes_are_a_curl(self, method: str, line: str) -> None:
        assert command(method) == line

    def test_a_body_is_sent_as_json(self) -> None:
        assert command("POST", body='{"name": "Ada"}') == (
            "curl -X POST http://127.0.0.1:3000/users -H 'content-type: application/json' -d '{\"name\": \"Ada\"}'"
        )

    def test_routes_with_iam_are_called_with_this_program(self) -> None:
        assert command("POST", body="{}", auth="AWS_IAM") == (
            ".venv/bin/constructs-lib call POST http://127.0.0.1:3000/users -d '{}'"
        )

    def test_routes_with_a_token_say_so(self) -> None:
        assert command("GET", auth="JWT") == 'curl http://127.0.0.1:3000/users -H "authorization: Bearer $TOKEN"'

    def test_a_key_is_shown_where_one_is_asked_for(self) -> None:
        route = Route("GET", "/users", "http://127.0.0.1:3000/prod/users", "", "NONE", "a1", "Shop/Users", "secret key")
        assert route.command("lib") == "curl http://127.0.0.1:3000/prod/users -H 'x-api-key: secret key'"
        signed = Route("GET", "/users", "http://127.0.0.1:3000/prod/users", "", "AWS_IAM", "a1", "Shop/Users", "key")
        assert signed.command("lib") == "lib call GET http://127.0.0.1:3000/prod/users -H 'x-api-key: key'"

    def test_the_shell_takes_the_line_as_it_was_meant(self) -> None:
        url, body = "http://127.0.0.1:3000/users/o'hara?a=1&b=2", '{"name": "O\'Hara; $(rm)"}'
        assert shlex.split(command("PUT", url=url, body=body)) == [
            "curl", "-X", "PUT", url, "-H", "content-type: application/json", "-d", body,
        ]  # fmt: skip


def test_a_screen_of_commands_is_said_and_where_the_others_are() -> None:
    few = [f"curl {number}" for number in range(MOST_SHOWN)]
    assert shown(few) == few
    *said, last = shown([*few, "curl more", "curl most"])
    assert said == few
    assert last == "... and 2 more: the page shows every route, `constructs-lib openapi` writes them down"


class TestExample:
    def test_the_body_of_the_construct_is_used(self) -> None:
        assert _body("POST", _example({"constructs-lib:example": {"body": {"name": "Zoë"}}})) == '{"name": "Zoë"}'

    def test_without_one_there_is_an_empty_object_where_a_body_is_usual(self) -> None:
        assert [_body(method, {}) for method in ("POST", "PUT", "PATCH", "GET", "DELETE")] == ["{}", "{}", "{}", "", ""]

    @pytest.mark.parametrize(
        "metadata",
        [None, 3, [], {}, {"constructs-lib:example": "x"}, {"constructs-lib:example": {"path": 3}},
         {"constructs-lib:example": {"path": "no-slash"}}],
    )  # fmt: skip
    def test_what_is_not_as_agreed_is_ignored(self, metadata: object) -> None:
        assert "path" not in _example(metadata)
