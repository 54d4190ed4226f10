"""Registers the guards for the whole app, once: whoever uses one of our constructs has all of the app looked at."""

from __future__ import annotations

from weakref import WeakSet

import aws_cdk as cdk
from constructs import IConstruct

LOOP = "ServerlessGuards::recursion"  # what is acknowledged where one loop is meant

_GUARDED: WeakSet[IConstruct] = WeakSet()  # the apps that have them


def guard(construct: IConstruct) -> None:
    """Have the app of a construct checked when it is synthesized; a tree without an app never is."""
    root = construct.node.root
    if root in _GUARDED or not isinstance(root, cdk.Stage):
        return
    _GUARDED.add(root)
    # the one line by which constructs know a reader of assemblies
    from constructs_lib.guards.plugin import ServerlessGuards  # noqa: PLC0415 - not needed to import a construct

    cdk.Validations.of(root).add_plugins(ServerlessGuards())
