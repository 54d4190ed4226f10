"""When each construct raises an alarm: what it watches, from what on, and what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import botocore.session
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs_lib import (
    Defaults,
    DynamoTable,
    QueueWorker,
    Schedule,
    SecretRotation,
    SecureFunction,
    StreamWorker,
    Waived,
    Workflow,
    step,
)
from constructs_lib.runbook.articles import articles
from tests.constructs.alarms_raised import ENTRY, IMAGES, alarms_in, everything
from tests.findings import findings_of

OF_EVERY_COMMAND = {"query", "output", "max-items", "cli-binary-format"}
NAMED_OTHERWISE = {"deploy": "codedeploy"}  # services, by the CLI


def shape(alarm: dict[str, Any]) -> tuple[object, ...]:
    """What an alarm watches, and from what on it goes off: how many periods of how many."""
    statistic = alarm.get("Statistic", alarm.get("ExtendedStatistic"))
    of = alarm["EvaluationPeriods"]
    return (
        alarm.get("MetricName"),
        statistic,
        alarm["Threshold"],
        alarm.get("Period"),
        f"{alarm.get('DatapointsToAlarm', of)} of {of}",
    )


FUNCTION = {
    "Errors": ("Errors", "Sum", 5, 300, "1 of 1"),
    "Throttles": ("Throttles", "Sum", 1, 60, "3 of 5"),
    "Duration": ("Duration", "p99", 9000, 300, "2 of 3"),
}
LOST = ("DestinationDeliveryFailures", "Sum", 1, 300, "1 of 1")
DEAD = ("ApproximateNumberOfMessagesVisible", "Maximum", 1, 60, "1 of 1")
UNKEPT = ("InvocationsFailedToBeSentToDlq", "Sum", 1, 300, "1 of 1")


def of_function(place: str) -> dict[str, tuple[object, ...]]:
    return {f"{place}/{name}": told for name, told in FUNCTION.items()}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> cdk.Stack:
    folder = str(tmp_path_factory.mktemp("cdk.out"))
    app = cdk.App(outdir=folder, analytics_reporting=False, context={"aws:cdk:bundling-stacks": []})
    stack = cdk.Stack(app, "Shop")
    everything(stack)
    return stack


class TestDefaults:
    def test_every_construct_watches_what_can_fail(self, full: cdk.Stack) -> None:
        assert {name: shape(alarm) for name, alarm in alarms_in(full).items()} == {
            **of_function("Report"),
            "Report/LostEvents": LOST,
            "Report/FailedEvents/NotEmpty": DEAD,
            "Report/Uploads/Undelivered/NotEmpty": DEAD,
            "Report/Uploads/Lost": UNKEPT,
            "Orders/ReadThrottles": ("ReadThrottleEvents", "Sum", 1, 60, "3 of 5"),
            "Orders/WriteThrottles": ("WriteThrottleEvents", "Sum", 1, 60, "3 of 5"),
            "Orders/SystemErrors": (None, None, 5, None, "2 of 2"),
            **of_function("Emails/Function"),
            "Emails/Age": ("ApproximateAgeOfOldestMessage", "Maximum", 900, 300, "1 of 1"),
            "Emails/Depth": ("ApproximateNumberOfMessagesVisible", "Maximum", 1000, 300, "3 of 3"),
            "Emails/DeadLetters/NotEmpty": DEAD,
            "Emails/News/Undelivered/NotEmpty": DEAD,
            "Emails/Placed/Undelivered/NotEmpty": DEAD,
            "Emails/Placed/Lost": UNKEPT,
            **of_function("Search/Function"),
            "Search/Function/LostEvents": LOST,
            "Search/FailedBatches/NotEmpty": DEAD,
            "Search/IteratorAge": ("IteratorAge", "Maximum", 900_000, 300, "2 of 2"),
            "News/Failed": ("NumberOfNotificationsFailed", "Sum", 1, 300, "1 of 1"),
            "Nightly/Undelivered/NotEmpty": DEAD,
            "Nightly/Lost": ("InvocationsFailedToBeSentToDeadLetterCount", "Sum", 1, 300, "1 of 1"),
            "Fulfil/Failed": ("ExecutionsFailed", "Sum", 1, 300, "1 of 1"),
            "Fulfil/TimedOut": ("ExecutionsTimedOut", "Sum", 1, 300, "1 of 1"),
            "Fulfil/Throttled": ("ExecutionThrottled", "Sum", 1, 60, "3 of 5"),
            "Api/FailedPercent": ("5xx", "Average", 0.05, 300, "2 of 3"),
            "Api/Latency": ("Latency", "p90", 2500, 300, "3 of 3"),
            **of_function("Greet"),
            "Ledger/CapacityPercent": ("ACUUtilization", "Maximum", 90, 300, "3 of 3"),
            "Ledger/ConnectionsPercent": ("DatabaseConnections", "Sum", 592, 60, "3 of 5"),  # 80 % of 740
            "Ledger/FailedLogins": ("ClientConnectionsSetupFailedAuth", "Sum", 5, 300, "1 of 1"),
            "Ledger/FailedConnections": ("DatabaseConnectionsSetupFailed", "Sum", 5, 300, "2 of 2"),
            **of_function("Ledger/SetupFunction"),
            "Ledger/SetupFunction/Errors": ("Errors", "Sum", 5, 300, "1 of 4"),  # of calls of up to 15 minutes
            "Ledger/SetupFunction/Duration": ("Duration", "p99", 810_000, 300, "2 of 6"),
        }

    def test_no_metric_is_watched_twice(self, full: cdk.Stack) -> None:
        watched = [
            (alarm.get("MetricName"), str(alarm.get("Dimensions")), alarm["Threshold"])
            for alarm in alarms_in(full).values()
        ]
        assert len(set(watched)) == len(watched)

    def test_no_data_is_no_alarm(self, full: cdk.Stack) -> None:
        for name, alarm in alarms_in(full).items():
            assert alarm["TreatMissingData"] == "notBreaching", name
            assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", name

    def test_each_says_where_it_is_and_names_an_article_that_there_is(self, full: cdk.Stack) -> None:
        for name, alarm in alarms_in(full).items():
            told = re.fullmatch(r"(\S+): .+\. Runbook: constructs-lib runbook (\S+)", alarm["AlarmDescription"])
            assert told is not None, alarm["AlarmDescription"]
            assert told[1] == f"Shop/{name.rpartition('/')[0]}"
            assert told[2] in articles()

    def test_nothing_is_found(self, full: cdk.Stack) -> None:
        assert findings_of(full) == []

    def test_the_failures_of_dynamodb_are_those_of_what_was_granted(self, stack: cdk.Stack) -> None:
        DynamoTable(stack, "Unused", partition_key="id")
        table = DynamoTable(stack, "Orders", partition_key="id")
        function = SecureFunction(stack, "Report", entry=ENTRY)
        table.grant(function, "PutItem")
        table.grant(function, "GetItem", "DescribeTable", "PutItem")
        alarms = alarms_in(stack)
        assert "Unused/SystemErrors" not in alarms
        first, *metrics = alarms["Orders/SystemErrors"]["Metrics"]
        assert first == {
            "Id": "all",
            "Expression": "SUM([getItem, putItem])",
            "Label": "SystemErrors",
            "ReturnData": True,
        }
        told = [{each["Name"]: each["Value"] for each in one["MetricStat"]["Metric"]["Dimensions"]} for one in metrics]
        assert [each["Operation"] for each in told] == ["GetItem", "PutItem"]
        assert [one["ReturnData"] for one in metrics] == [False, False]

    def test_a_rule_on_a_bus_of_its_own_is_measured_with_the_bus(self, full: cdk.Stack) -> None:
        alarms = alarms_in(full)
        (bus, of_bus), [of_default] = (
            alarms[f"{name}/Lost"]["Dimensions"] for name in ("Emails/Placed", "Report/Uploads")
        )
        assert [each["Name"] for each in (bus, of_bus, of_default)] == ["EventBusName", "RuleName", "RuleName"]
        # The ARN of one ends in rule/<bus>/<rule>, that of the other in rule/<rule>.
        assert [each["Value"]["Fn::Select"][0] for each in (of_bus, of_default)] == [2, 1]

    def test_a_message_that_is_tried_for_an_hour_may_wait_an_hour(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, timeout=cdk.Duration.minutes(2))  # hidden 12 minutes, 5 times
        assert alarms_in(stack)["Emails/Age"]["Threshold"] == 3600

    def test_nine_tenths_of_a_timeout_known_at_deploy_are_not_known(self, stack: cdk.Stack) -> None:
        late = cdk.Duration.seconds(cdk.Token.as_number({"Ref": "Timeout"}))
        SecureFunction(stack, "Report", entry=ENTRY, timeout=late)
        SecureFunction(stack, "Told", entry=ENTRY, timeout=late, alarms={"duration": cdk.Duration.seconds(3)})
        alarms = alarms_in(stack)
        assert "Report/Duration" not in alarms
        assert alarms["Told/Duration"]["Threshold"] == 3000

    @pytest.mark.parametrize(
        ("minutes", "errors", "duration"), [(1, "1 of 1", "2 of 3"), (4, "1 of 2", "2 of 4"), (15, "1 of 4", "2 of 6")]
    )
    def test_a_call_that_runs_out_of_a_long_time_is_looked_for_when_it_began(
        self, stack: cdk.Stack, minutes: int, errors: str, duration: str
    ) -> None:
        SecureFunction(stack, "Report", entry=ENTRY, timeout=cdk.Duration.minutes(minutes))
        alarms = alarms_in(stack)
        assert [shape(alarms[f"Report/{name}"])[-1] for name in ("Errors", "Duration")] == [errors, duration]

    def test_an_index_has_its_own_and_the_dimension_that_names_it(self, stack: cdk.Stack) -> None:
        table = DynamoTable(stack, "Orders", partition_key="id", alarms={"read_throttles": 7})
        table.add_index("by-email", partition_key="email")
        table.add_index("by.day", partition_key="day")
        alarms = alarms_in(stack)
        assert {name: alarm["Threshold"] for name, alarm in alarms.items()} == {
            "Orders/ReadThrottles": 7,
            "Orders/WriteThrottles": 1,
            "Orders/ReadThrottles-by-email": 7,
            "Orders/WriteThrottles-by-email": 1,
            "Orders/ReadThrottles-by.day": 7,
            "Orders/WriteThrottles-by.day": 1,
        }
        alarm = alarms["Orders/WriteThrottles-by-email"]
        assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
            "GlobalSecondaryIndexName": "by-email",
            "TableName": {"Ref": "OrdersTable1F8332C7"},
        }
        assert alarm["AlarmDescription"].startswith("Shop/Orders: writes of the index by-email are turned away.")
        assert len(table.alarms) == 6

    def test_a_quota_that_express_workflows_do_not_have_is_not_watched(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Quick", steps=[step("Greet", SecureFunction(stack, "Greet", entry=ENTRY))], express=True)
        assert {name for name in alarms_in(stack) if name.startswith("Quick")} == {"Quick/Failed", "Quick/TimedOut"}

    def test_what_a_hardened_function_loses_is_counted_by_its_dead_letter_queue(self, app: cdk.App) -> None:
        stack = Defaults(hardened=True).apply(cdk.Stack(app, "Shop"))
        table = DynamoTable(stack, "Orders", partition_key="id", stream=IMAGES)
        worker = StreamWorker(stack, "Search", table=table, entry=ENTRY)
        Schedule(stack, "Nightly", expression="rate(1 day)", target=worker.function)
        watched = {name: shape(alarm)[0] for name, alarm in alarms_in(stack).items() if "LostEvents" in name}
        assert watched == {
            "Search/Function/LostEvents": "DestinationDeliveryFailures",
            "Search/Function/LostEvents-DeadLetterErrors": "DeadLetterErrors",
        }

    def test_one_rotation_that_fails_is_told_of(self, stack: cdk.Stack) -> None:
        secrets = [secretsmanager.Secret(stack, f"Secret{number}") for number in range(3)]
        SecretRotation(stack, "Keys", secret=secrets[0], entry=ENTRY)
        SecretRotation(stack, "Often", secret=secrets[1], entry=ENTRY, alarms={"errors": 3, "throttles": 9})
        SecretRotation(stack, "Toy", secret=secrets[2], entry=ENTRY, alarms=Waived("a toy"))
        found = {name: alarm["Threshold"] for name, alarm in alarms_in(stack).items() if "Duration" not in name}
        assert found == {
            "Keys/Function/Errors": 1,
            "Keys/Function/Throttles": 1,
            "Often/Function/Errors": 3,
            "Often/Function/Throttles": 9,
        }

    def test_they_are_what_a_canary_looks_at(self, stack: cdk.Stack) -> None:
        function = SecureFunction(stack, "Report", entry=ENTRY)
        assert [alarm.node.id for alarm in function.alarms] == ["Errors", "Throttles", "Duration"]


class TestRunbook:
    TEXT = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()

    def test_every_article_is_named_by_an_alarm(self) -> None:
        package = Path(__file__).parents[2] / "constructs_lib"
        sources = "".join(file.read_text() for file in package.rglob("*.py"))
        assert set(re.findall(r'article="([^"]+)"', sources)) == set(articles())

    @pytest.mark.parametrize("name", articles())
    def test_every_article_says_what_to_do(self, name: str) -> None:
        for part in ("**What happens.**", "**Look at", "**Usual causes.**", "**Do.**"):
            assert part in articles()[name]

    def test_every_command_is_one_the_cli_knows_and_nothing_it_needs_is_missing(self) -> None:
        session = botocore.session.get_session()
        commands = re.findall(r"`(aws [^`]+)`", self.TEXT) + re.findall(
            r"^ +(aws (?:.*\\\n)*.*)$", self.TEXT, re.MULTILINE
        )
        assert len(commands) > 50
        for command in commands:
            _, service, operation, *words = shlex.split(command.replace("\\\n", " "))
            model = session.get_service_model(NAMED_OTHERWISE.get(service, service))
            operations = {botocore.xform_name(name, "-"): name for name in model.operation_names}
            assert operation in operations, command
            told = {each.removeprefix("--") for each in words if each.startswith("--")} - OF_EVERY_COMMAND
            shape = model.operation_model(operations[operation]).input_shape
            assert shape is not None
            known = {botocore.xform_name(name, "-"): member for name, member in shape.members.items()}
            switches = {f"no-{name}" for name, member in known.items() if member.type_name == "boolean"}
            assert told <= {*known, *switches}, command
            needed = {botocore.xform_name(name, "-") for name in shape.required_members}
            assert needed <= told or not words, command  # without any, the text only says its name
            assert "..." not in command

    def test_links_lead_to_articles(self) -> None:
        assert set(re.findall(r"\]\(#([^)]+)\)", self.TEXT)) <= set(articles())
