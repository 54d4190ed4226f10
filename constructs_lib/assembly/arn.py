"""An Amazon Resource Name in pieces, of which some may be unknown.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from constructs_lib.assembly.value import Symbol, Text

PIECES = 6  # arn, partition, service, region, account, resource


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN.

    Args:
        service: The service, such as `sqs`.
        region: Its region; empty where the service has none.
        account: Its account; empty where the service has none.
        resource: The rest: `table/Users`, `function:Greet`, or a name alone.
    """

    service: Text
    region: Text
    account: Text
    resource: Text

    @staticmethod
    @lru_cache(maxsize=50_000)
    def parse(text: Text) -> Arn | None:
        """Read an ARN; none if this is something else, or nobody can tell."""
        if not text.startswith("arn:"):
            return None
        pieces = text.split(":", PIECES - 1)
        return Arn(*pieces[2:]) if len(pieces) == PIECES else None


def could_be_one(first: Text, second: Text) -> bool:
    """Whether two regions, or two accounts, may be the same: they are, or one is not known or not told."""
    return first == second or first.literal in {None, ""} or second.literal in {None, ""}


def are_surely_two(one: Text, other: Text) -> bool:
    """Whether two names, or two ARNs of one kind, begin to differ with names that AWS generates.

    Those are unique, and none is the beginning of another: what follows does not matter, a star neither.
    """
    for first, second in zip(one.parts, other.parts, strict=False):
        if first != second:
            return is_generated(first) and is_generated(second)
    return False


def is_generated(part: str | Symbol) -> bool:
    """Whether a piece of a text is a name that AWS generates for a resource."""
    return isinstance(part, Symbol) and part.kind == "name"
