"""What stands, by the names a user knows it by: the construct path, its end, or the name it has in AWS."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from constructs_lib.local.deploy import DeployedStack

SHOWN = 20  # names in an error; more would hide it


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing a user may name.

    Args:
        noun: What a user calls one.
        types: The types of resources that are one.
    """

    noun: str
    types: tuple[str, ...]


FUNCTION = Kind("function", ("AWS::Lambda::Function",))
QUEUE = Kind("queue", ("AWS::SQS::Queue",))
BUCKET = Kind("bucket", ("AWS::S3::Bucket",))


@dataclass(frozen=True, slots=True)
class Named:
    """One resource that stands.

    Args:
        path: Its construct path, as a user knows it.
        name: Its name in AWS.
        physical_id: Its id in AWS; the URL of a queue.
        region: Where it stands.
    """

    path: str
    name: str
    physical_id: str
    region: str


def with_nested(stacks: Iterable[DeployedStack]) -> Iterator[DeployedStack]:
    """Return each stack, and after it those inside."""
    for stack in stacks:
        yield stack
        yield from with_nested(stack.nested)


def all_named(stacks: Sequence[DeployedStack], kind: Kind) -> Iterator[Named]:
    """Return everything of a kind, stack by stack."""
    for stack in with_nested(stacks):
        for each in stack.of_type(*kind.types):
            name = each.physical_id.rpartition("/")[2]
            yield Named(stack.path_of(each), name, each.physical_id, stack.region)


def named(stacks: Sequence[DeployedStack], kind: Kind, told: str) -> Named:
    """Return the one thing of a kind that is meant.

    Args:
        stacks: What stands.
        kind: What is looked for.
        told: Its construct path (`Users/CreateUser`), the end of it if no other ends so (`CreateUser`), a construct
            that it is the only one in (`Orders/Intake` for `Orders/Intake/Function`), or its name.

    Raises:
        LocalError: Nothing is called so, or more than one thing is.
    """
    everything = list(all_named(stacks, kind))
    wanted = told.strip("/")
    found = [each for each in everything if wanted in {each.path, each.name}]
    found = found or [each for each in everything if each.path.endswith(f"/{wanted}")]
    found = found or [each for each in everything if f"/{wanted}/" in f"/{each.path}"]
    if len(found) == 1:
        return found[0]
    paths = sorted({each.path for each in everything})
    if found:
        what = f"{len(found)} {kind.noun}s are called {told}"
        fix = f"name one by its path or name: {', '.join(f'{each.path} ({each.name})' for each in found)}"
    else:
        what = f"no deployed {kind.noun} is called {told}{_hint(wanted, everything)}"
        fix = f"name one of: {_shown(paths)}" if paths else f"the app has no {kind.noun}; add one, and deploy it"
    where = ", ".join(stack.artifact.name for stack in stacks) or "no stack is deployed"
    raise LocalError(Problem(what=what, where=where, fix=fix))


def _hint(told: str, everything: list[Named]) -> str:
    """The name that was probably meant."""
    spelled = {name.lower(): name for each in everything for name in (each.path.rpartition("/")[2], each.name)}
    spelled |= {each.path.lower(): each.path for each in everything}
    nearest = get_close_matches(told.lower(), spelled, n=1)
    return f": did you mean {spelled[nearest[0]]}?" if nearest else ""


def _shown(paths: list[str]) -> str:
    more = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {more} more" if more > 0 else "")
