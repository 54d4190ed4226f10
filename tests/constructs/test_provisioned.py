"""Environments that are kept ready: what calls them, how many there are when, and who hears of cold starts."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

from constructs_lib import (
    DynamoTable,
    EventBus,
    Iam,
    PropError,
    Provisioned,
    QueueWorker,
    Schedule,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    SecureRestApi,
    StreamWorker,
    Topic,
    UploadBucket,
    Waived,
    Workflow,
    step,
)
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
ALIAS = {"Ref": "WarmLiveB8AEA916"}


@pytest.fixture
def warm(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=2)


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    [(_, resource)] = resources_of(template, kind).items()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def name_of_alias(alias: str) -> dict[str, Any]:
    return {"Fn::Join": ["", [{"Fn::Select": [6, {"Fn::Split": [":", {"Ref": alias}]}]}, ":live"]]}


class TestAlias:
    def test_keeps_them_on_an_alias_of_the_current_version(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        template = template_of(stack)
        [version] = resources_of(template, "AWS::Lambda::Version")
        assert resources_of(template, "AWS::Lambda::Alias") == {
            ALIAS["Ref"]: {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "FunctionName": stack.resolve(warm.function.function_name),
                    "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
                    "Name": "live",
                    "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2},
                },
            }
        }
        assert resources_of(template, "AWS::ApplicationAutoScaling::ScalableTarget") == {}

    def test_there_is_none_unless_asked_for(self, stack: cdk.Stack) -> None:
        function = SecureFunction(stack, "Cold", entry=ENTRY)
        template = template_of(stack)
        assert function.alias is None
        assert function.called is function.function
        assert resources_of(template, "AWS::Lambda::Version") == {}
        assert stack.resolve(function.function_arn) == stack.resolve(function.function.function_arn)

    def test_the_name_and_the_arn_of_the_function_are_those_of_its_alias(
        self, stack: cdk.Stack, warm: SecureFunction
    ) -> None:
        assert stack.resolve(warm.function_arn) == ALIAS
        assert stack.resolve(warm.function_name) == name_of_alias(ALIAS["Ref"])

    def test_a_version_is_named_by_what_it_runs_whatever_the_flags(self) -> None:
        names = set()
        for flags in ({}, {"@aws-cdk/aws-lambda:recognizeVersionProps": False, "@aws-cdk/core:newStyle": True}):
            app = cdk.App(context={"aws:cdk:bundling-stacks": [], **flags})
            stack = cdk.Stack(app, "Stack")
            cdk.Tags.of(stack).add("flags", str(len(flags)))  # no part of what a version is
            SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=1)
            names |= set(resources_of(template_of(stack), "AWS::Lambda::Version"))
        assert len(names) == 1

    def test_other_settings_make_another_version(self) -> None:
        names = set()
        for memory in (512, 1024):
            stack = cdk.Stack(cdk.App(context={"aws:cdk:bundling-stacks": []}), "Stack")
            function = SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=1, memory_mib=memory)
            function.add_environment("LATER", "said")
            names |= set(resources_of(template_of(stack), "AWS::Lambda::Version"))
        assert len(names) == 2


class TestTriggers:
    """Whatever calls the function calls the alias, and is let in there."""

    def test_an_api(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Warm", api=api, route="POST /greet", entry=ENTRY, provisioned_concurrency=2)
        template = template_of(stack)
        assert only(template, "AWS::ApiGatewayV2::Integration")["IntegrationUri"] == ALIAS
        assert only(template, "AWS::Lambda::Permission")["FunctionName"] == ALIAS

    @pytest.mark.parametrize(("environments", "called"), [(2, "Live"), (None, "Function")])
    def test_an_api_that_calls_it_no_sooner_than_it_may(
        self, stack: cdk.Stack, environments: int | None, called: str
    ) -> None:
        """Else a route that is given an alias, or loses it, would fail until its new permission is there."""
        apis: dict[str, tuple[SecureApi | SecureRestApi, str]] = {
            "Http": (SecureApi(stack, "Api", auth=Iam()), "AWS::ApiGatewayV2::Integration"),
            "Rest": (SecureRestApi(stack, "RestApi", auth=Iam()), "AWS::ApiGateway::Method"),
        }
        for own, (api, _) in apis.items():
            SecureApiFunction(
                stack, own, api=api, route="POST /greet", entry=ENTRY, provisioned_concurrency=environments
            )
        template = template_of(stack)
        for own, (_, kind) in apis.items():
            [caller] = [each for each in resources_of(template, kind).values() if f"{own}{called}" in str(each)]
            [permission] = [each for each in resources_of(template, "AWS::Lambda::Permission") if each.startswith(own)]
            assert permission in caller["DependsOn"]

    def test_a_queue(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, provisioned_concurrency=2)
        template = template_of(stack)
        [alias] = resources_of(template, "AWS::Lambda::Alias")
        assert only(template, "AWS::Lambda::EventSourceMapping")["FunctionName"] == name_of_alias(alias)

    def test_a_stream(self, stack: cdk.Stack) -> None:
        table = DynamoTable(stack, "Table", partition_key="id", stream=dynamodb.StreamViewType.NEW_IMAGE)
        StreamWorker(stack, "Index", table=table, entry=ENTRY, provisioned_concurrency=2)
        template = template_of(stack)
        [alias] = resources_of(template, "AWS::Lambda::Alias")
        assert only(template, "AWS::Lambda::EventSourceMapping")["FunctionName"] == name_of_alias(alias)

    def test_a_topic(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        Topic(stack, "Topic").subscribe(warm)
        template = template_of(stack)
        assert only(template, "AWS::SNS::Subscription")["Endpoint"] == ALIAS
        assert only(template, "AWS::Lambda::Permission")["FunctionName"] == ALIAS

    def test_a_rule(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        EventBus(stack, "Bus").add_rule("Placed", {"source": ["orders"]}, warm)
        template = template_of(stack)
        assert [each["Arn"] for each in only(template, "AWS::Events::Rule")["Targets"]] == [ALIAS]
        assert only(template, "AWS::Lambda::Permission")["FunctionName"] == ALIAS

    def test_an_upload(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        UploadBucket(stack, "Uploads").on_upload(warm)
        template = template_of(stack)
        assert [each["Arn"] for each in only(template, "AWS::Events::Rule")["Targets"]] == [ALIAS]
        assert only(template, "AWS::Lambda::Permission")["FunctionName"] == ALIAS

    def test_a_schedule_whose_role_may_call_the_alias_alone(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        Schedule(stack, "Nightly", expression="rate(1 day)", target=warm)
        template = template_of(stack)
        assert only(template, "AWS::Scheduler::Schedule")["Target"]["Arn"] == ALIAS
        invoked = {each for each in permissions_of(template, "NightlyIdentityRole") if each[0].startswith("lambda")}
        assert invoked == {("lambda:InvokeFunction", ALIAS["Ref"])}

    def test_a_workflow_whose_role_may_call_the_alias_alone(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[step("Hear", warm, undo=warm), step("Tell", warm)])
        template = template_of(stack)
        invoked = {each for each in permissions_of(template, "FulfilIdentityRole") if each[0].startswith("lambda")}
        assert invoked == {("lambda:InvokeFunction", ALIAS["Ref"])}
        assert str(only(template, "AWS::StepFunctions::StateMachine")).count(ALIAS["Ref"]) == 3
        assert workflow.functions == (warm,)

    def test_another_function_which_may_call_the_alias_alone(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        caller = SecureFunction(stack, "Caller", entry=ENTRY)
        warm.grant_invoke(caller)
        permissions = permissions_of(template_of(stack), "CallerIdentityRole")
        assert {each for each in permissions if each[0].startswith("lambda")} == {
            ("lambda:InvokeFunction", ALIAS["Ref"])
        }

    def test_a_rule_of_the_cdks_own(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        events.Rule(
            stack,
            "Rule",
            schedule=events.Schedule.rate(cdk.Duration.days(1)),
            targets=[targets.LambdaFunction(warm.called)],
        )
        assert only(template_of(stack), "AWS::Lambda::Permission")["FunctionName"] == ALIAS

    def test_a_source_of_the_cdks_own_whose_mapping_waits_for_its_grants(
        self, stack: cdk.Stack, warm: SecureFunction
    ) -> None:
        warm.called.add_event_source(event_sources.SqsEventSource(sqs.Queue(stack, "Queue")))
        [mapping] = resources_of(template_of(stack), "AWS::Lambda::EventSourceMapping").values()
        assert mapping["Properties"]["FunctionName"] == name_of_alias(ALIAS["Ref"])
        assert any(each.startswith("WarmGrants") for each in mapping["DependsOn"])

    def test_what_fails_asynchronously_is_kept_for_the_alias(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        """It waits for the alias, and for none of its triggers."""
        warm.called.add_event_source(event_sources.SqsEventSource(sqs.Queue(stack, "Orders")))
        warm.keep_failed_events()
        [config] = resources_of(template_of(stack), "AWS::Lambda::EventInvokeConfig").values()
        assert config["Properties"]["Qualifier"] == "live"
        assert [each for each in config["DependsOn"] if each.startswith(ALIAS["Ref"][:8])] == [ALIAS["Ref"]]

    def test_in_another_stack(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        other = cdk.Stack(app, "Other")
        SecureApiFunction(other, "Warm", api=api, route="POST /greet", entry=ENTRY, provisioned_concurrency=2)
        template = template_of(other)
        assert only(template, "AWS::ApiGatewayV2::Integration")["IntegrationUri"] == ALIAS


class TestScaling:
    def test_follows_the_calls_between_two_numbers(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=Provisioned(2, up_to=10, target=0.5))
        template = template_of(stack)
        scaled = only(template, "AWS::ApplicationAutoScaling::ScalableTarget")
        assert (scaled["MinCapacity"], scaled["MaxCapacity"]) == (2, 10)
        assert scaled["ResourceId"] == {"Fn::Join": ["", ["function:", *name_of_alias(ALIAS["Ref"])["Fn::Join"][1]]]}
        assert "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency" in str(scaled["RoleARN"])
        policy = only(template, "AWS::ApplicationAutoScaling::ScalingPolicy")
        assert policy["TargetTrackingScalingPolicyConfiguration"] == {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"},
            "TargetValue": 0.5,
        }
        assert only(template, "AWS::Lambda::Alias")["ProvisionedConcurrencyConfig"] == {
            "ProvisionedConcurrentExecutions": 2
        }
        assert list(resources_of(template, "AWS::IAM::Role")) == ["WarmIdentityRole39E1C6E0"]

    def test_follows_the_clock(self, stack: cdk.Stack) -> None:
        SecureFunction(
            stack,
            "Warm",
            entry=ENTRY,
            provisioned_concurrency=Provisioned(
                1,
                schedule={"cron(0 7 ? * MON-FRI *)": 10, "cron(0 19 ? * MON-FRI *)": 1},
                timezone=cdk.TimeZone.of("Europe/Berlin"),
            ),
        )
        template = template_of(stack)
        scaled = only(template, "AWS::ApplicationAutoScaling::ScalableTarget")
        assert (scaled["MinCapacity"], scaled["MaxCapacity"]) == (1, 10)
        assert scaled["ScheduledActions"] == [
            {
                "ScalableTargetAction": {"MaxCapacity": 10, "MinCapacity": 10},
                "Schedule": "cron(0 7 ? * MON-FRI *)",
                "ScheduledActionName": "Schedule1",
                "Timezone": "Europe/Berlin",
            },
            {
                "ScalableTargetAction": {"MaxCapacity": 1, "MinCapacity": 1},
                "Schedule": "cron(0 19 ? * MON-FRI *)",
                "ScheduledActionName": "Schedule2",
                "Timezone": "Europe/Berlin",
            },
        ]
        assert resources_of(template, "AWS::ApplicationAutoScaling::ScalingPolicy") == {}

    def test_with_both_the_clock_moves_the_least_alone(self, stack: cdk.Stack) -> None:
        provisioned = Provisioned(1, up_to=20, schedule={"rate(1 day)": 5})
        SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=provisioned)
        scaled = only(template_of(stack), "AWS::ApplicationAutoScaling::ScalableTarget")
        assert [each["ScalableTargetAction"] for each in scaled["ScheduledActions"]] == [
            {"MaxCapacity": 20, "MinCapacity": 5}
        ]


class TestAlarm:
    def test_goes_off_with_the_first_call_that_starts_cold(self, stack: cdk.Stack, warm: SecureFunction) -> None:
        [alarm] = [
            each["Properties"]
            for name, each in resources_of(template_of(stack), "AWS::CloudWatch::Alarm").items()
            if "Spillover" in name
        ]
        name = stack.resolve(warm.function.function_name)
        assert alarm["MetricName"] == "ProvisionedConcurrencySpilloverInvocations"
        assert (alarm["Threshold"], alarm["Statistic"], alarm["Period"]) == (1, "Sum", 300)
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["Dimensions"] == [
            {"Name": "FunctionName", "Value": name},
            {"Name": "Resource", "Value": {"Fn::Join": ["", [name, ":live"]]}},
        ]

    def test_can_be_waived(self, stack: cdk.Stack) -> None:
        why = Waived("a few cold starts are fine")
        SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=2, alarms={"spillover": why})
        assert not [each for each in resources_of(template_of(stack), "AWS::CloudWatch::Alarm") if "Spill" in each]


class TestGrants:
    def test_may_read_its_secrets_while_it_is_initialized(self, stack: cdk.Stack) -> None:
        """The version is initialized as soon as the alias is there, long before the grants policy need be."""
        secret = secretsmanager.Secret(stack, "Key")
        SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=1, secrets={"KEY": secret})
        template = template_of(stack)
        [base] = [
            name
            for name, each in resources_of(template, "AWS::IAM::ManagedPolicy").items()
            if "secretsmanager:GetSecretValue" in str(each)
        ]
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert base in function["DependsOn"]

    def test_has_no_findings(self, stack: cdk.Stack) -> None:
        SecureFunction(
            stack, "Warm", entry=ENTRY, provisioned_concurrency=Provisioned(1, up_to=2, schedule={"rate(1 day)": 2})
        ).keep_failed_events()
        assert findings_of(stack) == []


WRONG: list[tuple[Any, str, str]] = [
    (0, "provisioned_concurrency is 0, wanted 1 or more", "leave it out for none"),
    (-1, "provisioned_concurrency is -1, wanted 1 or more", "leave it out for none"),
    (
        Provisioned(5, up_to=2),
        "up_to (2) is less than what is always ready (5)",
        "raise up_to, or leave it out for a fixed number",
    ),
    (Provisioned(1, target=0.95), "target is 0.95, wanted 0.1 to 0.9", "leave target out for 0.7"),
    (Provisioned(1, target=float("nan")), "target is nan, wanted 0.1 to 0.9", "leave target out for 0.7"),
    (
        Provisioned(1, up_to=3, schedule={"rate(1 day)": 5}),
        "schedule asks for 5 at rate(1 day), and up_to is 3",
        "raise up_to",
    ),
    (
        Provisioned(1, schedule={"rate(1 day)": 0}),
        "schedule asks for 0 at rate(1 day), wanted a number from 1 on",
        'write how many: schedule={"cron(0 7 ? * MON-FRI *)": 10}',
    ),
    (
        Provisioned(1, up_to="many"),  # type: ignore[arg-type] # what a user without a type checker writes
        "up_to is 'many', wanted a whole number",
        "pass a whole number, or leave up_to out",
    ),
    (
        Provisioned(1, schedule=["rate(1 day)"]),  # type: ignore[arg-type] # likewise
        "schedule is ['rate(1 day)'], wanted a dict",
        "pass a dict, or leave schedule out",
    ),
    (
        Provisioned(cdk.Token.as_number({"Ref": "Many"})),  # type: ignore[arg-type] # a number, in truth
        "environments of provisioned_concurrency is not known before deployment",
        "write the number",
    ),
]


class TestRefusals:
    @pytest.mark.parametrize(("provisioned", "what", "fix"), WRONG, ids=[what for _, what, _ in WRONG])
    def test_says_what_lambda_would_not_take(
        self, stack: cdk.Stack, provisioned: int | Provisioned, what: str, fix: str
    ) -> None:
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=provisioned)
        assert str(refused.value) == f"{what}\n  at:  Shop/Warm (SecureFunction)\n  fix: {fix}"

    def test_says_when_more_are_kept_ready_than_may_ever_run(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as refused:
            SecureFunction(
                stack, "Warm", entry=ENTRY, provisioned_concurrency=Provisioned(1, up_to=9), reserved_concurrency=5
            )
        assert str(refused.value) == (
            "provisioned_concurrency (9) is more than reserved_concurrency (5)\n"
            "  at:  Shop/Warm (SecureFunction)\n"
            "  fix: raise reserved_concurrency, or keep fewer ready"
        )
        all_of_them = Provisioned(1, up_to=5)
        SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=all_of_them, reserved_concurrency=5)

    def test_says_when_there_is_no_such_time_zone(self, stack: cdk.Stack) -> None:
        zone = cdk.TimeZone.of("Europe/Berln")
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=Provisioned(1, timezone=zone))
        assert str(refused.value) == (
            "timezone 'Europe/Berln' is none there is: did you mean Europe/Berlin?\n"
            "  at:  Shop/Warm (SecureFunction)\n"
            '  fix: write a city of the zone: cdk.TimeZone.of("Europe/Berlin")'
        )

    def test_says_what_is_wrong_with_a_schedule(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="every day"):
            SecureFunction(
                stack, "Warm", entry=ENTRY, provisioned_concurrency=Provisioned(1, schedule={"every day": 2})
            )
