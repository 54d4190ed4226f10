"""More routes than one stack has room for: their functions are in nested stacks, and stay where they are.

That 150 of them fit, are deployed and answer is in tests/end_to_end/test_many_routes.py.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from constructs import Construct

from constructs_lib import DynamoTable, Iam, PropError, SecureApi, SecureApiFunction, SecureRestApi
from constructs_lib.wiring.nested_functions import PARTS, part_of
from constructs_lib.wiring.room import MOST, Room
from tests.constructs.test_under_the_guards import said
from tests.findings import findings_of
from tests.templates import resources_of, show, template_of

ENTRY = "lambda_src/greeting/greet.ts"
Templates = dict[str, dict[str, Any]]


def synthesized(folder: Path, fill: Callable[[cdk.Stack], object]) -> Templates:
    """The templates of a stack and of those nested in it, by file."""
    app = cdk.App(outdir=str(folder), analytics_reporting=False, context={"aws:cdk:bundling-stacks": []})
    fill(cdk.Stack(app, "Shop"))
    app.synth()
    return {each.name: json.loads(each.read_text()) for each in folder.glob("*.template.json")}


def shop(names: Sequence[str], *, kind: type[SecureApi | SecureRestApi] = SecureApi, nested: bool = True) -> Any:
    def fill(stack: cdk.Stack) -> None:
        table = DynamoTable(stack, "Things", partition_key="id")
        api = kind(stack, "Api", auth=Iam(), nest_functions=nested)
        for name in names:
            function = SecureApiFunction(stack, name, api=api, route=f"GET /{name}", entry=ENTRY)
            table.grant(function, "GetItem", env="THINGS_TABLE")

    return fill


def ids_of(templates: Templates, kind: str) -> set[tuple[str, str]]:
    return {(file, name) for file, each in templates.items() for name in resources_of(each, kind)}


@pytest.mark.parametrize(("kind", "resources"), [(SecureApi, 2), (SecureRestApi, 2)])
def test_a_route_takes_two_resources_of_the_stack_of_its_api(
    tmp_path: Path, kind: type[SecureApi | SecureRestApi], resources: int
) -> None:
    def size(routes: int) -> int:
        names = [f"Route{number}" for number in range(routes)]
        templates = synthesized(tmp_path / str(routes), shop(names, kind=kind))
        own = templates["Shop.template.json"]["Resources"].values()
        return len([each for each in own if each["Type"] != "AWS::CloudFormation::Stack"])

    assert size(9) - size(2) == 7 * resources


class TestStability:
    def test_a_route_that_is_added_moves_no_other(self, tmp_path: Path) -> None:
        names = [f"Route{number}" for number in range(12)]
        before = synthesized(tmp_path / "before", shop(names))
        after = synthesized(tmp_path / "after", shop(["Added", *names[::-1]]))
        for kind in ("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::ApiGatewayV2::Route", "AWS::Logs::LogGroup"):
            assert ids_of(before, kind) < ids_of(after, kind), kind

    def test_a_route_that_is_renamed_moves_no_function(self, tmp_path: Path) -> None:
        def fill(route: str) -> Callable[[cdk.Stack], object]:
            def define(stack: cdk.Stack) -> None:
                api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
                SecureApiFunction(stack, "Read", api=api, route=route, entry=ENTRY)

            return define

        ids = [
            ids_of(synthesized(tmp_path / str(number), fill(route)), "AWS::Lambda::Function")
            for number, route in enumerate(("GET /users", "GET /people"))
        ]
        assert ids[0] == ids[1]

    def test_routes_stay_when_their_functions_move_into_nested_stacks(self, tmp_path: Path) -> None:
        names = ["One", "Two", "Three"]
        flat = synthesized(tmp_path / "flat", shop(names, nested=False))
        nested = synthesized(tmp_path / "nested", shop(names))
        for kind in ("AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Api"):
            assert ids_of(flat, kind) == ids_of(nested, kind), kind
        assert ids_of(flat, "AWS::Lambda::Function").isdisjoint(ids_of(nested, "AWS::Lambda::Function"))

    def test_where_a_function_goes_is_a_contract(self) -> None:
        """What changes here replaces the functions of every app that has them nested."""
        assert PARTS == 24
        assert [part_of(each) for each in ("CreateUser", "ReadUser", "Orders/PlaceOrder")] == [14, 4, 10]

    def test_functions_are_dealt_out_evenly(self) -> None:
        dealt = Counter(part_of(f"Users/Route{number}") for number in range(230))
        assert set(dealt) == set(range(PARTS))
        assert max(dealt.values()) <= 21


class TestRights:
    def test_the_route_alone_may_invoke_its_function(self, tmp_path: Path) -> None:
        templates = synthesized(tmp_path, shop(["Read"]))
        [(file, template)] = [each for each in templates.items() if "nested" in each[0]]
        [permission] = resources_of(template, "AWS::Lambda::Permission").values()
        assert show(permission["Properties"]["SourceArn"]).endswith("/*/GET/Read"), file
        assert ids_of(templates, "AWS::Lambda::Permission") == {
            (file, name) for name in resources_of(template, "AWS::Lambda::Permission")
        }

    def test_the_function_has_the_name_of_the_stack_a_user_knows(self, tmp_path: Path) -> None:
        templates = synthesized(tmp_path, shop(["Read"]))
        [variables] = [
            each["Properties"]["Environment"]["Variables"]
            for template in templates.values()
            for each in resources_of(template, "AWS::Lambda::Function").values()
        ]
        assert variables["POWERTOOLS_SERVICE_NAME"] == "Shop"

    @pytest.mark.parametrize("kind", [SecureApi, SecureRestApi])
    def test_auditors_and_guards_find_nothing(
        self, app: cdk.App, stack: cdk.Stack, kind: type[SecureApi | SecureRestApi]
    ) -> None:
        shop(["Read", "Write"], kind=kind)(stack)
        assert findings_of(stack) == []
        assert said(app) == []


class TestPlaces:
    def test_functions_of_one_name_in_different_scopes(self, tmp_path: Path) -> None:
        def fill(stack: cdk.Stack) -> None:
            api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
            for name in ("Users", "Orders"):
                SecureApiFunction(Construct(stack, name), "Read", api=api, route=f"GET /{name}", entry=ENTRY)

        assert len(ids_of(synthesized(tmp_path, fill), "AWS::Lambda::Function")) == 2

    def test_a_function_in_another_stack_is_nested_there(self, tmp_path: Path) -> None:
        def fill(stack: cdk.Stack) -> None:
            api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
            other = cdk.Stack(stack.node.root, "Other")  # type: ignore[arg-type] # the app
            SecureApiFunction(other, "Read", api=api, route="GET /users", entry=ENTRY)

        templates = synthesized(tmp_path, fill)
        [(file, _)] = ids_of(templates, "AWS::Lambda::Function")
        assert file.startswith("Other")
        assert {file for file, _ in ids_of(templates, "AWS::ApiGatewayV2::Route")} == {"Other.template.json"}

    def test_a_function_written_into_a_nested_stack_stays_there(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
        own = cdk.NestedStack(stack, "Own")
        function = SecureApiFunction(own, "Read", api=api, route="GET /users", entry=ENTRY)
        assert function.node.path == "Shop/Own/Read"

    def test_a_name_that_is_taken_is_refused_and_stays_free(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
        SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY)
        with pytest.raises(PropError, match="Shop has a Read already"):
            SecureApiFunction(stack, "Read", api=api, route="GET /others", entry=ENTRY)
        with pytest.raises(PropError, match="memory_mib"):
            SecureApiFunction(stack, "Write", api=api, route="PUT /users", entry=ENTRY, memory_mib=1)
        SecureApiFunction(stack, "Write", api=api, route="PUT /users", entry=ENTRY)

    def test_a_function_that_is_refused_leaves_no_empty_stack(self, stack: cdk.Stack) -> None:
        """Read and Read4 are dealt to one nested stack, Write to another."""
        api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
        SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY)
        for name in ("Write", "Read4"):
            with pytest.raises(PropError, match="memory_mib"):
                SecureApiFunction(stack, name, api=api, route=f"PUT /{name}", entry=ENTRY, memory_mib=1)
        assert len(resources_of(template_of(stack), "AWS::CloudFormation::Stack")) == 1


def test_an_api_says_the_way_out_before_its_stack_is_full(stack: cdk.Stack) -> None:
    api = SecureApi(stack, "Api", auth=Iam())
    warnings = []
    for number in range(31):
        SecureApiFunction(stack, f"Route{number}", api=api, route=f"GET /{number}", entry=ENTRY)
        warnings.append(len([each for each in api.node.metadata if each.type == "aws:cdk:warning"]))
    assert warnings == [0] * 29 + [1, 1]
    [warning] = [str(each.data) for each in api.node.metadata if each.type == "aws:cdk:warning"]
    assert "nest_functions=True" in warning


def long_path(name: str, pieces: int) -> str:
    return "".join(f"/{name}{number}" for number in range(pieces))


@pytest.mark.parametrize(("nested", "pieces"), [(True, 60), (False, 52), (False, 60)])
def test_a_stack_without_room_for_its_routes_says_the_way_out(app: cdk.App, nested: bool, pieces: int) -> None:
    stack = cdk.Stack(app, "Shop")
    api = SecureRestApi(stack, "Api", auth=Iam(), nest_functions=nested, cors_origins=["https://app.example.com"])
    for name in "ABCDEFGH":
        SecureApiFunction(stack, name, api=api, route=f"GET {long_path(name, pieces)}", entry=ENTRY)
    with pytest.raises(RuntimeError) as caught:
        app.synth()
    lines = str(caught.value).splitlines()
    [told] = [line for line in lines if "[Shop/Api]" in line]
    assert ("64 of functions" in told) is not nested
    assert f"and a stack takes 500; of these routes are 8 methods, {8 * pieces} pieces of paths, 8 answers to" in told
    assert lines[lines.index(told) + 1] == "  at:  Shop/Api (SecureRestApi)"
    apart = (
        "share pieces of paths, as /orders/{id} and /orders do, or give some of the routes a SecureRestApi of their "
        "own, in another stack; a SecureApi has neither"
    )
    nest = "set nest_functions=True on the SecureRestApi, which puts functions into nested stacks"
    wanted = {(True, 60): apart, (False, 52): nest, (False, 60): f"{nest}; {apart}"}[nested, pieces]
    assert lines[lines.index(told) + 2] == f"  fix: {wanted}"


def test_what_is_nested_takes_no_room(app: cdk.App) -> None:
    @dataclass
    class Routes:
        crowd: Mapping[str, int]

    stack = cdk.Stack(app, "Shop")
    for place in (stack, cdk.NestedStack(stack, "Part")):
        for number in range(MOST // 2 + 1):
            cdk.CfnResource(place, f"Topic{number}", type="AWS::SNS::Topic")
    room = Room(stack, Routes({"routes": MOST}))
    assert room.validate() == []
    for number in range(MOST // 2):
        cdk.CfnResource(stack, f"More{number}", type="AWS::SNS::Topic")
    [told] = room.validate()
    assert told.startswith(f"Shop has {MOST + 2} resources, and a stack takes {MOST}; of these routes are")
