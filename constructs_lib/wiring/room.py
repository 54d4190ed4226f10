"""Whether the stack of an API has room for its routes: said with a way out, before the CDK says it without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import aws_cdk as cdk
import jsii
from constructs import Construct, IConstruct, IValidation

from constructs_lib.problem import Problem
from constructs_lib.wiring.nested_functions import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 500  # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-quotas.html
WORTH_COUNTING = 250  # resources of routes alone: counting all of a stack takes time
PIECES, BROWSERS, FUNCTIONS = "pieces of paths", "answers to browsers", "of functions"


class Crowded(Protocol):
    """An API that knows what its routes put into its stack."""

    @property
    def crowd(self) -> Mapping[str, int]:
        """Resources of routes, by what they are."""
        raise NotImplementedError


@jsii.implements(IValidation)
class Room:
    """Looks, when an app is synthesized, whether a stack has more resources than CloudFormation takes.

    Args:
        api: The API.
        crowded: The same, as what knows its crowd.
    """

    def __init__(self, api: Construct, crowded: Crowded) -> None:
        self._api = api
        self._crowded = crowded

    def validate(self) -> list[str]:
        """Say that there is no room; nothing when there is."""
        crowd = {name: number for name, number in self._crowded.crowd.items() if number}
        if sum(crowd.values()) < WORTH_COUNTING:
            return []
        stack = cdk.Stack.of(self._api)
        number = _resources_below(stack)
        if number <= MOST:
            return []
        told = ", ".join(f"{each} {name}" for name, each in crowd.items())
        kind = type(self._api).__name__
        what = f"{stack.node.path} has {number} resources, and a stack takes {MOST}; of these routes are {told}"
        return [str(Problem(what, f"{self._api.node.path} ({kind})", _way_out(crowd, kind, number)))]


def _way_out(crowd: Mapping[str, int], kind: str, number: int) -> str:
    nest = f"set nest_functions=True on the {kind}, which puts functions into nested stacks"
    functions = crowd.get(FUNCTIONS, 0)
    if functions and number - functions + PARTS <= MOST:
        return nest
    way = f"give some of the routes a {kind} of their own, in another stack"
    if PIECES in crowd:
        neither = "neither" if BROWSERS in crowd else "none of these"
        way = f"share pieces of paths, as /orders/{{id}} and /orders do, or {way}; a SecureApi has {neither}"
    return f"{nest}; {way}" if functions else way


def _resources_below(construct: IConstruct) -> int:
    """The resources of a stack, without those of stacks in it."""
    found = int(isinstance(construct, cdk.CfnResource))
    return found + sum(_resources_below(each) for each in construct.node.children if not isinstance(each, cdk.Stack))
