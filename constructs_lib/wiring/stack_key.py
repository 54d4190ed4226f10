"""The key of a hardened stack that was given none: one for everything in it, since each costs a dollar a month.

https://aws.amazon.com/kms/pricing/
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import IConstruct

KEY = "DefaultsKey"


def key_of_stack(scopes: list[IConstruct], removal_policy: cdk.RemovalPolicy) -> kms.IKey | None:
    """The key of the outermost stack among these scopes, made with the first construct that needs it."""
    stack = next((each for each in scopes if isinstance(each, cdk.Stack)), None)
    if stack is None:
        return None
    known = stack.node.try_find_child(KEY)
    if isinstance(known, kms.Key):
        return known
    return kms.Key(
        stack,
        KEY,
        description=f"Encrypts what {stack.node.path} stores",
        enable_key_rotation=True,
        removal_policy=removal_policy,
    )
