"""The stack a user would name: the one that is deployed by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs import IConstruct


def app_stack_of(construct: IConstruct) -> cdk.Stack:
    """The stack of a construct; of one in a nested stack, the stack around that."""
    stack = cdk.Stack.of(construct)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack
