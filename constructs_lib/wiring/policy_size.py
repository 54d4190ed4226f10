"""How many statements fit into one managed policy, before anybody knows the names in them.

A managed policy holds 6,144 characters without white space, and a role ten policies.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

CHARACTERS = 5_500  # the rest is the frame around the statements
MOST_POLICIES = 10
TOKEN_CHARACTERS = 130  # what an ARN or a name may have once it is known


def size_of(statement: iam.PolicyStatement) -> int:
    """About how long a statement will be once every name in it is known."""
    text = json.dumps(statement.to_statement_json(), separators=(",", ":"))
    return len(text) + text.count("${Token[") * TOKEN_CHARACTERS


def packed(statements: Iterable[iam.PolicyStatement]) -> list[list[iam.PolicyStatement]]:
    """Statements, in their order, in as many policies as they take, at least one; no two have the same Sid."""
    policies: list[list[iam.PolicyStatement]] = [[]]
    size, sids = 0, set[str]()
    for statement in (part for each in statements for part in _divided(each)):
        length = size_of(statement)
        if policies[-1] and size + length > CHARACTERS:
            policies.append([])
            size = 0
        policies[-1].append(_under_own_sid(statement, sids))
        size += length
    return policies


def _divided(statement: iam.PolicyStatement) -> Iterator[iam.PolicyStatement]:
    """The same permission, in statements that each fit into a policy."""
    resources, actions = statement.resources, statement.actions
    if size_of(statement) <= CHARACTERS or max(len(resources), len(actions)) == 1:
        yield statement
    elif len(resources) > 1:
        for some in _halves(resources):
            yield from _divided(statement.copy(resources=some))
    else:
        for some in _halves(actions):
            yield from _divided(statement.copy(actions=some))


def _halves(values: list[str]) -> tuple[list[str], list[str]]:
    middle = len(values) // 2
    return values[:middle], values[middle:]


def _under_own_sid(statement: iam.PolicyStatement, taken: set[str]) -> iam.PolicyStatement:
    """A statement whose Sid no other has; IAM takes no policy in which two are the same."""
    sid = statement.sid
    if not sid:
        return statement
    free = next(each for each in chain([sid], (f"{sid}{number}" for number in count(2))) if each not in taken)
    taken.add(free)
    return statement if free == sid else statement.copy(sid=free)
