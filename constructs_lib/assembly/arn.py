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
    """Whether two names, or two ARNs of one kind, differ in nothing but names that AWS generates, which are unique."""
    if len(one.parts) != len(other.parts):
        return False
    different = [(first, second) for first, second in zip(one.parts, other.parts, strict=True) if first != second]
    return bool(different) and all(_is_generated(first) and _is_generated(second) for first, second in different)


def _is_generated(part: str | Symbol) -> bool:
    return isinstance(part, Symbol) and part.kind == "name"
