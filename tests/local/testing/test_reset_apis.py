"""After a reset nobody has called an API yet: quotas and throttles begin anew."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from constructs_lib.local import LocalAws

MOCK = {
    "Type": "MOCK",
    "RequestTemplates": {"application/json": '{"statusCode": 200}'},
    "IntegrationResponses": [{"StatusCode": "200"}],
}


def api(stage: str, key: str) -> dict[str, Any]:
    """A mock that a key may call once a day."""
    rest = {"RestApiId": {"Ref": "Api"}}
    root = {"Fn::GetAtt": ["Api", "RootResourceId"]}
    method = {**rest, "ResourceId": root, "HttpMethod": "GET", "AuthorizationType": "NONE", "ApiKeyRequired": True}
    staged = {**rest, "StageName": stage, "DeploymentId": {"Ref": "Deployment"}}
    plan = {
        "ApiStages": [{"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "Stage"}}],
        "Quota": {"Limit": 1, "Period": "DAY"},
    }
    paired = {"KeyId": {"Ref": "Key"}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": "Plan"}}
    declared = {
        "Api": ("RestApi", {"Name": stage}),
        "Method": ("Method", {**method, "Integration": MOCK}),
        "Deployment": ("Deployment", rest),
        "Stage": ("Stage", staged),
        "Key": ("ApiKey", {"Enabled": True, "Value": key}),
        "Plan": ("UsagePlan", plan),
        "PlanKey": ("UsagePlanKey", paired),
    }
    resources: dict[str, Any] = {
        name: {"Type": f"AWS::ApiGateway::{kind}", "Properties": properties}
        for name, (kind, properties) in declared.items()
    }
    resources["Deployment"]["DependsOn"] = "Method"
    return {"Resources": resources}


@pytest.mark.usefixtures("reset")
def test_quotas_begin_anew(local_app: LocalAws, reset: Callable[[], None]) -> None:
    stage, stacks = f"s{uuid.uuid4().hex[:8]}", local_app.client("cloudformation")
    key = f"a-key-of-the-stage-{stage}"
    stacks.create_stack(StackName=stage, TemplateBody=json.dumps(api(stage, key)))
    stacks.get_waiter("stack_create_complete").wait(StackName=stage, WaiterConfig={"Delay": 1})

    def status() -> int:
        return local_app.call("GET", f"/{stage}", headers={"x-api-key": key}).status

    assert (status(), status()) == (200, 429)
    reset()
    assert status() == 200
