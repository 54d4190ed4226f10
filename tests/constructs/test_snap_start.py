"""Functions that start from a snapshot: what their template says, and what cannot have one."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from constructs_lib import Iam, PropError, SecureApi, SecureApiFunction, SecureFunction
from tests.findings import findings_of
from tests.templates import resources_of, template_of

NODE_ENTRY = "lambda_src/greeting/greet.ts"
PYTHON_ENTRY = "lambda_src/users/list_users.py"


class TestDefaults:
    def test_takes_a_snapshot_of_each_version_and_calls_that(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "List", api=api, route="GET /users", entry=PYTHON_ENTRY, snap_start=True)
        template = template_of(stack)
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}
        [alias] = resources_of(template, "AWS::Lambda::Alias")
        [integration] = resources_of(template, "AWS::ApiGatewayV2::Integration").values()
        assert integration["Properties"]["IntegrationUri"] == {"Ref": alias}

    def test_is_off_unless_asked_for(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "List", entry=PYTHON_ENTRY)
        template = template_of(stack)
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert "SnapStart" not in function["Properties"]
        assert resources_of(template, "AWS::Lambda::Version") == {}

    def test_has_no_findings(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "List", entry=PYTHON_ENTRY, snap_start=True).keep_failed_events()
        assert findings_of(stack) == []


class TestRefusals:
    def test_of_node(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "Greet", entry=NODE_ENTRY, snap_start=True)
        assert str(refused.value) == (
            "snap_start is not for nodejs24.x: Lambda takes no snapshots of it\n"
            "  at:  Shop/Greet (SecureFunction)\n"
            "  fix: leave it out; provisioned_concurrency=1 keeps an environment ready"
        )

    def test_of_an_older_python(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "List", entry=PYTHON_ENTRY, runtime=lambda_.Runtime.PYTHON_3_11, snap_start=True)
        assert str(refused.value) == (
            "snap_start is not for python3.11: Lambda takes no snapshots of it\n"
            "  at:  Shop/List (SecureFunction)\n"
            "  fix: use Python 3.12 or later"
        )

    def test_beside_provisioned_concurrency(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "List", entry=PYTHON_ENTRY, snap_start=True, provisioned_concurrency=1)
        assert str(refused.value) == (
            "snap_start and provisioned_concurrency exclude each other\n"
            "  at:  Shop/List (SecureFunction)\n"
            "  fix: leave one out: a snapshot starts within a second, an environment that is kept ready at once"
        )
