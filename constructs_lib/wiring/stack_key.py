"""The key of a hardened stack that was given none: one for everything in it, since each costs a dollar a month.

https://aws.amazon.com/kms/pricing/
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import IConstruct

KEY = "DefaultsKey"


def key_of_stack(scope: IConstruct, *, is_kept: bool) -> kms.IKey | None:
    """The key of the stack that a scope is deployed with, made with the first construct that needs it.

    Args:
        scope: Whose key it is; nested stacks share that of the stack they are nested in.
        is_kept: Whether data of the scope outlives the stack. Then so does the key, whoever asked for it first.
    """
    stack = next((each for each in reversed(scope.node.scopes) if isinstance(each, cdk.Stack)), None)
    while stack is not None and stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    if stack is None:
        return None
    known = stack.node.try_find_child(KEY)
    if not isinstance(known, kms.Key):
        known = kms.Key(
            stack,
            KEY,
            description=f"Encrypts what {stack.node.path} stores",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
    if is_kept:
        keep_with_data(known)
    return known


def keep_with_data(key: kms.IKey | None) -> None:
    """Let the key of a stack outlive it with the data it encrypts, which nobody could read without.

    A key of somebody else's stays as it was made.
    """
    if isinstance(key, kms.Key) and key.node.id == KEY:
        key.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
