"""Archives and policies of event buses in templates.

Stock knows neither type, so that a stack with one cannot be deployed.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-archive.html
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Addition

ARCHIVE = "AWS::Events::Archive"
BUS_POLICY = "AWS::Events::EventBusPolicy"


def _checked(answer: Any) -> None:
    status, _, body = answer
    if status != HTTPStatus.OK:
        raise ValueError(json.loads(body).get("message", "refused"))


def _archive(name: str, properties: Any) -> dict[str, Any]:
    pattern = properties.get("EventPattern") or ""
    return {
        "ArchiveName": name,
        "EventSourceArn": properties["SourceArn"],
        "Description": properties.get("Description", ""),
        "EventPattern": pattern if isinstance(pattern, str) else json.dumps(pattern),
        "RetentionDays": int(properties.get("RetentionDays", 0)),
    }


def _create_archive(logical_id: str, props: Any, stack_name: str) -> Any:
    provisioners = base("services.cloudformation.provisioners")
    name = props.get("ArchiveName") or provisioners._physical_name(stack_name, logical_id, max_len=48)
    _checked(base("services.eventbridge")._create_archive(_archive(name, props)))
    return name, {"Arn": base("services.eventbridge")._archives[name]["ArchiveArn"], "ArchiveName": name}


def _update_archive(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Any:
    del old_props, stack_name
    events = base("services.eventbridge")
    _checked(events._update_archive(_archive(physical_id, new_props)))
    return physical_id, {"Arn": events._archives[physical_id]["ArchiveArn"], "ArchiveName": physical_id}


def _delete_archive(physical_id: str, props: Any) -> None:
    del props
    base("services.eventbridge")._archives.pop(physical_id, None)


def _create_policy(logical_id: str, props: Any, stack_name: str) -> Any:
    del logical_id
    bus = props.get("EventBusName") or "default"
    told = base("services.eventbridge")._event_buses.get(bus)
    if told is None:
        raise ValueError(f"Event bus {bus} does not exist.")
    policy = json.loads(told.get("Policy") or '{"Version": "2012-10-17", "Statement": []}')
    statement = props.get("Statement") or {}
    statement = json.loads(statement) if isinstance(statement, str) else statement
    kept = [each for each in policy["Statement"] if each.get("Sid") != props["StatementId"]]
    policy["Statement"] = [*kept, {**statement, "Sid": props["StatementId"]}]
    told["Policy"] = json.dumps(policy)
    return f"{stack_name}-{props['StatementId']}", {}


def _update_policy(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Any:
    _delete_policy(physical_id, old_props)
    return _create_policy("", new_props, stack_name)


def _delete_policy(physical_id: str, props: Any) -> None:
    del physical_id
    told = base("services.eventbridge")._event_buses.get(props.get("EventBusName") or "default")
    if told is not None and told.get("Policy"):
        policy = json.loads(told["Policy"])
        policy["Statement"] = [each for each in policy["Statement"] if each.get("Sid") != props["StatementId"]]
        told["Policy"] = json.dumps(policy)


_MODULE = "services.cloudformation.provisioners"
PATCHES = (
    Addition(
        _MODULE,
        f"_RESOURCE_HANDLERS/{ARCHIVE}",
        {"create": _create_archive, "update": _update_archive, "delete": _delete_archive},
    ),
    Addition(
        _MODULE,
        f"_RESOURCE_HANDLERS/{BUS_POLICY}",
        {"create": _create_policy, "update": _update_policy, "delete": _delete_policy},
    ),
)
