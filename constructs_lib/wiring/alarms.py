"""Alarms: what wakes somebody, when, and where they read what to do.

The numbers, and why:

- Counts of 5 minutes rather than rates where nobody waits for an answer: at low traffic one failure is 100 %, and a
  rate is billed as two metrics. What must not be lost (dead letters, a failed workflow) is told from the first on.
- Several periods of the last few (3 of 5, 2 of 3) for what comes and goes by itself: throttles, slowness.
- No data is no alarm: most of these metrics are only there while something happens.

Every alarm is a standard one on a single metric unless it says otherwise, $0.10 a month.
https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IConstruct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.alarm_registry import Measured, alarms_of, stage_of
from constructs_lib.wiring.refusals import Refusals, did_you_mean
from constructs_lib.wiring.waiver import Waived, record_waiver

MINUTE = cdk.Duration.minutes(1)
FIVE_MINUTES = cdk.Duration.minutes(5)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
LONGEST_DESCRIPTION = 1024
RUNBOOK = "Runbook: constructs-lib runbook "  # how an alarm says which article is about it

AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD


def raise_alarm(
    scope: Construct,
    id: str,  # noqa: A002 - CDK's name
    *,
    metric: cloudwatch.IMetric,
    threshold: float,
    article: str,
    description: str,
    periods: int = 1,
    datapoints: int | None = None,
    comparison: cloudwatch.ComparisonOperator = AT_LEAST,
    missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
) -> cloudwatch.Alarm | None:
    """Define an alarm that says where it is, what is wrong, and which article of the runbook to open.

    Args:
        scope: Where the alarm stands: the construct it is about, or a part of it.
        id: Its name there.
        metric: What is watched, over what period.
        threshold: From what value on.
        article: The heading in docs/runbook.md, as its anchor: `function-errors`.
        description: What is wrong, as a sentence without its full stop.
        periods: How many periods are looked at.
        datapoints: In how many of them the threshold must be met. Default: in all.
        comparison: Default: at the threshold or above.
        missing: What no data means. Default: that all is well.

    Returns:
        The alarm; nothing where `Defaults` turn alarms off.
    """
    if not defaults_of(scope).alarms:
        return None
    owner = scope.node.path.removesuffix("/Alarms")
    told = f": {description}. {RUNBOOK}{article}"
    alarm = cloudwatch.Alarm(
        scope,
        id,
        metric=metric,
        threshold=threshold,
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints,
        comparison_operator=comparison,
        treat_missing_data=missing,
        alarm_description=f"{owner[: LONGEST_DESCRIPTION - len(told)]}{told}",
    )
    alarms_of(scope).add(alarm)
    return alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One thing to know of a construct, and what goes wrong with it.

    Args:
        name: What the alarm is called in the argument `alarms`, and in the tree.
        metric: What is watched, over what period.
        article: Its heading in the runbook, as its anchor. Default: it is shown, and no alarm goes off.
        description: What is wrong, as a sentence without its full stop.
        periods: How many periods are looked at.
        datapoints: In how many of them the threshold must be met. Default: in all.
        scale: What the threshold is multiplied by to be in the unit of the metric: 0.001 for times in seconds.
    """

    name: str
    metric: cloudwatch.IMetric
    article: str | None = None
    description: str = ""
    periods: int = 1
    datapoints: int | None = None
    scale: float = 1

    @property
    def id(self) -> str:
        """The name of the alarm in the tree."""
        return self.name.title().replace("_", "")


class Thresholds:
    """When the alarms of one construct go off: its own numbers, or what the user says instead.

    Args:
        asked: The argument `alarms`: thresholds by name, `Waived(reason)` for one that should not be, or for all.
        defaults: Every alarm there is, with the threshold it has unless asked otherwise; times are Durations.
        elsewhere: Other names the argument takes, whose alarms stand elsewhere.
        most: The largest thresholds that can ever be reached, times in milliseconds, and why.
    """

    def __init__(
        self,
        asked: Mapping[str, object] | Waived | None,
        defaults: Mapping[str, int | float | cdk.Duration],
        *,
        elsewhere: Iterable[str] = (),
        most: Mapping[str, tuple[float, str]] | None = None,
    ) -> None:
        self._most = {} if most is None else most
        self._asked = asked
        self._defaults = defaults
        self._elsewhere = tuple(elsewhere)

    def check(self, refusals: Refusals) -> None:
        """Note a name that is no alarm, and a threshold of another kind than the alarm's own."""
        if self._asked is None or isinstance(self._asked, Waived):
            return
        if not isinstance(self._asked, Mapping):
            refusals.refuse(
                f"alarms is {self._asked!r}, wanted a dict or Waived(reason)",
                fix=f"change one: {_example(self._defaults)}, or leave alarms out",
            )
            return
        for name, value in self._asked.items():
            known = (*self._defaults, *self._elsewhere)
            if name not in known:
                refusals.refuse(
                    f"alarms has no {name!r}{did_you_mean(str(name), known)}", fix=f"use {', '.join(sorted(known))}"
                )
            elif name in self._elsewhere:
                continue
            elif not isinstance(value, Waived) and _check_threshold(name, value, self._defaults[name], refusals):
                self._check_reachable(name, value, refusals)

    def _check_reachable(self, name: str, value: object, refusals: Refusals) -> None:
        most, why = self._most.get(name, (math.inf, ""))
        number = value.to_milliseconds() if isinstance(value, cdk.Duration) else value
        if isinstance(number, int | float) and number > most:
            refusals.refuse(
                f"alarms[{name!r}] is {_shown(value)}, and {why}: it would never go off",
                fix="lower it, leave it out, or write Waived(reason) for none",
            )

    def raise_on(
        self,
        bearer: Construct,
        resource: IConstruct,
        watches: Callable[[], Iterable[Watch]],
        *,
        kind: str,
        part: str = "",
    ) -> list[cloudwatch.Alarm]:
        """Define alarms below a construct, but those that are waived; none where `Defaults` turn alarms off.

        Args:
            bearer: The construct they are about; they stand in `Alarms` below it.
            resource: What says in the template that one is waived.
            watches: What is to know of it; asked where there are alarms, and when a dashboard is drawn.
            kind: Beside what others it is shown on a dashboard: `Functions`.
            part: What tells them from others of the same names there: an index of a table.
        """
        alarms_of(bearer).measured.append(
            Measured(
                bearer,
                bearer.node.path,
                stage_of(bearer),
                kind,
                lambda: {each.name: each.metric for each in watches()},
                part,
            )
        )
        if isinstance(self._asked, Waived):
            record_waiver(resource, "alarms", self._asked)
            return []
        if not defaults_of(bearer).alarms:
            return []
        place = bearer.node.try_find_child("Alarms")
        place = place if isinstance(place, Construct) else Construct(bearer, "Alarms")
        raised = []
        for watch in watches():
            threshold = None if watch.article is None else self.of(watch.name, resource)
            if threshold is None or watch.article is None:
                continue
            raised.append(
                raise_alarm(
                    place,
                    f"{watch.id}-{part}" if part else watch.id,
                    metric=watch.metric,
                    threshold=threshold * watch.scale,
                    article=watch.article,
                    description=watch.description,
                    periods=watch.periods,
                    datapoints=watch.datapoints,
                )
            )
        return [each for each in raised if each is not None]

    def of(self, name: str, resource: IConstruct) -> float | None:
        """The threshold of an alarm, times in milliseconds; none for one that is waived: the resource then says so."""
        if isinstance(self._asked, Waived):
            return None
        value = self._defaults[name] if self._asked is None else self._asked.get(name, self._defaults[name])
        if isinstance(value, Waived):
            record_waiver(resource, f"alarms: {name}", value)
            return None
        if isinstance(value, cdk.Duration):
            return float(value.to_milliseconds())
        if not isinstance(value, int | float):  # pragma: no cover - was refused
            raise TypeError(name)
        return value


def _check_threshold(name: str, value: object, default: int | float | cdk.Duration, refusals: Refusals) -> bool:
    """Note what is no threshold of this alarm; whether it is one."""
    if isinstance(default, cdk.Duration):
        if not isinstance(value, cdk.Duration) or value.is_unresolved() or value.to_milliseconds() == 0:
            refusals.refuse(
                f"alarms[{name!r}] is {_shown(value)}, wanted a Duration above zero",
                fix="write cdk.Duration.minutes(5), or Waived(reason) for none",
            )
            return False
    elif not _is_amount(value):
        refusals.refuse(
            f"alarms[{name!r}] is {_shown(value)}, wanted a number above zero",
            fix=f"leave it out for {default}, or write Waived(reason) for none",
        )
        return False
    return True


def _is_amount(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return False
    return value > 0 and not cdk.Token.is_unresolved(value)


def _example(defaults: Mapping[str, object]) -> str:
    name, value = next(iter(defaults.items()))
    if isinstance(value, cdk.Duration):
        return f'alarms={{"{name}": cdk.Duration.seconds({round(value.to_milliseconds() / 1000)})}}'
    return f'alarms={{"{name}": {_shown(value)}}}'


def _shown(value: object) -> str:
    if isinstance(value, cdk.Duration):
        return (
            "a Duration that is not known before deployment" if value.is_unresolved() else str(value.to_human_string())
        )
    return (
        repr(value)
        if value is None or isinstance(value, str | int | float | list | dict)
        else f"a {type(value).__name__}"
    )
