"""References to other stacks that do not hold those stacks: what is only shown may be changed and removed.

A strong reference is an export, which CloudFormation refuses to remove while it is imported.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
"""

from __future__ import annotations

import re
from typing import TypeVar

import aws_cdk as cdk

Value = TypeVar("Value")
TOKEN = re.compile(r"\$\{Token\[[^\]]+\]\}")  # how the CDK writes what is known at deploy only into a string


def weakened(value: Value) -> Value:
    """The same value, all references in it weak; what is no reference stays as it is."""
    if isinstance(value, str):
        return _weak(value)  # type: ignore[return-value] # a string for a string
    if isinstance(value, list):
        return [weakened(each) for each in value]  # type: ignore[return-value] # a list for a list
    if isinstance(value, dict):
        return {key: weakened(each) for key, each in value.items()}  # type: ignore[return-value] # a dict for a dict
    return value


def _weak(text: str) -> str:
    return TOKEN.sub(lambda token: _weak_token(token[0]), text)


def _weak_token(text: str) -> str:
    token = cdk.Tokenization.reverse_string(text).first_token
    if not isinstance(token, cdk.Reference) or not isinstance(token.target, cdk.CfnResource):
        return text  # the region, a parameter: of this stack, or not known where
    # The attributes of an L2 only look like those of its resource, and those alone can be weakened.
    resource, name = token.target, token.display_name
    attribute = resource.ref if name == "Ref" else cdk.Token.as_string(resource.get_att(name))
    return cdk.Stack.consume_reference(attribute, cdk.ReferenceStrength.WEAK)
