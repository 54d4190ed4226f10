"""From an L2 to the CloudFormation resource under it, typed."""

from __future__ import annotations

from typing import TypeVar

from constructs import IConstruct

Resource = TypeVar("Resource")


def resource_of(construct: IConstruct, kind: type[Resource]) -> Resource:
    """The resource an L2 stands for.

    Raises:
        TypeError: It is of another kind: the CDK has changed under us.
    """
    child = construct if isinstance(construct, kind) else construct.node.default_child
    if not isinstance(child, kind):
        message = f"{construct.node.path} stands for {type(child).__name__}, expected {kind.__name__}"
        raise TypeError(message)
    return child
