"""What the night shift reads, and what watching costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.cli import main
from constructs_lib.cost.observability import cost_of

if TYPE_CHECKING:
    from pathlib import Path


def test_an_article_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runbook", "dead-letters"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("dead-letters\n\n**What happens.**")
    assert "aws sqs start-message-move-task" in printed
    assert "queue-age" not in printed


def test_without_a_name_all_names_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runbook"]) == 0
    assert "function-errors\n" in capsys.readouterr().out


def test_an_article_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runbook", "dead-leters"]) == 1
    assert capsys.readouterr().err == (
        "the runbook has no article 'dead-leters': did you mean dead-letters?\n"
        "  at:  constructs-lib runbook\n"
        "  fix: see all of them: constructs-lib runbook\n"
    )


def alarm(**properties: object) -> dict[str, Any]:
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def stat(period: int) -> dict[str, Any]:
    return {"MetricStat": {"Metric": {"MetricName": "M"}, "Period": period, "Stat": "Sum"}}


RESOURCES = {
    "Standard": alarm(MetricName="M", Period=60),
    "Quick": alarm(MetricName="M", Period=10),
    "Sum": alarm(Metrics=[{"Expression": "SUM([a, b])"}, stat(300), stat(300)]),
    "Told": alarm(MetricName="M", Period="10"),  # as YAML often has numbers
    "Expected": alarm(Metrics=[{"Expression": "ANOMALY_DETECTION_BAND(m, 2)"}, stat(300)]),
    "Both": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {}},
    "Page": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}},
    "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {}},
    "Stage": {
        "Type": "AWS::ApiGatewayV2::Stage",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "DefaultRouteSettings": {"DetailedMetricsEnabled": True},
            "RouteSettings": {path: {"DetailedMetricsEnabled": False} for path in ("GET /b", "GET /c")},
        },
    },
    "Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /a"}},
    "Quiet": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /b"}},
    "Silent": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /c"}},
    "Other": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {}},
    "OtherStage": {
        "Type": "AWS::ApiGatewayV2::Stage",
        "Properties": {"ApiId": {"Ref": "Other"}, "RouteSettings": {"GET /": {"DetailedMetricsEnabled": "true"}}},
    },
    "OtherRoute": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Other"}, "RouteKey": "GET /"}},
    "Rest": {"Type": "AWS::ApiGateway::RestApi", "Properties": {}},
    "All": {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {
            "RestApiId": {"Ref": "Rest"},
            "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*", "MetricsEnabled": True}],
        },
    },
    "Few": {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {
            "RestApiId": {"Ref": "Rest"},
            "MethodSettings": [{"ResourcePath": "/~1a", "HttpMethod": "GET", "MetricsEnabled": "true"}],
        },
    },
    "Get": {"Type": "AWS::ApiGateway::Method", "Properties": {"RestApiId": {"Ref": "Rest"}}},
    "Post": {"Type": "AWS::ApiGateway::Method", "Properties": {"RestApiId": {"Ref": "Rest"}}},
    "Counted": {"Type": "AWS::Logs::MetricFilter", "Properties": {"MetricTransformations": [{}, {}]}},
    "Uploads": {"Type": "AWS::S3::Bucket", "Properties": {"MetricsConfigurations": [{"Id": "All"}]}},
}


def test_what_each_part_costs() -> None:
    items = {each.what: round(each.dollars, 2) for each in cost_of(Assembly.of({"Shop": {"Resources": RESOURCES}}))}
    assert items == {
        "5 alarms on 8 metrics": 1.20,  # six of a minute or more at 0.10, two quicker at 0.30
        "1 composite alarm": 0.50,
        "1 dashboard": 3.00,
        "2 routes measured one by one (12 metrics; by the hours they are called)": 3.60,
        "3 methods measured one by one (15 metrics; by the hours they are called)": 4.50,
        "2 metrics counted in logs": 0.60,
        "1 bucket whose requests are measured (up to 16 metrics)": 4.80,
    }


def test_the_sum_is_said_with_what_comes_by_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.template.json"
    file.write_text(json.dumps({"Resources": {"Standard": RESOURCES["Standard"]}}))
    assert main(["cost", str(file)]) == 0
    assert capsys.readouterr().out == (
        "Watching 1 stack costs $0.10 a month, before what is free:\n"
        "  1 alarm on 1 metric      0.10\n"
        "and by use: logs: $0.50 a GB written, $0.03 a GB kept; queries: $0.005 a GB read; "
        "traces: $5.00 a million, $0.50 more in a group\n"
        "and what handlers measure: $0.30 for each metric, and for each value of a dimension\n"
    )


def test_what_is_no_app_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", str(tmp_path)]) == 1
    assert "fix: " in capsys.readouterr().err
