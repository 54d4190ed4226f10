"""The variables of a function: references to secrets, never secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

# Keys whose providers gave them a shape of their own, so that a leaked one is found.
LITERAL_SECRET = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|[rs]k_live_[0-9A-Za-z]{8,}|gh[pousr]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,}"
    r"|xox[abprs]-[0-9A-Za-z-]{10,}|AIza[0-9A-Za-z_-]{35}|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
)

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 4096


def check_name(name: str, refusals: Refusals) -> None:
    """Note what is wrong with the name of a variable."""
    if name in RESERVED:
        refusals.refuse(f"environment variable {name} is set by Lambda itself", fix="choose another name")
    elif not NAME.fullmatch(name):
        refusals.refuse(
            f"environment variable {name!r} is not a name Lambda takes",
            fix="use a letter, then letters, digits and underscores, two characters at least",
        )


def check_variable(scope: Construct, name: str, value: object, refusals: Refusals) -> None:
    """Note what is wrong with one environment variable."""
    check_name(name, refusals)
    if isinstance(value, cdk.SecretValue) or (isinstance(value, str) and is_secret(scope, value)):
        refusals.refuse(
            f"environment variable {name} would hold the value of a secret, for all who may see the function",
            fix=f'pass the secret itself: secrets={{"{name}": secret}}, and read it at run time',
        )
    elif not isinstance(value, str):
        refusals.refuse(
            f"environment variable {name} is a {type(value).__name__}, wanted a string",
            fix=f'pass str(...), or "{value}"',
        )


def check_size(variables: Mapping[str, str], refusals: Refusals) -> None:
    """Note variables that are too long together; what is not known before deploy is not counted."""
    size = sum(
        len(f"{name}{value}".encode()) for name, value in variables.items() if not cdk.Token.is_unresolved(value)
    )
    if size > MOST_BYTES:
        refusals.refuse(
            f"the environment has {size} bytes, Lambda takes {MOST_BYTES}",
            fix="keep what is long in a parameter or a file beside the handler",
        )


def is_secret(scope: Construct, value: str) -> bool:
    """Whether a value is, holds, or would become a secret."""
    if LITERAL_SECRET.search(value):
        return True
    if not cdk.Token.is_unresolved(value):
        return SECRET_REFERENCE.search(value) is not None
    if any(isinstance(token, cdk.SecretValue) for token in cdk.Tokenization.reverse_string(value).tokens):
        return True
    stack = cdk.Stack.of(scope)
    return _holds_secret(stack.resolve(value), _no_echo_parameters(stack))


def _holds_secret(resolved: object, no_echo: frozenset[str]) -> bool:
    match resolved:
        case {"Ref": str(name)} if name in no_echo:
            return True
        case dict():
            inside = list(resolved.values())
        case list():
            inside = resolved
        case _:
            inside = []
    return SECRET_REFERENCE.search(_flat(resolved)) is not None or any(_holds_secret(each, no_echo) for each in inside)


def _flat(resolved: object) -> str:
    """A value as one text, joins joined, what is not known left out as a mark."""
    match resolved:
        case str():
            return resolved
        case {"Fn::Join": [str(delimiter), list(parts)]}:
            return delimiter.join(_flat(part) for part in parts)
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]}:
            return text
        case _:
            return "?"


def _no_echo_parameters(stack: cdk.Stack) -> frozenset[str]:
    """The template's parameters that hide their values: they are secrets."""
    return frozenset(
        stack.resolve(child.logical_id)
        for child in stack.node.children
        if isinstance(child, cdk.CfnParameter) and child.no_echo
    )
