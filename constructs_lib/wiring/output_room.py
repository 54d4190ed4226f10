"""How much of another stack a dashboard can refer to: each name it shows is an output of that stack."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from constructs_lib.wiring.app_stack import app_stack_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import IConstruct

    from constructs_lib.wiring.alarm_registry import Logged, Measured

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
OUTPUTS = 200
OF_ITS_OWN = 10  # are left for what a stack tells anybody else


class OutputRoom:
    """What is shown of other stacks, as far as those have room for it; of its own stack a dashboard shows everything.

    Names of what is measured come first, then the alarms of a stack, all or none: what one name takes is one line in
    several graphs.

    Args:
        dashboard: Where it is shown.
        logged: Whose logs its queries name.
    """

    def __init__(self, dashboard: IConstruct, logged: Iterable[Logged]) -> None:
        self._home = _deployed_with(dashboard)
        self._logs = Counter(_deployed_with(each.group) for each in logged)
        self._names: dict[str, set[str]] = defaultdict(set)
        self.left_out: set[str] = set()

    def shows(self, measured: Measured) -> bool:
        """Whether there is room for a construct, which then takes it."""
        stack = _deployed_with(measured.bearer)
        names = self._names[stack]
        if stack != self._home and measured.path not in names and len(names) >= self._room(stack):
            self.left_out.add(measured.path)
            return False
        names.add(measured.path)
        return True

    def lists(self, alarms: Iterable[cloudwatch.Alarm]) -> list[cloudwatch.Alarm]:
        """Return the alarms for which there is room beside all names."""
        shown = [(each, _deployed_with(each)) for each in alarms]
        number = Counter(stack for _, stack in shown)
        fits = {
            stack
            for stack in number
            if stack == self._home or number[stack] + len(self._names[stack]) <= self._room(stack)
        }
        return [alarm for alarm, stack in shown if stack in fits]

    def _room(self, stack: str) -> int:
        return OUTPUTS - OF_ITS_OWN - self._logs[stack]


def _deployed_with(construct: IConstruct) -> str:
    """The path of the stack that a construct is deployed with, also where it is in a nested one."""
    return str(app_stack_of(construct).node.path)
