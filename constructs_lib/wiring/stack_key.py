"""The key of a hardened stack that was given none: one for everything in it, since each costs a dollar a month.

https://aws.amazon.com/kms/pricing/
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import IConstruct

from constructs_lib.wiring.app_stack import app_stack_of

KEY = "DefaultsKey"


def key_of_stack(scope: IConstruct, *, is_kept: bool) -> kms.IKey | None:
    """The key of the stack that a scope is deployed with, made with the first construct that needs it.

    Args:
        scope: Whose key it is; nested stacks share that of the stack they are nested in.
        is_kept: Whether data of the scope outlives the stack. Then so does the key, whoever asked for it first.
    """
    if not any(isinstance(each, cdk.Stack) for each in scope.node.scopes):
        return None
    stack = app_stack_of(scope)
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
