"""What a distributed Map writes of its children: the objects and the manifest of a `ResultWriter`.

Stock puts out the results and writes nothing.
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from constructs_lib.local.overlay.authority import acting_as
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.workflow_role import Need, check, current_role

Execution = dict[str, Any]
NAMES = {
    "executionArn": "ExecutionArn",
    "input": "Input",
    "inputDetails": "InputDetails",
    "name": "Name",
    "output": "Output",
    "outputDetails": "OutputDetails",
    "error": "Error",
    "cause": "Cause",
    "startDate": "StartDate",
    "stateMachineArn": "StateMachineArn",
    "status": "Status",
    "stopDate": "StopDate",
}  # of an execution, as it is written
KINDS = ("FAILED", "PENDING", "SUCCEEDED")


def transformed(children: Sequence[Execution], writer: Mapping[str, Any]) -> list[Any]:
    """The results in the form the writer asks for: whole records, outputs, or what is in the outputs."""
    told = (writer.get("WriterConfig") or {}).get("Transformation")
    if told in {None, "NONE"}:
        return [_record(each) for each in children]
    outputs = [_output(each) for each in children]
    if told == "FLATTEN":
        return [inner for each in outputs for inner in (each if isinstance(each, list) else [each])]
    return outputs


def write(
    writer: Mapping[str, Any], arguments: Mapping[str, Any], run: Execution, children: Sequence[Execution]
) -> Any:
    """Write the children of a run to a bucket, with the role of the workflow.

    Args:
        writer: The `ResultWriter` of the state.
        arguments: Its bucket and prefix, resolved.
        run: The run.
        children: Its children, in the order of the items.

    Returns:
        What the state puts out instead of the results.
    """
    bucket, identifier = str(arguments.get("Bucket", "")), run["mapRunArn"].rpartition(":")[2]
    prefix = "/".join(each for each in (str(arguments.get("Prefix") or "").strip("/"), identifier) if each)
    check([Need("s3:PutObject", f"arn:aws:s3:::{bucket}/{prefix}/manifest.json")])
    config = writer.get("WriterConfig") or {}
    is_lines = config.get("OutputType") == "JSONL"
    files: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        found = [each for each in children if _kind(each) == kind]
        if found:
            values = transformed(found, writer) if kind == "SUCCEEDED" else [_record(each) for each in found]
            content = "\n".join(map(json.dumps, values)) if is_lines else json.dumps(values)
            key = f"{prefix}/{kind}_0.{'jsonl' if is_lines else 'json'}"
            _put(bucket, key, content)
            files[kind].append({"Key": key, "Size": len(content.encode())})
    manifest = {"DestinationBucket": bucket, "MapRunArn": run["mapRunArn"], "ResultFiles": files}
    _put(bucket, f"{prefix}/manifest.json", json.dumps(manifest))
    run["itemCounts"]["resultsWritten"] = run["executionCounts"]["resultsWritten"] = len(children)
    return {
        "MapRunArn": run["mapRunArn"],
        "ResultWriterDetails": {"Bucket": bucket, "Key": f"{prefix}/manifest.json"},
    }


def _put(bucket: str, key: str, content: str) -> None:
    """Store an object; that the role may is known, a bucket's policy may still deny it."""
    objects, workflows, role = base("services.s3"), base("services.stepfunctions"), current_role()
    headers = {"content-type": "application/json"}
    principal = "" if role is None else role.principal
    status, _, answer = acting_as(principal, lambda: objects._put_object(bucket, key, content.encode(), headers))
    if status != HTTPStatus.OK:
        raise workflows._ExecutionError("States.ResultWriterFailed", f"{bucket}/{key} is not written: {answer!r}")


def _kind(child: Execution) -> str:
    kinds = {"SUCCEEDED": "SUCCEEDED", "RUNNING": "PENDING"}
    return kinds.get(child["status"], "FAILED")


def _record(child: Execution) -> dict[str, Any]:
    return {name: child[key] for key, name in NAMES.items() if child.get(key) is not None}


def _output(child: Execution) -> Any:
    if child["status"] == "SUCCEEDED":
        return json.loads(child["output"])
    return {"Error": child.get("error"), "Cause": child.get("cause")}
