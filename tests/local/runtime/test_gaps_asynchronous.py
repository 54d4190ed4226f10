"""Gaps of the base in asynchronous invocations; see `test_gaps`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.runtime.deployed import App
from tests.local.runtime.event_handlers import (
    admitting,
    allow,
    att,
    collected,
    deploy,
    obeying,
    queue,
    received,
    ref,
    seen,
    take_grants,
    until,
)

SEND = "sqs:SendMessage"
NAMES = ("Worker", "WorkerLogs", "Good", "Bad", "Dead")


def worker(*, may: bool = True, tries: int = 1, age: int = 60) -> dict[str, Any]:
    statements = [allow(SEND, [att("Good"), att("Bad"), att("Dead")])] if may else []
    return {
        **queue("Good"),
        **queue("Bad"),
        **queue("Dead"),
        **obeying("Worker", statements, DeadLetterConfig={"TargetArn": att("Dead")}),
        "Invocation": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": ref("Worker"),
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": tries - 1,
                "MaximumEventAgeInSeconds": age,
                "DestinationConfig": {
                    "OnSuccess": {"Destination": att("Good")},
                    "OnFailure": {"Destination": att("Bad")},
                },
            },
        },
    }


def without(resources: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: each for name, each in resources.items() if name not in names}


def invoke(app: App, function: str, event: Any) -> None:
    app.aws.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))


class TestFunctionDeadLetters:
    def test_is_kept_from_a_template_and_refused_where_the_role_may_not_send(self, stock: App, mended: App) -> None:
        def dead_letters(app: App) -> str:
            made = deploy(app, "Buries", without(worker(), "Invocation"), *NAMES)
            configuration = app.aws.client("lambda").get_function_configuration(FunctionName=made["Worker"])
            return str(configuration.get("DeadLetterConfig", {}).get("TargetArn", ""))

        assert dead_letters(stock) == ""
        assert ":Buries-Dead-" in dead_letters(mended)
        with pytest.raises(AssertionError, match="does not have permissions to call SendMessage on SQS"):
            deploy(mended, "MayNotBury", without(worker(may=False), "Invocation"), *NAMES)


class TestDestinationPermissions:
    def test_is_refused_where_the_role_may_not_tell_it(self, stock: App, mended: App) -> None:
        resources = worker(may=False)
        del resources["Worker"]["Properties"]["DeadLetterConfig"]
        deploy(stock, "MayNotTell", resources, *NAMES)
        with pytest.raises(AssertionError, match="does not have permissions to call SendMessage on arn:aws:sqs"):
            deploy(mended, "MayNotTell", resources, *NAMES)


class TestAsynchronousInvocation:
    def test_reports_success(self, stock: App, mended: App) -> None:
        def ends(app: App) -> tuple[dict[str, str], list[Any]]:
            made = deploy(app, "Succeeds", worker(), *NAMES)
            invoke(app, made["Worker"], {"answer": 42})
            until(lambda: seen(app, made["WorkerLogs"], "DONE"))
            if app is stock:
                return made, received(app, made["Good"])
            return made, collected(app, made["Good"], count=1)

        assert ends(stock)[1] == []
        made, [message] = ends(mended)
        told = json.loads(message["Body"])
        assert told["requestContext"]["condition"] == "Success"
        assert told["requestContext"]["functionArn"].endswith(f"function:{made['Worker']}:$LATEST")
        assert told["requestContext"]["requestId"] == seen(mended, made["WorkerLogs"])[0].id
        assert (told["requestPayload"], told["responsePayload"]) == ({"answer": 42}, 42)

    def test_sends_the_event_to_the_dead_letters_and_a_record_to_the_destination(self, stock: App, mended: App) -> None:
        def ends(app: App) -> tuple[list[Any], list[Any], list[Any]]:
            made = deploy(app, "Fails", worker(tries=2), *NAMES)
            event = {"do": "throw"}
            invoke(app, made["Worker"], event)
            bad = collected(app, made["Bad"], count=1)
            dead = received(app, made["Dead"]) if app is stock else collected(app, made["Dead"], count=1)
            return bad, dead, seen(app, made["WorkerLogs"])

        _, dead, _ = ends(stock)
        assert dead == []
        [bad], [dead_letter], tries = ends(mended)
        told = json.loads(bad["Body"])
        assert told["requestContext"]["condition"] == "RetriesExhausted"
        assert told["requestContext"]["approximateInvokeCount"] == 2
        assert told["responsePayload"]["errorType"] == "RangeError"
        assert json.loads(dead_letter["Body"]) == {"do": "throw"}
        assert dead_letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "told to"
        assert [each.id for each in tries] == [told["requestContext"]["requestId"]] * 2

    def test_tells_nobody_whom_the_role_may_not_tell_any_more(self, stock: App, mended: App) -> None:
        def told(app: App) -> list[Any]:
            by_the_queue = {**allow(SEND, att("Dead")), "Principal": {"AWS": att("WorkerRole")}}
            made = deploy(app, "NotAnyMore", worker() | admitting("Dead", by_the_queue), *NAMES)
            take_grants(app, "NotAnyMore-WorkerGrants")
            invoke(app, made["Worker"], {"do": "throw"})
            if app is stock:
                return collected(app, made["Bad"], count=1)
            collected(app, made["Dead"], count=1)  # which are told after the destination
            return received(app, made["Bad"])

        assert len(told(stock)) == 1
        assert told(mended) == []

    def test_keeps_a_throttled_event_until_it_is_too_old(self, mended: App, stock: App) -> None:
        def seen_after_throttling(app: App) -> int:
            made = deploy(app, "Throttled", worker(tries=1), *NAMES)
            functions = app.aws.client("lambda")
            functions.put_function_concurrency(FunctionName=made["Worker"], ReservedConcurrentExecutions=0)
            invoke(app, made["Worker"], {})
            if app is stock:
                collected(app, made["Bad"], count=1)
            functions.delete_function_concurrency(FunctionName=made["Worker"])
            if app is mended:
                until(lambda: seen(app, made["WorkerLogs"]))
            return len(seen(app, made["WorkerLogs"]))

        assert seen_after_throttling(stock) == 0
        assert seen_after_throttling(mended) == 1
