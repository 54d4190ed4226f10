"""Which keys of a bucket are meant: those that begin one way and end another.

One meaning everywhere, so that two of them can be compared exactly: as the resource of a policy (`uploads/*.png`), and
as the pattern of a rule. A key has the prefix, then anything or nothing, then the suffix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

# A policy reads these as wildcards and variables, and has no way to mean the characters.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
MOST_KEY_BYTES = 1024  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
NOT_LITERAL = ("*", "?", "${")


@dataclass(frozen=True, slots=True)
class ObjectKeys:
    """All keys with this prefix and this suffix, which do not overlap in a key.

    Args:
        prefix: What the keys begin with; empty for any.
        suffix: What they end with; empty for any.
    """

    prefix: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        """Write them as a policy does: `uploads/*.png`."""
        return f"{self.prefix}*{self.suffix}"

    def check(self, refusals: Refusals) -> None:
        """Note what cannot be compared, what a policy would not take literally, and what no key begins with."""
        for name, text in (("prefix", self.prefix), ("suffix", self.suffix)):
            if cdk.Token.is_unresolved(text):
                refusals.refuse(
                    f"{name} is not known before deployment, so nobody could tell whether a function runs itself",
                    fix="write it out",
                )
                continue
            special = next((each for each in NOT_LITERAL if each in text), None)
            if special is not None:
                refusals.refuse(
                    f"{name} is {text!r}, and {special} has a meaning of its own in a policy",
                    fix="give how the keys begin as prefix and how they end as suffix; between them may be anything",
                )
        size = len(f"{self.prefix}{self.suffix}".encode())
        if size > MOST_KEY_BYTES and not cdk.Token.is_unresolved(f"{self.prefix}{self.suffix}"):
            refusals.refuse(
                f"prefix and suffix have {size} bytes, and no key has more than {MOST_KEY_BYTES}", fix="shorten them"
            )
        if self.prefix.startswith("/"):
            refusals.refuse(
                f"prefix is {self.prefix!r}, and keys do not begin with a slash unless somebody wrote one",
                fix=f"leave the slash out: prefix={self.prefix.lstrip('/')!r}",
            )

    def meets(self, other: ObjectKeys) -> bool:
        """Whether there is a key that is both: exact, since the longer prefix before the longer suffix is one."""
        return _one_begins_with_the_other(self.prefix, other.prefix) and _one_begins_with_the_other(
            self.suffix[::-1], other.suffix[::-1]
        )

    @property
    def pattern(self) -> list[object] | None:
        """These keys in the pattern of a rule; none for every key.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
        """
        if self.prefix and self.suffix:
            return [{"wildcard": "*".join(text.replace("\\", "\\\\") for text in (self.prefix, self.suffix))}]
        if self.suffix:
            return [{"suffix": self.suffix}]
        return [{"prefix": self.prefix}] if self.prefix else None


def _one_begins_with_the_other(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
