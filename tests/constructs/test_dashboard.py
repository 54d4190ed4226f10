"""One page for all constructs below a scope, whenever they are made; queries and traces of the same scope."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from constructs_lib import (
    Alerts,
    Dashboard,
    DynamoTable,
    Iam,
    PropError,
    QueueWorker,
    SecureApi,
    SecureFunction,
    Topic,
    Waived,
)
from constructs_lib.wiring.alarm_registry import Logged, alarms_of
from tests.findings import findings_of
from tests.templates import resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
SOLD = cloudwatch.Metric(namespace="Shop", metric_name="PiecesSold", statistic="Sum")


def body_of(template: dict[str, Any]) -> dict[str, Any]:
    """What the dashboard shows; `?` stands for what is known at deploy only."""
    [dashboard] = resources_of(template, "AWS::CloudWatch::Dashboard").values()
    body = dashboard["Properties"]["DashboardBody"]
    parts = body["Fn::Join"][1] if isinstance(body, dict) else [body]
    return dict(json.loads("".join(part if isinstance(part, str) else "?" for part in parts)))


def graphs_of(template: dict[str, Any]) -> dict[str, list[str]]:
    """The labels of the lines of each graph, by its title."""
    return {
        each["properties"]["title"]: [
            line[-1]["label"] for line in each["properties"]["metrics"] if "label" in line[-1]
        ]
        for each in body_of(template)["widgets"]
        if each["type"] == "metric"
    }


class TestDefaults:
    def test_every_construct_is_a_line_among_its_kind(self, stack: cdk.Stack) -> None:
        first = SecureFunction(stack, "First", entry=ENTRY)
        Dashboard(stack, "Dashboard", business={"Pieces": [SOLD.with_(label="sold")]})
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        for name in ("Orders", "Stock"):
            table = DynamoTable(stack, name, partition_key="id")
            table.grant(first, "PutItem")
            table.grant(worker, "GetItem")
        SecureApi(stack, "Api", auth=Iam())
        functions, queues, tables = ["First", "Emails/Function"], ["Emails"], ["Orders", "Stock"]
        graphs = graphs_of(template_of(stack))
        system_errors = graphs.pop("Tables: system errors")
        assert [each for each in system_errors if each in tables] == tables
        assert graphs == {
            "Pieces": ["sold"],
            "APIs: requests": ["Api"],
            "APIs: failed percent": ["Api"],
            "APIs: latency": ["Api"],
            "Functions: invocations": functions,
            "Functions: errors": functions,
            "Functions: throttles": functions,
            "Functions: duration": functions,
            "Queues: received": queues,
            "Queues: age": queues,
            "Queues: depth": queues,
            "Dead letters: waiting": ["Emails/DeadLetters"],
            "Tables: read throttles": tables,
            "Tables: write throttles": tables,
        }

    def test_says_what_it_costs_and_how_every_alarm_is(self, stack: cdk.Stack) -> None:
        Dashboard(stack, "Dashboard")
        table = DynamoTable(stack, "Orders", partition_key="id")
        table.grant(SecureFunction(stack, "Report", entry=ENTRY), "GetItem", "PutItem")
        text, alarms, *_ = body_of(template_of(stack))["widgets"]
        # Failures of DynamoDB are counted by action: an alarm on two of them is billed as two.
        assert "6 alarms cost $0.70 a month, this dashboard $3.00" in text["properties"]["markdown"]
        assert len(alarms["properties"]["alarms"]) == 6

    def test_widgets_do_not_overlap(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY)
        Dashboard(stack, "Dashboard", business={"Pieces": [SOLD]})
        cells = [
            (column, row)
            for each in body_of(template_of(stack))["widgets"]
            for column in range(each["x"], each["x"] + each["width"])
            for row in range(each["y"], each["y"] + each["height"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(column for column, _ in cells) < 24

    def test_queries_are_saved_over_the_logs_of_all_functions(self, stack: cdk.Stack) -> None:
        Dashboard(stack, "Dashboard")
        SecureFunction(stack, "Report", entry=ENTRY)
        QueueWorker(stack, "Emails", entry=ENTRY)
        template = template_of(stack)
        queries = [each["Properties"] for each in resources_of(template, "AWS::Logs::QueryDefinition").values()]
        names = ["ColdStarts", "Errors", "OneRequest", "SlowestCalls"]
        assert sorted(each["Name"] for each in queries) == [f"Shop/Dashboard/{name}" for name in names]
        groups = [{"Ref": name} for name in resources_of(template, "AWS::Logs::LogGroup")]
        assert all(each["LogGroupNames"] == groups for each in queries)

    @pytest.mark.parametrize(("groups", "named"), [(0, 0), (50, 50), (51, 0)])
    def test_a_query_names_as_many_groups_as_it_takes_or_none(self, stack: cdk.Stack, groups: int, named: int) -> None:
        Dashboard(stack, "Dashboard")
        group = logs.LogGroup(stack, "Group")
        alarms_of(stack).logged += [Logged(f"Shop/F{number}", "", group, None) for number in range(groups)]
        template = template_of(stack)
        for query in resources_of(template, "AWS::Logs::QueryDefinition").values():
            assert len(query["Properties"].get("LogGroupNames", ())) == named
        # No service at all: without an expression the group would be all traces of the account.
        [traces] = resources_of(template, "AWS::XRay::Group").values()
        assert traces["Properties"]["FilterExpression"] == 'annotation.Service = "none"'

    def test_traces_are_grouped_by_what_the_functions_are_called(self, app: cdk.App) -> None:
        watching = cdk.Stack(app, "Watching")
        Dashboard(watching, "Dashboard", of=app)
        for name in ("Shop", "Billing"):
            SecureFunction(cdk.Stack(app, name), "Report", entry=ENTRY)
        [group] = resources_of(template_of(watching), "AWS::XRay::Group").values()
        assert group["Properties"]["FilterExpression"] == (
            'annotation.Service = "Billing" OR annotation.Service = "Shop"'
        )

    def test_nothing_is_found(self, stack: cdk.Stack) -> None:
        Dashboard(stack, "Dashboard")
        QueueWorker(stack, "Emails", entry=ENTRY)
        assert findings_of(stack) == []


class TestOtherStacks:
    def test_are_shown_and_stay_free_to_change(self, app: cdk.App) -> None:
        shop, watching = cdk.Stack(app, "Shop"), cdk.Stack(app, "Watching")
        Dashboard(watching, "Dashboard", of=app)
        worker = QueueWorker(shop, "Emails", entry=ENTRY)
        SecureFunction(shop, "Quick", entry=ENTRY, provisioned_concurrency=1)  # its alias is named <function>:live
        DynamoTable(shop, "Orders", partition_key="id").grant(worker, "PutItem")
        assembly = app.synth()
        shown = assembly.get_stack_by_name("Watching").template
        assert graphs_of(shown)["Functions: errors"] == ["Shop/Emails/Function", "Shop/Quick"]
        assert "Fn::ImportValue" not in json.dumps(shown)
        outputs = assembly.get_stack_by_name("Shop").template["Outputs"].values()
        assert outputs
        assert all("Export" not in each for each in outputs)

    def test_of_another_region_graphs_and_alarms_are_shown_and_no_queries(self, app: cdk.App) -> None:
        here = cdk.Environment(account="111122223333", region="eu-central-1")
        there = cdk.Environment(account="111122223333", region="us-east-1")
        watching = cdk.Stack(app, "Watching", env=here)
        Dashboard(watching, "Dashboard", of=app)
        SecureFunction(cdk.Stack(app, "Near", env=here), "Report", entry=ENTRY)
        far = SecureFunction(cdk.Stack(app, "Far", env=there), "Report", entry=ENTRY, provisioned_concurrency=1)
        DynamoTable(cdk.Stack.of(far), "Orders", partition_key="id").grant(far, "PutItem")
        template = template_of(watching)
        graphs = {each["properties"].get("title"): each["properties"] for each in body_of(template)["widgets"]}
        errors, failures = graphs["Functions: errors"]["metrics"], graphs["Tables: system errors"]["metrics"]
        assert [line[-1].get("region") for line in errors] == [None, "us-east-1"]
        assert {line[-1].get("region") for line in failures if "SystemErrors" in line} == {"us-east-1"}
        assert "10 alarms" in body_of(template)["widgets"][0]["properties"]["markdown"]
        for query in resources_of(template, "AWS::Logs::QueryDefinition").values():
            [group] = query["Properties"]["LogGroupNames"]
            assert group["Fn::GetStackOutput"]["StackName"] == "Near"
        [traces] = resources_of(template, "AWS::XRay::Group").values()
        assert traces["Properties"]["FilterExpression"] == 'annotation.Service = "Near"'

    @pytest.mark.parametrize("nested", [False, True])
    def test_more_alarms_than_a_stack_has_outputs_are_not_listed(self, app: cdk.App, *, nested: bool) -> None:
        shop, watching = cdk.Stack(app, "Shop"), cdk.Stack(app, "Watching")
        Dashboard(watching, "Dashboard", of=app)
        places = [cdk.NestedStack(shop, f"Part{number}") if nested else shop for number in range(4)]
        for number in range(40):  # names and logs of each, and three alarms
            SecureFunction(places[number % 4], f"F{number}", entry=ENTRY)
        assembly = app.synth()
        body = body_of(assembly.get_stack_by_name("Watching").template)
        assert [each["type"] for each in body["widgets"]].count("alarm") == 0
        told = body["widgets"][0]["properties"]["markdown"]
        assert "120 alarms" in told
        assert "not shown" not in told
        assert len(assembly.get_stack_by_name("Shop").template["Outputs"]) < 200

    def test_more_names_than_a_stack_has_outputs_are_left_out_and_counted(self, app: cdk.App) -> None:
        shop, watching = cdk.Stack(app, "Shop"), cdk.Stack(app, "Watching")
        Dashboard(watching, "Dashboard", of=app)
        for number in range(195):
            Topic(shop, f"T{number}", alarms=Waived("a toy"))
        assembly = app.synth()
        body = body_of(assembly.get_stack_by_name("Watching").template)
        assert "5 constructs are not shown" in body["widgets"][0]["properties"]["markdown"]
        assert len(assembly.get_stack_by_name("Shop").template["Outputs"]) == 190

    def test_what_belongs_to_another_stage_is_shown_there(self, app: cdk.App) -> None:
        watching = cdk.Stack(app, "Watching")
        Dashboard(watching, "Dashboard", of=app)
        SecureFunction(cdk.Stack(cdk.Stage(app, "dev"), "Shop"), "Report", entry=ENTRY)
        SecureFunction(watching, "Own", entry=ENTRY)
        template = template_of(watching)
        assert graphs_of(template)["Functions: errors"] == ["Watching/Own"]
        assert "3 alarms" in body_of(template)["widgets"][0]["properties"]["markdown"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("props", "what"),
        [
            ({"of": "Shop"}, "of is a str, wanted a Construct"),
            ({"business": [SOLD]}, "business is a list, wanted a dict of graphs"),
            ({"business": {"Pieces": SOLD}}, "business['Pieces'] is"),
            ({"business": {"Pieces": ["sold"]}}, "business['Pieces'] holds a str, wanted a metric"),
            ({"business": {5: [SOLD]}}, "business has the title 5, wanted a string"),
        ],
    )
    def test_what_cannot_be_shown(self, stack: cdk.Stack, props: dict[str, Any], what: str) -> None:
        with pytest.raises(PropError) as caught:
            Dashboard(stack, "Dashboard", **props)
        assert caught.value.problems[0].what.startswith(what)
        Dashboard(stack, "Dashboard")  # its place is free


class TestBesideAlerts:
    """`Alerts` are deployed before the alarms they are told of, a dashboard after those it shows."""

    @pytest.mark.parametrize("order", list(permutations(("alerts", "dashboard", "function"))), ids="-".join)
    def test_in_one_stack_is_refused_for_alarms_of_another(self, app: cdk.App, order: tuple[str, ...]) -> None:
        operations, shop = cdk.Stack(app, "Operations"), cdk.Stack(app, "Shop")
        makes: dict[str, Callable[[], object]] = {
            "alerts": lambda: Alerts(operations, "Alerts", email="oncall@example.com", of=app),
            "dashboard": lambda: Dashboard(operations, "Dashboard", of=app),
            "function": lambda: SecureFunction(shop, "Greet", entry=ENTRY),
        }
        for each in order[:-1]:
            makes[each]()
        with pytest.raises(PropError, match="Operations/Dashboard shows Shop/Greet/") as refused:
            makes[order[-1]]()
        assert "give Alerts and Dashboard a stack each" in str(refused.value)

    def test_stands_in_the_stack_whose_alarms_it_shows(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Greet", entry=ENTRY)
        Alerts(stack, "Alerts", email="oncall@example.com")
        Dashboard(stack, "Dashboard")
        assert "Greet" in json.dumps(body_of(template_of(stack)))

    def test_stands_beside_alerts_whose_topic_is_in_a_third_stack(self, app: cdk.App) -> None:
        operations, pagers = cdk.Stack(app, "Operations"), cdk.Stack(app, "Pagers")
        topic = Topic(pagers, "Pager", encryption_key=kms.Key(pagers, "Key"))
        SecureFunction(cdk.Stack(app, "Shop"), "Greet", entry=ENTRY)
        Alerts(operations, "Alerts", topic=topic, of=app)
        Dashboard(operations, "Dashboard", of=app)
        assert "Greet" in json.dumps(body_of(template_of(operations)))
