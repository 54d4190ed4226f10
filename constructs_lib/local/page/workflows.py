"""Workflows on the page: their executions, each as a picture with what went into every state and what came out."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from constructs_lib.local.page.asked import text
from constructs_lib.local.page.passages import Passages
from constructs_lib.local.page.picture import picture_of
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from constructs_lib.local.page.asked import Asked
    from constructs_lib.local.page.clients import PageClients

MOST_EXECUTIONS = 100
MOST_EVENTS = 5000


def executions(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Return the latest executions of a workflow, the last one first."""
    workflows = clients.client("stepfunctions", text(asked, "region"))
    pages = workflows.get_paginator("list_executions").paginate(stateMachineArn=text(asked, "machine"))
    found = sorted((each for page in pages for each in page["executions"]), key=lambda each: each["startDate"])
    return {
        "executions": [
            {"arn": each["executionArn"], "name": each["name"], "status": each["status"], **_times(each)}
            for each in found[: -MOST_EXECUTIONS - 1 : -1]
        ]
    }


def drawing(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Return the picture of a workflow."""
    workflows = clients.client("stepfunctions", text(asked, "region"))
    told = workflows.describe_state_machine(stateMachineArn=text(asked, "machine"))
    return {"picture": _picture(told["definition"])}


def execution(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Return one execution: its picture, and what happened in each state."""
    workflows, arn = clients.client("stepfunctions", text(asked, "region")), text(asked, "execution")
    told = workflows.describe_execution(executionArn=arn)
    definition = workflows.describe_state_machine_for_execution(executionArn=arn)["definition"]
    passages = Passages()
    more: dict[str, Any] = {}
    for _ in range(MOST_EVENTS // 1000):
        page = workflows.get_execution_history(executionArn=arn, maxResults=1000, **more)
        for event in page["events"]:
            passages.take(event)
        if not page.get("nextToken"):
            break
        more = {"nextToken": page["nextToken"]}
    return {
        "arn": arn,
        "name": told["name"],
        "status": told["status"],
        **_times(told),
        "input": indented(told.get("input", "")),
        "output": indented(told.get("output", "")),
        "error": told.get("error", "") or passages.error,
        "cause": told.get("cause", "") or passages.cause,
        "picture": _picture(definition),
        "states": passages.states(told["status"]),
    }


def start(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Start an execution."""
    workflows = clients.client("stepfunctions", text(asked, "region"))
    given = text(asked, "input", default="") or "{}"
    with clients.trace() as trace:
        started = workflows.start_execution(stateMachineArn=text(asked, "machine"), input=given)
    return {"execution": started["executionArn"], "trace": trace}


def indented(told: str) -> str:
    """Return JSON in lines; what is none as it is."""
    try:
        return json.dumps(json.loads(told), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return told


def _times(told: dict[str, Any]) -> dict[str, float | None]:
    stop = told.get("stopDate")
    return {"started": told["startDate"].timestamp(), "stopped": None if stop is None else stop.timestamp()}


def _picture(definition: str) -> dict[str, Any]:
    try:
        read = json.loads(definition)
    except ValueError as error:
        problem = Problem(what=f"the definition is no JSON: {error}", where="the workflow", fix="deploy it again")
        raise LocalError(problem) from error
    return asdict(picture_of(read))
