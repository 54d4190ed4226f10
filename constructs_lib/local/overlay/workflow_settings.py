"""A workflow is refused where its role could not serve it, and keeps its log settings.

Stock takes any role, and keeps the log settings of a template under names nobody reads.
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.authority import Role, here
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

SERVICE = "states.amazonaws.com"
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
LOG_ACTIONS = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
NESTED_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
_TYPE = "_RESOURCE_HANDLERS/AWS::StepFunctions::StateMachine"


def problem(role_arn: str, name: str, definition: str, logging: dict[str, Any]) -> str:
    """Why AWS would not create the workflow; empty when it would."""
    account, region = here()
    role = Role(role_arn, "states")
    machine = f"arn:aws:states:{region}:{account}:stateMachine:{name}"
    if role.trust_denial(SERVICE, {"aws:SourceArn": machine, "aws:SourceAccount": account}):
        return (
            f"Neither the global service principal {SERVICE}, nor the regional one is authorized to assume the "
            f"provided role: {role_arn}"
        )
    if logging.get("level", "OFF") != "OFF":
        for action in LOG_ACTIONS:
            if denial := role.denial(action, "*", region=region):
                return f"The state machine IAM Role is not authorized to access the Log Destination: {denial}"
    if ":states:startExecution.sync" in definition:
        rule = f"arn:aws:events:{region}:{account}:rule/{NESTED_RULE}"
        for action in RULE_ACTIONS:
            if denial := role.denial(action, rule, region=region):
                return f"'{role_arn}' is not authorized to create managed-rule: {denial}"
    return ""


def as_api(told: Any) -> Any:
    """Log settings of a template as the API has them."""
    if isinstance(told, list):
        return [as_api(each) for each in told]
    if not isinstance(told, dict):
        return told
    return {f"{name[:1].lower()}{name[1:]}": as_api(value) for name, value in told.items()}


def _wrap_api(stock: Any) -> Any:
    def create_state_machine(data: Any) -> Any:
        told = problem(
            data.get("roleArn", ""),
            data.get("name", ""),
            data.get("definition", ""),
            data.get("loggingConfiguration") or {},
        )
        if not told:
            return stock(data)
        headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": "AccessDeniedException"}
        return 400, headers, json.dumps({"__type": "AccessDeniedException", "message": told}).encode()

    return create_state_machine


def _settings(properties: Any) -> Any:
    """The properties, with a default for the booleans that AWS reports, and the log settings as the API has them."""
    logging = as_api(properties.get("LoggingConfiguration") or {"Level": "OFF"})
    logging.setdefault("includeExecutionData", False)
    logging["includeExecutionData"] = str(logging["includeExecutionData"]).lower() == "true"
    return {**properties, "LoggingConfiguration": logging}


def _refuse(physical_name: str, properties: Any) -> None:
    definition = base("services.cloudformation.provisioners")._sfn_definition(properties)
    told = problem(properties.get("RoleArn", ""), physical_name, definition, properties["LoggingConfiguration"])
    if told:
        raise ValueError(told)


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        settings = _settings(props)
        name = props.get("StateMachineName") or f"{stack_name}-{logical_id}"
        _refuse(name, settings)
        return stock(logical_id, settings, stack_name)

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        settings = _settings(new_props)
        _refuse(physical_id.rsplit(":", 1)[-1], settings)
        return stock(physical_id, _settings(old_props), settings, stack_name, logical_id)

    return update


PATCHES = (
    Patch("services.stepfunctions", "_create_state_machine", ("data",), _wrap_api),
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/create",
        ("logical_id", "props", "stack_name"),
        _wrap_create,
    ),
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/update",
        ("physical_id", "old_props", "new_props", "stack_name", "logical_id"),
        _wrap_update,
    ),
)
