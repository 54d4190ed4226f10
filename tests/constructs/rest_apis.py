"""What the tests of REST APIs share."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito

from constructs_lib import (
    Iam,
    SecureApiFunction,
    SecureRestApi,
)
from tests.templates import resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
NEW_USER = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


def only(stack: cdk.Stack, kind: str) -> dict[str, Any]:
    [resource] = resources_of(template_of(stack), kind).values()
    return dict(resource["Properties"])


def api_of(stack: cdk.Stack, name: str = "Api", **props: Any) -> SecureRestApi:
    api = SecureRestApi(stack, name, auth=Iam(), **props)
    SecureApiFunction(stack, f"{name}Health", api=api, route="GET /health", entry=ENTRY)
    return api


def method_of(stack: cdk.Stack, auth: Any, route: str = "POST /users", **props: Any) -> dict[str, Any]:
    api = SecureRestApi(stack, "Api", auth=auth)
    SecureApiFunction(stack, "Users", api=api, route=route, entry=ENTRY, **props)
    return only(stack, "AWS::ApiGateway::Method")


def pool_of(stack: cdk.Stack) -> cognito.UserPool:
    return cognito.UserPool(
        stack,
        "Pool",
        password_policy=cognito.PasswordPolicy(
            min_length=12, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
        ),
        feature_plan=cognito.FeaturePlan.PLUS,
        standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION,
        mfa=cognito.Mfa.REQUIRED,
        mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
    )
