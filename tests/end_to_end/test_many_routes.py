"""150 routes of one API: each template has room left, the embedded AWS deploys them, and they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest

from constructs_lib import Iam, Public, SecureApi, SecureApiFunction, SecureRestApi
from constructs_lib.assembly.api_routes import routes_of
from constructs_lib.assembly.model import Assembly
from constructs_lib.local import LocalAws
from constructs_lib.local.code_swap import code_users
from constructs_lib.local.deployed_names import FUNCTION, named
from constructs_lib.local.permissions_record import PermissionsRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.conftest import Synthesize

ROUTES = 150
MOST = 400  # resources of a stack, from where on the guards warn
ENTRY = "tests/end_to_end/handlers/who_answers.ts"


def shelves(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    api = SecureApi(stack, "Api", auth=Public("tried in a test"), nest_functions=True)
    for number in range(ROUTES - 1):
        SecureApiFunction(stack, f"Shelf{number}", api=api, route=f"GET /shelves/{number}/{{thing}}", entry=ENTRY)
    SecureApiFunction(stack, "Closed", api=api, route="GET /closed", entry=ENTRY, auth=Iam())


@pytest.fixture(scope="module")
def assembly(synthesize: Synthesize) -> Path:
    return synthesize(shelves)


@pytest.fixture(scope="module")
def aws(assembly: Path) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(assembly) as running:
        yield running


def test_every_template_has_room_left(assembly: Path) -> None:
    sizes = {each.name: len(json.loads(each.read_text())["Resources"]) for each in assembly.glob("*.template.json")}
    assert sum(sizes.values()) > 3 * 500
    assert max(sizes.values()) < MOST, sizes
    assert len({each.path for each in routes_of(Assembly.read(assembly)) if each.function is not None}) == ROUTES


@pytest.mark.parametrize("number", [0, 1, 77, 148])
def test_a_route_is_answered_by_its_own_function(aws: LocalAws, number: int) -> None:
    answer = aws.call("GET", f"/shelves/{number}/teapot")
    assert answer.status == 200
    told = json.loads(answer.text)
    assert told["thing"] == "teapot"
    assert f"Shelf{number}Function" in told["function"], "its name begins with that of its stack, and is cut off"
    assert told["service"] == "Shop"


def test_a_route_asks_who_calls(aws: LocalAws) -> None:
    assert aws.call("GET", "/closed").status == 403
    assert aws.call("GET", "/closed", signed=True).status == 200


def test_functions_of_nested_stacks_have_their_names_here(aws: LocalAws) -> None:
    paths = set(aws.function_paths().values())
    assert len(paths) == ROUTES
    assert sum(path.startswith("Shop/Api/Part") and path.endswith("/Shelf7") for path in paths) == 1
    seven = named(aws.stacks, FUNCTION, "Shelf7")
    aws.client("lambda").invoke(FunctionName=seven.name, Payload=b'{"pathParameters": {"thing": "cup"}}')
    assert aws.logs("Shelf7")
    assert {seven.path: False} == {
        each.path: each.is_versioned for each in code_users(aws.stacks) if each.name == seven.name
    }
    assert seven.path in {each.path for each in PermissionsRecord.of(aws).functions}


def test_a_route_that_is_not_there(aws: LocalAws) -> None:
    assert aws.call("GET", "/shelves/1000").status == 404


def test_a_rest_api_has_room_for_as_many(synthesize: Synthesize) -> None:
    """Each route with two pieces of a path of its own, which is as much as there is room for."""

    def rooms(app: cdk.App) -> None:
        stack = cdk.Stack(app, "Shop")
        api = SecureRestApi(stack, "Api", auth=Public("tried in a test"), nest_functions=True)
        for number in range(ROUTES):
            SecureApiFunction(stack, f"Room{number}", api=api, route=f"GET /room{number}/{{thing}}", entry=ENTRY)

    assembly = synthesize(rooms)
    sizes = [len(json.loads(each.read_text())["Resources"]) for each in assembly.glob("*.template.json")]
    assert max(sizes) <= 500
    with LocalAws.from_assembly(assembly) as aws:
        for number in (0, 77, 149):
            answer = aws.call("GET", f"/live/room{number}/teapot")
            assert answer.status == 200, answer.body
            told = json.loads(answer.text)
            assert told["thing"] == "teapot"
            assert f"Room{number}Function" in told["function"]
