"""Every alarm of an app that our constructs raise, and whoever wants to hear of those below a scope, in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import IConstruct

    Listener: TypeAlias = Callable[[cloudwatch.Alarm], None]

ATTRIBUTE = "_constructs_lib_alarms"


@dataclass(slots=True)
class AlarmRegistry:
    """The alarms of one app, and who listens to which; a construct is known by its path."""

    alarms: list[tuple[str, cloudwatch.Alarm]] = field(default_factory=list)
    listeners: list[tuple[str, Listener]] = field(default_factory=list)

    def add(self, alarm: cloudwatch.Alarm) -> None:
        """Remember an alarm, and tell whoever listens to it."""
        path = alarm.node.path
        self.alarms.append((path, alarm))
        for scope, listener in self.listeners:
            if _is_below(path, scope):
                listener(alarm)

    def listen(self, scope: IConstruct, listener: Listener) -> None:
        """Tell of every alarm below a scope: of those there are, and of those to come."""
        self.listeners.append((scope.node.path, listener))
        for path, alarm in tuple(self.alarms):
            if _is_below(path, scope.node.path):
                listener(alarm)


def alarms_of(construct: IConstruct) -> AlarmRegistry:
    """What is known of the app that a construct belongs to.

    It is kept at each scope around the construct: the CDK makes a new object for a scope that nobody here holds, and
    whoever calls holds one of them.
    """
    scopes = construct.node.scopes
    known = (getattr(each, ATTRIBUTE, None) for each in scopes)
    registry = next((each for each in known if isinstance(each, AlarmRegistry)), None) or AlarmRegistry()
    for each in scopes:
        setattr(each, ATTRIBUTE, registry)
    return registry


def _is_below(path: str, scope: str) -> bool:
    return not scope or path == scope or path.startswith(f"{scope}/")
