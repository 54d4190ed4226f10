"""What an app has to be watched: its alarms, measures and logs, and whoever wants to hear of those, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import aws_cdk as cdk

from constructs_lib.wiring.app_stack import app_stack_of

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_logs as logs
    from constructs import IConstruct

    from constructs_lib.wiring.refusals import Refusals

    Listener: TypeAlias = Callable[[cloudwatch.Alarm], None]

ATTRIBUTE = "_constructs_lib_alarms"


@dataclass(frozen=True, slots=True)
class Measured:
    """A construct that can be shown on a dashboard.

    Args:
        bearer: The construct itself.
        path: Its path.
        stage: The path of its stage, or of the app.
        kind: Beside what others it is shown: `Functions`.
        metrics: What is shown of it, by the name of the graph; asked when the dashboard is drawn.
        part: Which part of it that is, where it is shown in several lines.
    """

    bearer: IConstruct
    path: str
    stage: str
    kind: str
    metrics: Callable[[], Mapping[str, cloudwatch.IMetric]]
    part: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """A construct that writes logs.

    Args:
        path: Its path.
        stage: The path of its stage, or of the app.
        group: Where it writes them.
        service: The name under which Powertools traces it; none for what is no function.
    """

    path: str
    stage: str
    group: logs.ILogGroup
    service: str | None


@dataclass(frozen=True, slots=True)
class Watcher:
    """A construct that watches the alarms of a scope, and what that makes one stack wait for.

    Args:
        path: Its path.
        stack: The path of the stack it is deployed with.
        scope: The path of what it watches.
        is_shown: Whether its stack refers to those of the alarms; they refer to its stack otherwise.
    """

    path: str
    stack: str
    scope: str
    is_shown: bool


@dataclass(slots=True)
class AlarmRegistry:
    """The alarms of one app, and who listens to which; a construct is known by its path."""

    alarms: list[tuple[str, cloudwatch.Alarm]] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    listeners: list[tuple[str, Listener]] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    logged: list[Logged] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)  # how many each alarm has, by its path

    def alarms_below(self, scope: str, stage: str) -> list[cloudwatch.Alarm]:
        """The alarms below a scope that are deployed with this stage, so far."""
        return [alarm for path, alarm in self.alarms if is_below(path, scope) and stage_of(alarm) == stage]

    def measured_below(self, scope: str, stage: str) -> list[Measured]:
        """What can be shown of a scope and is deployed with this stage, so far."""
        return [each for each in self.measured if is_below(each.path, scope) and each.stage == stage]

    def logged_below(self, scope: str, stage: str) -> list[Logged]:
        """Who writes logs below a scope and is deployed with this stage, so far."""
        return [each for each in self.logged if is_below(each.path, scope) and each.stage == stage]

    def watch(self, watcher: IConstruct, covered: IConstruct, *, by: IConstruct, is_shown: bool) -> None:
        """Remember who watches a scope, and by which construct of theirs, for `check_circle`."""
        stack = app_stack_of(by).node.path
        self.watchers.append(Watcher(watcher.node.path, stack, covered.node.path, is_shown))

    def check_circle(self, alarm: cloudwatch.AlarmBase, refusals: Refusals) -> None:
        """Refuse one stack that shows an alarm of another stack and is told of it: each would wait for the other."""
        path, stack = alarm.node.path, app_stack_of(alarm).node.path
        watchers = [each for each in self.watchers if each.stack != stack and is_below(path, each.scope)]
        for page in (each for each in watchers if each.is_shown):
            for told in (each for each in watchers if not each.is_shown and each.stack == page.stack):
                refusals.refuse(
                    f"{page.path} shows {path}, which tells {told.path}: their stack would wait for that of the alarm, "
                    "and that for theirs",
                    fix="give Alerts and Dashboard a stack each; examples/operations.py does",
                )

    def add(self, alarm: cloudwatch.Alarm) -> None:
        """Remember an alarm, and tell whoever listens to it."""
        path = alarm.node.path
        self.alarms.append((path, alarm))
        for scope, listener in self.listeners:
            if is_below(path, scope):
                listener(alarm)

    def listen(self, scope: IConstruct, listener: Listener) -> None:
        """Tell of every alarm below a scope: of those there are, and of those to come."""
        self.listeners.append((scope.node.path, listener))
        for path, alarm in tuple(self.alarms):
            if is_below(path, scope.node.path):
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


def stage_of(construct: IConstruct) -> str:
    """The path of the stage that a construct is deployed with; empty for the app itself."""
    stage = cdk.Stage.of(construct)
    return "" if stage is None else str(stage.node.path)


def is_below(path: str, scope: str) -> bool:
    """Whether a construct of this path is a scope itself or below it."""
    return not scope or path == scope or path.startswith(f"{scope}/")
