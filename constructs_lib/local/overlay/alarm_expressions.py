"""Alarms on expressions over several metrics are there, and say nothing by themselves.

Stock refuses the whole template. No metric of a service is measured here, so an alarm on one never goes off either;
`aws cloudwatch set-alarm-state` sets off both kinds, to try whom they tell.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.patching import Patch

PLACEHOLDER = {"Namespace": "Expression", "MetricName": "Expression", "Statistic": "Sum"}


def _wrap(stock: Any) -> Any:
    def metric_alarm_record(name: str, props: dict[str, Any]) -> Any:
        if not props.get("Metrics"):
            return stock(name, props)
        rest = {key: value for key, value in props.items() if key != "Metrics"}
        # What has no name is never looked at when metrics come in.
        return {**stock(name, {**rest, **PLACEHOLDER}), "Namespace": "", "MetricName": ""}

    return metric_alarm_record


PATCHES = (Patch("services.cloudformation.provisioners", "_cw_metric_alarm_record", ("name", "props"), _wrap),)
