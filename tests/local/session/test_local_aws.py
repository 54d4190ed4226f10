from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from constructs_lib.local import LocalAws
from constructs_lib.local.iam_proof import check, prove
from constructs_lib.problem import LocalError
from tests.local.session.example_app import GREET, write_example

if TYPE_CHECKING:
    from pathlib import Path


class TestDeployed:
    def test_outputs_are_those_of_the_stacks(self, aws: LocalAws) -> None:
        table = aws.outputs["Users"]["Table"]
        assert table in aws.client("dynamodb").list_tables()["TableNames"]

    def test_calls_that_aws_serves_under_another_host_reach_it_too(self, aws: LocalAws) -> None:
        none = "arn:aws:states:us-east-1:000000000000:stateMachine:none"
        with pytest.raises(ClientError, match="StateMachineDoesNotExist"):  # on AWS: sync-states.<region>.amazonaws.com
            aws.client("stepfunctions").start_sync_execution(stateMachineArn=none)

    def test_an_open_route_answers(self, aws: LocalAws) -> None:
        answer = aws.call("POST", "/greet", json={"name": "Ada"})
        assert (answer.status, answer.text) == (200, '{"message": "Hello, Ada!"}')

    def test_a_route_with_iam_refuses_unsigned_calls(self, aws: LocalAws) -> None:
        assert aws.call("POST", "/users", json={"id": "eve"}).status == 403

    def test_what_a_signed_call_creates_is_in_the_table(self, aws: LocalAws) -> None:
        assert aws.call("POST", "/users", json={"id": "grace"}, signed=True).status == 201
        item = aws.client("dynamodb").get_item(TableName=aws.outputs["Users"]["Table"], Key={"id": {"S": "grace"}})
        assert item["Item"] == {"id": {"S": "grace"}}
        assert aws.call("GET", "/users/grace", signed=True).text == '{"id": "grace"}'

    def test_routes_come_with_commands(self, aws: LocalAws) -> None:
        assert {route.command("constructs-lib") for route in aws.routes} >= {
            f"curl -X POST {aws.url}/greet -H 'content-type: application/json' -d '{{\"name\": \"Ada\"}}'",
            f'constructs-lib call POST {aws.url}/users -d \'{{"id": "ada"}}\'',
            f"constructs-lib call GET {aws.url}/users/ada",
        }

    def test_logs_are_found_by_path_and_by_name(self, aws: LocalAws) -> None:
        aws.call("POST", "/greet", json={"name": "Hopper"})
        lines = aws.logs("Greeting/Greet", until="greeting Hopper")
        assert "greeting Hopper" in lines
        names = {path: name for name, path in aws.function_paths().items()}
        assert "greeting Hopper" in aws.logs(names["Greeting/Greet"])

    def test_a_function_that_is_not_deployed_is_named_with_those_that_are(self, aws: LocalAws) -> None:
        with pytest.raises(LocalError, match=r"no deployed function is called Nope(.|\n)*Greeting/Greet"):
            aws.logs("Nope")


class TestIam:
    def test_a_functions_own_client_may_do_what_its_role_says_and_no_more(self, aws: LocalAws) -> None:
        dynamodb, table = aws.client_of("Users/ReadUser", "dynamodb"), aws.outputs["Users"]["Table"]
        assert "Item" not in dynamodb.get_item(TableName=table, Key={"id": {"S": "nobody"}})
        with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DeleteItem"):
            dynamodb.delete_item(TableName=table, Key={"id": {"S": "nobody"}})

    def test_the_proof_shows_one_allowed_and_one_denied_call(self, aws: LocalAws) -> None:
        allowed, denied = prove(aws.stacks, aws.clients)
        assert (allowed.function, allowed.action, allowed.resource, allowed.denial) == (
            "Users/ReadUser", "dynamodb:GetItem", "table Users", "",
        )  # fmt: skip
        assert (denied.function, denied.action) == ("Users/ReadUser", "dynamodb:DeleteItem")
        assert "is not authorized to perform: dynamodb:DeleteItem" in denied.denial
        check([allowed, denied])

    def test_the_proof_leaves_nothing_behind(self, aws: LocalAws) -> None:
        table = aws.outputs["Users"]["Table"]
        before = aws.client("dynamodb").scan(TableName=table)["Count"]
        prove(aws.stacks, aws.clients)
        assert aws.client("dynamodb").scan(TableName=table)["Count"] == before

    def test_without_a_table_the_denied_call_is_for_one_that_is_not_there(self, aws: LocalAws) -> None:
        greeting = [stack for stack in aws.stacks if stack.artifact.name == "Greeting"]
        allowed, denied = prove(greeting, aws.clients)
        assert [(each.function, each.action, each.expected, bool(each.denial)) for each in (allowed, denied)] == [
            ("Greeting/Greet", "sts:GetCallerIdentity", True, False),
            ("Greeting/Greet", "dynamodb:GetItem", False, True),
        ]
        check([allowed, denied])

    def test_without_functions_there_is_nothing_to_prove(self, aws: LocalAws) -> None:
        assert prove([], aws.clients) == []

    def test_the_proof_fails_where_nothing_is_enforced(self, tmp_path: Path) -> None:
        with LocalAws.from_assembly(write_example(tmp_path / "cdk.out"), iam="off") as lax:
            proofs = prove(lax.stacks, lax.clients)
        with pytest.raises(LocalError) as caught:
            check(proofs)
        assert str(caught.value) == (
            "dynamodb:DeleteItem on table Users is granted nowhere but was allowed\n"
            "  at:  Users/ReadUser\n"
            "  fix: IAM is not enforced as it should be; please report it, and run with --iam off until it is mended"
        )


class TestState:
    def test_a_second_run_reuses_what_stands_and_keeps_the_data(self, tmp_path: Path) -> None:
        assembly, state = write_example(tmp_path / "cdk.out"), tmp_path / "state"
        with LocalAws.from_assembly(assembly, state=state) as first:
            assert [stack.outcome for stack in first.stacks] == ["created", "created"]
            first.call("POST", "/users", json={"id": "ada"}, signed=True)
        with LocalAws.from_assembly(assembly, state=state) as second:
            assert [stack.outcome for stack in second.stacks] == ["unchanged", "unchanged"]
            assert second.call("GET", "/users/ada", signed=True).text == '{"id": "ada"}'
            second.redeploy(write_example(tmp_path / "next", greet=GREET.replace("Hello", "Ahoy")))
            assert [stack.outcome for stack in second.stacks] == ["updated", "unchanged"]
            assert second.call("POST", "/greet", json={"name": "Ada"}).text == '{"message": "Ahoy, Ada!"}'
            assert second.call("GET", "/users/ada", signed=True).text == '{"id": "ada"}'

    def test_a_grant_taken_away_is_a_call_denied(self, tmp_path: Path) -> None:
        with LocalAws.from_assembly(write_example(tmp_path / "cdk.out", create_may="GetItem")) as running:
            assert running.call("POST", "/users", json={"id": "ada"}, signed=True).status == 500
            lines = running.logs("Users/CreateUser", until="not authorized")
        assert "is not authorized to perform: dynamodb:PutItem" in "\n".join(lines)

    def test_a_broken_assembly_starts_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(Exception, match=r"manifest\.json"):
            LocalAws.from_assembly(tmp_path, state=tmp_path / "state")
        assert not (tmp_path / "state").exists()
