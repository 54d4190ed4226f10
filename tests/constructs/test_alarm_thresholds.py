"""How to say otherwise when an alarm is raised: other thresholds, none at all, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import (
    Defaults,
    DynamoTable,
    Iam,
    PropError,
    QueueWorker,
    RelationalDatabase,
    Schedule,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    SecureRestApi,
    StreamWorker,
    Topic,
    Waived,
    Workflow,
    step,
)
from tests.constructs.alarms_raised import ENTRY, IMAGES, alarms_in, everything
from tests.templates import resources_of, template_of

WAIVED = "constructs-lib:waived"


class TestSayingOtherwise:
    def test_a_threshold_of_ones_own(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(
            stack,
            "Emails",
            entry=ENTRY,
            alarms={"age": cdk.Duration.hours(2), "depth": 50_000, "errors": 100, "dead_letters": 10},
        )
        SecureApi(stack, "Api", auth=Iam(), alarms={"failed_percent": 0.5, "latency": cdk.Duration.seconds(5)})
        alarms = alarms_in(stack)
        assert {name: alarm["Threshold"] for name, alarm in alarms.items()} == {
            "Emails/Age": 7200,
            "Emails/Depth": 50_000,
            "Emails/Function/Errors": 100,
            "Emails/Function/Throttles": 1,
            "Emails/Function/Duration": 9000,
            "Emails/DeadLetters/NotEmpty": 10,
            "Api/FailedPercent": 0.005,
            "Api/Latency": 5000,
        }
        assert [alarm.node.id for alarm in worker.alarms] == ["Age", "Depth"]

    def test_one_is_waived_and_the_template_says_why(self, stack: cdk.Stack) -> None:
        why = Waived("it is throttled on purpose")
        SecureFunction(stack, "Report", entry=ENTRY, reserved_concurrency=1, alarms={"throttles": why})
        assert set(alarms_in(stack)) == {"Report/Errors", "Report/Duration"}
        [function] = resources_of(template_of(stack), "AWS::Lambda::Function").values()
        assert function["Metadata"][WAIVED]["alarms: throttles"] == "it is throttled on purpose"

    def test_all_are_waived_with_those_of_the_function_and_the_dead_letters(self, stack: cdk.Stack) -> None:
        why = Waived("a toy")
        QueueWorker(stack, "Emails", entry=ENTRY, alarms=why)
        table = DynamoTable(stack, "Orders", partition_key="id", stream=IMAGES, alarms=why)
        function = SecureFunction(stack, "Report", entry=ENTRY, alarms=why)
        table.grant(function, "GetItem")
        StreamWorker(stack, "Search", table=table, entry=ENTRY, alarms=why)
        Topic(stack, "News", alarms=why)
        Workflow(stack, "Fulfil", steps=[step("Greet", function)], alarms=why)
        SecureApi(stack, "Api", auth=Iam(), alarms=why)
        database = RelationalDatabase(stack, "Ledger", alarms=why)
        assert alarms_in(stack) == {}
        assert database.alarms == []
        assert function.alarms == []

    def test_of_what_is_kept_for_a_function_and_for_a_subscription(self, stack: cdk.Stack) -> None:
        many = SecureFunction(stack, "Many", entry=ENTRY, alarms={"dead_letters": 50})
        none = SecureFunction(stack, "None", entry=ENTRY, alarms=Waived("a toy"))
        for function in (many, none):
            Schedule(stack, f"Call{function.node.id}", expression="rate(1 day)", target=function)
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        topic = Topic(stack, "News")
        topic.subscribe(worker, alarms={"dead_letters": 9})
        topic.subscribe(many, alarms=Waived("somebody looks each morning"))
        kept = {name: alarm["Threshold"] for name, alarm in alarms_in(stack).items() if name.endswith("NotEmpty")}
        assert kept == {
            "Many/FailedEvents/NotEmpty": 50,
            "CallMany/Undelivered/NotEmpty": 1,
            "CallNone/Undelivered/NotEmpty": 1,
            "Emails/DeadLetters/NotEmpty": 1,
            "Emails/News/Undelivered/NotEmpty": 9,
        }
        with pytest.raises(PropError, match="alarms has no 'lost'"):
            topic.subscribe(none, alarms={"lost": 5})  # type: ignore[arg-type] # the mistake is the point

    def test_defaults_turn_them_off(self, app: cdk.App) -> None:
        stack = Defaults(alarms=False).apply(cdk.Stack(app, "Shop"))
        everything(stack)
        rest = SecureRestApi(stack, "Rest", auth=Iam(), waf=Waived("nothing to guard"))
        SecureApiFunction(stack, "Read", api=rest, route="GET /read", entry=ENTRY)
        asked = SecureApi(stack, "Asked", auth=Iam(), route_metrics=True)
        assert alarms_in(stack) == {}
        template = template_of(stack)
        stages = resources_of(template, "AWS::ApiGatewayV2::Stage").values()
        routes = {stage["Properties"]["ApiId"]["Ref"]: stage["Properties"]["DefaultRouteSettings"] for stage in stages}
        measured = {api for api, settings in routes.items() if settings["DetailedMetricsEnabled"]}
        assert measured == {stack.resolve(asked.http_api.api_id)["Ref"]}  # routes cost more than alarms do
        [rested] = resources_of(template, "AWS::ApiGateway::Stage").values()
        assert not any(each["MetricsEnabled"] for each in rested["Properties"]["MethodSettings"])
        queues = resources_of(template, "AWS::SQS::Queue").values()
        reasons = {each.get("Metadata", {}).get(WAIVED, {}).get("dead_letters_alarm") for each in queues}
        assert reasons == {None, "turned off by the Defaults of Shop"}

    @pytest.mark.parametrize(
        ("alarms", "what", "fix"),
        [
            ({"erors": 5}, "alarms has no 'erors': did you mean errors?", None),
            ({"errors": 0}, "alarms['errors'] is 0, wanted a number above zero", None),
            ({"errors": True}, "alarms['errors'] is True, wanted a number above zero", None),
            ({"errors": float("nan")}, "alarms['errors'] is nan, wanted a number above zero", None),
            (
                {"errors": "5"},
                "alarms['errors'] is '5', wanted a number above zero",
                "leave it out for 5, or write Waived(reason) for none",
            ),
            (
                {"duration": 5},
                "alarms['duration'] is 5, wanted a Duration above zero",
                "write cdk.Duration.minutes(5), or Waived(reason) for none",
            ),
            (
                False,
                "alarms is False, wanted a dict or Waived(reason)",
                'change one: alarms={"errors": 5}, or leave alarms out',
            ),
        ],
    )
    def test_what_is_no_threshold_is_refused(self, stack: cdk.Stack, alarms: Any, what: str, fix: str | None) -> None:
        with pytest.raises(PropError) as caught:
            SecureFunction(stack, "Report", entry=ENTRY, alarms=alarms)
        [problem] = caught.value.problems
        assert problem.what == what
        assert problem.where == "Shop/Report (SecureFunction)"
        assert fix in {None, problem.fix}
        SecureFunction(stack, "Report", entry=ENTRY)  # its place is free

    @pytest.mark.parametrize(
        ("make", "what"),
        [
            (
                lambda stack: SecureFunction(stack, "It", entry=ENTRY, alarms={"duration": cdk.Duration.minutes(1)}),
                "alarms['duration'] is 1 minute, and no call takes longer than the timeout (10 seconds)",
            ),
            (
                lambda stack: SecureApi(stack, "It", auth=Iam(), alarms={"failed_percent": 101}),
                "alarms['failed_percent'] is 101, and no more than all requests can fail",
            ),
            (
                lambda stack: QueueWorker(stack, "It", entry=ENTRY, alarms={"age": cdk.Duration.days(4)}),
                "alarms['age'] is 4 days, and the queue forgets messages after 4 days",
            ),
            (
                lambda stack: RelationalDatabase(stack, "It", alarms={"capacity_percent": 120}),
                "alarms['capacity_percent'] is 120, and it grows no larger than max_capacity",
            ),
        ],
    )
    def test_what_would_never_go_off_is_refused(
        self, stack: cdk.Stack, make: Callable[[cdk.Stack], object], what: str
    ) -> None:
        with pytest.raises(PropError) as caught:
            make(stack)
        assert [each.what for each in caught.value.problems] == [f"{what}: it would never go off"]

    def test_of_a_queue_that_forgets_soon_the_age_is_below_that(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, retention=cdk.Duration.minutes(10))
        assert alarms_in(stack)["Emails/Age"]["Threshold"] == 540

    def test_a_fix_that_shows_a_time_is_python(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as caught:
            QueueWorker(stack, "Emails", entry=ENTRY, alarms=True)  # type: ignore[arg-type] # the mistake is the point
        assert caught.value.problems[0].fix == (
            'change one: alarms={"age": cdk.Duration.seconds(900)}, or leave alarms out'
        )

    def test_a_worker_knows_the_names_of_its_functions_alarms(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match=r"alarms has no 'thottles': did you mean throttles\?"):
            QueueWorker(stack, "Emails", entry=ENTRY, alarms={"thottles": 3})  # type: ignore[arg-type] # the mistake is the point
