"""Functions of one API in nested stacks, so that a stack of 500 resources can have more routes than would fit.

A route is two resources and a function ten or more. The routes stay in the stack of the API, under the ids they have
anyway; the functions go into nested stacks, each into the one its own path is dealt to. So no route that is added,
removed or renamed moves another function, and an API that changes its mind keeps every route while its functions move.
docs/decisions/resource-limit.md

The number, and why: all the routes that fit beside an API (about 230) leave about 16 functions in the fullest of 24
nested stacks, hardly ever more than 21: at 20 resources each, what CloudFormation takes and the guards do not warn of.
It never changes: functions would move.
"""

from __future__ import annotations

import hashlib

import aws_cdk as cdk
from constructs import Construct

PARTS = 24


class NestedFunctions:
    """The nested stacks of one API, made as soon as there is a function for them.

    Args:
        api: The API, below which they are; in another stack than its own, below a construct named after it.
    """

    def __init__(self, api: Construct) -> None:
        self._api = api
        self._parts: dict[str, cdk.NestedStack] = {}

    def place_of(self, scope: Construct, own_id: str) -> tuple[Construct, str]:
        """Where a function goes that was written into a scope, and under which id.

        One that was written into a nested stack stays there: its writer has split the stack already.
        """
        stack = cdk.Stack.of(scope)
        if stack.nested_stack_parent is not None:
            return scope, own_id
        path = "/".join([*scope.node.path.removeprefix(stack.node.path).strip("/").split("/"), own_id]).lstrip("/")
        return self._part(stack, part_of(path)), path.replace("/", "--")

    def leave(self, home: Construct) -> None:
        """Take away a nested stack that was made for a function which was refused: it would be deployed empty."""
        for key, part in self._parts.items():
            if part is home and not part.node.children and part.node.scope is not None:
                part.node.scope.node.try_remove_child(f"{part.node.id}.NestedStack")
                part.node.scope.node.try_remove_child(part.node.id)
                del self._parts[key]
                return

    def _part(self, stack: cdk.Stack, number: int) -> cdk.NestedStack:
        own = cdk.Stack.of(self._api)
        key = f"{stack.node.path}/{number}"
        if key not in self._parts:
            home = self._api if own.node.path == stack.node.path else self._home_in(stack)
            part = cdk.NestedStack(
                home, f"Part{number:02}", description=f"Functions of {self._api.node.path}, {number + 1} of {PARTS}"
            )
            # The names of functions begin with the stack's, which is made of this id, and are cut off after 64.
            if part.nested_stack_resource is not None:
                part.nested_stack_resource.override_logical_id(self._short_id(home, number))
            self._parts[key] = part
        return self._parts[key]

    def _short_id(self, home: Construct, number: int) -> str:
        path = home.node.path
        name = "".join(each for each in self._api.node.id if each.isascii() and each.isalnum())[:20]
        return f"{name}Part{number:02}{hashlib.sha256(path.encode()).hexdigest()[:4].upper()}"

    def _home_in(self, stack: cdk.Stack) -> Construct:
        own_id = f"FunctionsOf--{self._api.node.path.replace('/', '--')}"
        found = stack.node.try_find_child(own_id)
        return Construct(stack, own_id) if found is None else found  # type: ignore[return-value] # it was made here


def part_of(path: str) -> int:
    """The number of the nested stack that the function at a path, seen from its stack, is in."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big") % PARTS
