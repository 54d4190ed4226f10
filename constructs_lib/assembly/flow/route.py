"""A way on: from one place to the next, by one resource of a template, for what passes its filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.message import Message, Passage
from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.text_set import Extent

if TYPE_CHECKING:
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.resource import Resource


Filter = Callable[[Message], Passage]  # says how much of a message goes on, and as what
Reader = Callable[["Assembly"], Iterable["Route"]]  # finds the routes that one kind of resource makes


@frozen
class Route:
    """One way on.

    Args:
        source: Where it begins.
        target: Where it ends.
        by: The resource that makes it.
        does: What happens, in words that fit between the two: `notifies`, `delivers to`.
        passes: How much of a message goes on.
        is_asynchronous: Whether a function at its end is invoked without anybody waiting, so that its destinations
            apply.
        only_asynchronous: Whether it is only taken when the function at its beginning was invoked so.
    """

    source: Node
    target: Node
    by: Resource
    does: str
    passes: Filter
    is_asynchronous: bool = False
    only_asynchronous: bool = False


def everything(message: Message) -> Passage:
    """Let everything pass as it is."""
    return Passage(Extent.ALL, message=message)


def everything_as_something_else(_message: Message) -> Passage:
    """Let everything pass, as something of which nothing is known."""
    return Passage(Extent.ALL)
