"""The variables of a function: references to secrets, never secrets."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.wiring.refusals import Refusals

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)

# What a SecretValue becomes in a template: CloudFormation would write the secret itself into the configuration.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
SECRET_REFERENCE = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")


def check_variable(scope: Construct, name: str, value: object, refusals: Refusals) -> None:
    """Note what is wrong with one environment variable."""
    if name in RESERVED:
        refusals.refuse(f"environment variable {name} is set by Lambda itself", fix="choose another name")
    elif not NAME.fullmatch(name):
        refusals.refuse(
            f"environment variable {name!r} is not a name Lambda takes",
            fix="use a letter, then letters, digits and underscores, two characters at least",
        )
    if isinstance(value, cdk.SecretValue) or (isinstance(value, str) and _is_secret(scope, value)):
        refusals.refuse(
            f"environment variable {name} would hold the value of a secret, for all who may see the function",
            fix=f'pass the secret itself: secrets={{"{name}": secret}}, and read it at run time',
        )
    elif not isinstance(value, str):
        refusals.refuse(
            f"environment variable {name} is a {type(value).__name__}, wanted a string",
            fix=f'pass str(...), or "{value}"',
        )


def _is_secret(scope: Construct, value: str) -> bool:
    if not cdk.Token.is_unresolved(value):
        return SECRET_REFERENCE.search(value) is not None
    if isinstance(cdk.Tokenization.reverse_string(value).first_token, cdk.SecretValue):
        return True
    return SECRET_REFERENCE.search(json.dumps(cdk.Stack.of(scope).resolve(value))) is not None
