"""Gaps of the base in who may call Lambda's API; see `test_gaps`."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import App

_numbers = itertools.count()


class Caller:
    """A user who may do one thing with a function that has a version and an alias."""

    def __init__(self, app: App, action: str, suffix: str = "") -> None:
        functions, self.name = app.aws.client("lambda"), app.outputs["Echo"]
        functions.publish_version(FunctionName=self.name)
        if not functions.list_aliases(FunctionName=self.name)["Aliases"]:
            functions.create_alias(FunctionName=self.name, Name="live", FunctionVersion="1")
        arn = functions.get_function_configuration(FunctionName=self.name)["FunctionArn"]
        user = f"lambda-{next(_numbers)}"
        users = app.aws.client("iam")
        users.create_user(UserName=user)
        statement = {"Effect": "Allow", "Action": action, "Resource": f"{arn}{suffix}"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        users.put_user_policy(UserName=user, PolicyName="one", PolicyDocument=document)
        key = users.create_access_key(UserName=user)["AccessKey"]
        self._client = app.aws.client("lambda", key["AccessKeyId"], key["SecretAccessKey"])

    def may(self, operation: str, **arguments: Any) -> bool:
        try:
            answer = getattr(self._client, operation)(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            return False
        for name in ("Payload", "EventStream"):
            if name in answer:
                answer[name].close()
        return True


class TestLambdaAuthorization:
    @pytest.mark.parametrize(
        ("granted", "operation", "arguments"),
        [
            ("lambda:GetFunction", "invoke_with_response_stream", {}),
            ("lambda:ListAliases", "update_alias", {"Name": "live", "Description": "changed"}),
            ("lambda:UpdateFunctionCode", "put_function_event_invoke_config", {"MaximumRetryAttempts": 1}),
            ("lambda:PutFunctionConcurrency", "get_function_concurrency", {}),
        ],
    )
    def test_asks_for_the_action_of_the_call(
        self, stock: App, mended: App, granted: str, operation: str, arguments: dict[str, Any]
    ) -> None:
        caller = Caller(stock, granted)
        assert caller.may(operation, FunctionName=caller.name, **arguments)
        caller = Caller(mended, granted)
        assert not caller.may(operation, FunctionName=caller.name, **arguments)

    @pytest.mark.parametrize(
        ("granted", "operation", "arguments"),
        [
            ("lambda:InvokeFunction", "invoke_with_response_stream", {}),
            ("lambda:GetAlias", "get_alias", {"Name": "live"}),
            ("lambda:GetFunctionConcurrency", "get_function_concurrency", {}),
            ("lambda:GetPolicy", "get_policy", {}),
        ],
    )
    def test_lets_in_who_has_the_grant(
        self, mended: App, granted: str, operation: str, arguments: dict[str, Any]
    ) -> None:
        caller = Caller(mended, granted)
        assert caller.may(operation, FunctionName=caller.name, **arguments)

    def test_invokes_a_qualifier_with_a_grant_on_it_alone(self, stock: App, mended: App) -> None:
        def may(app: App, suffix: str) -> list[bool]:
            caller = Caller(app, "lambda:InvokeFunction", suffix)
            ways: list[dict[str, str]] = [
                {"FunctionName": caller.name},
                {"FunctionName": caller.name, "Qualifier": "live"},
                {"FunctionName": f"{caller.name}:live"},
                {"FunctionName": caller.name, "Qualifier": "1"},
            ]
            return [caller.may("invoke", **each) for each in ways]

        assert may(stock, "") == [True, True, False, True]
        assert may(mended, "") == [True, False, False, False]
        assert may(mended, ":live") == [False, True, True, False]
        assert may(mended, "*") == [True, True, True, True]
