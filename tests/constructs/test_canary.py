"""Deployments a part at a time: who moves the calls, who is asked, and what they may do."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib import (
    Canary,
    Defaults,
    Iam,
    PropError,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    SecureRestApi,
    Waived,
    Workflow,
    step,
)
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.rules import rule_of
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"


@pytest.fixture
def probe(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Probe", entry=ENTRY)


def new_alarm(stack: cdk.Stack, name: str) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Refunds")
    return cloudwatch.Alarm(stack, name, metric=metric, threshold=1, evaluation_periods=1)


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    [resource] = resources_of(template, kind).values()
    found: dict[str, Any] = resource
    return found


class TestDeployment:
    def test_moves_the_alias_that_everything_calls(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary())
        template = template_of(stack)
        [application] = resources_of(template, "AWS::CodeDeploy::Application")
        [group] = resources_of(template, "AWS::CodeDeploy::DeploymentGroup")
        assert only(template, "AWS::Lambda::Alias")["UpdatePolicy"] == {
            "CodeDeployLambdaAliasUpdate": {
                "ApplicationName": {"Ref": application},
                "DeploymentGroupName": {"Ref": group},
            }
        }

    @pytest.mark.parametrize(
        ("canary", "name"),
        [
            (Canary(), "LambdaCanary10Percent5Minutes"),
            (Canary(minutes=10), "LambdaCanary10Percent10Minutes"),
            (Canary(minutes=15), "LambdaCanary10Percent15Minutes"),
            (Canary(minutes=30), "LambdaCanary10Percent30Minutes"),
            (Canary(linear=True, minutes=1), "LambdaLinear10PercentEvery1Minute"),
            (Canary(linear=True, minutes=2), "LambdaLinear10PercentEvery2Minutes"),
            (Canary(linear=True, minutes=3), "LambdaLinear10PercentEvery3Minutes"),
            (Canary(linear=True, minutes=10), "LambdaLinear10PercentEvery10Minutes"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_takes_codedeploys_own_pace_where_there_is_one(self, stack: cdk.Stack, canary: Canary, name: str) -> None:
        SecureFunction(stack, "Charge", entry=ENTRY, canary=canary)
        template = template_of(stack)
        group = only(template, "AWS::CodeDeploy::DeploymentGroup")["Properties"]
        assert group["DeploymentConfigName"] == f"CodeDeployDefault.{name}"
        assert resources_of(template, "AWS::CodeDeploy::DeploymentConfig") == {}

    @pytest.mark.parametrize(
        ("canary", "routing"),
        [
            (
                Canary(percent=25, minutes=7),
                {
                    "TimeBasedCanary": {"CanaryInterval": 7, "CanaryPercentage": 25},
                    "Type": "TimeBasedCanary",
                },
            ),
            (
                Canary(percent=25, minutes=7, linear=True),
                {
                    "TimeBasedLinear": {"LinearInterval": 7, "LinearPercentage": 25},
                    "Type": "TimeBasedLinear",
                },
            ),
        ],
        ids=["canary", "linear"],
    )
    def test_has_a_pace_of_its_own_where_there_is_none(
        self, stack: cdk.Stack, canary: Canary, routing: dict[str, Any]
    ) -> None:
        SecureFunction(stack, "Charge", entry=ENTRY, canary=canary)
        template = template_of(stack)
        [pace] = resources_of(template, "AWS::CodeDeploy::DeploymentConfig")
        assert only(template, "AWS::CodeDeploy::DeploymentConfig")["Properties"] == {
            "ComputePlatform": "Lambda",
            "TrafficRoutingConfig": routing,
        }
        group = only(template, "AWS::CodeDeploy::DeploymentGroup")["Properties"]
        assert group["DeploymentConfigName"] == {"Ref": pace}

    def test_goes_back_when_an_alarm_goes_off_it_fails_or_is_stopped(self, stack: cdk.Stack) -> None:
        refunds = new_alarm(stack, "Refunds")
        charge = SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(alarms=[refunds]))
        assert len(charge.alarms) == 3
        group = only(template_of(stack), "AWS::CodeDeploy::DeploymentGroup")["Properties"]
        names = [stack.resolve(each.alarm_name) for each in (*charge.alarms, refunds)]
        assert group["AlarmConfiguration"] == {"Alarms": [{"Name": each} for each in names], "Enabled": True}
        assert group["AutoRollbackConfiguration"] == {
            "Enabled": True,
            "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"],
        }

    def test_an_alarm_counts_once_however_often_it_is_passed(self, stack: cdk.Stack) -> None:
        """CodeDeploy refuses a list that names an alarm twice."""
        refunds = new_alarm(stack, "Refunds")
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(alarms=[refunds, refunds]))
        group = only(template_of(stack), "AWS::CodeDeploy::DeploymentGroup")["Properties"]
        assert len(group["AlarmConfiguration"]["Alarms"]) == 4

    def test_forgets_alarms_that_are_there_no_more(self, app: cdk.App) -> None:
        stack = cdk.Stack(Defaults(alarms=False).apply(app), "Quiet")
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary())
        template = template_of(stack)
        group = only(template, "AWS::CodeDeploy::DeploymentGroup")["Properties"]
        assert group["AlarmConfiguration"] == {"Enabled": False}
        assert group["AutoRollbackConfiguration"]["Events"] == ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"]
        assert not any("Alarms" in action for action, _ in permissions_of(template, "ChargeDeploymentIdentityRole"))

    @pytest.mark.parametrize("hardened", [False, True])
    def test_goes_back_on_no_cold_start_and_on_no_event_that_is_lost(self, app: cdk.App, hardened: bool) -> None:
        stack = cdk.Stack(Defaults(hardened=hardened, vpc=None).apply(app), "Shop")
        charge = SecureFunction(
            stack, "Charge", entry=ENTRY, canary=Canary(), provisioned_concurrency=1, vpc=Waived("needs nothing there")
        )
        charge.keep_failed_events()
        assert len(charge.alarms) == 5
        group = only(template_of(stack), "AWS::CodeDeploy::DeploymentGroup")["Properties"]
        names = [each["Name"]["Ref"] for each in group["AlarmConfiguration"]["Alarms"]]
        assert [name.removeprefix("ChargeAlarms")[:6] for name in names] == ["Errors", "Thrott", "Durati"]

    def test_an_alarm_that_is_waived_is_none_to_go_back_on(self, stack: cdk.Stack) -> None:
        """How a version is deployed that mends what the alarm is on for."""
        waived = Waived("this mends it")
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(), alarms={"errors": waived})
        group = only(template_of(stack), "AWS::CodeDeploy::DeploymentGroup")["Properties"]
        assert len(group["AlarmConfiguration"]["Alarms"]) == 2

    def test_asks_its_hooks_which_know_the_new_version(self, stack: cdk.Stack, probe: SecureFunction) -> None:
        after = SecureFunction(stack, "After", entry=ENTRY)
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(before=probe, after=after))
        template = template_of(stack)
        [version] = [name for name in resources_of(template, "AWS::Lambda::Version") if name.startswith("Charge")]
        alias = next(each for name, each in resources_of(template, "AWS::Lambda::Alias").items() if "Charge" in name)
        update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert update["BeforeAllowTrafficHook"] == stack.resolve(probe.function_name)
        assert update["AfterAllowTrafficHook"] == stack.resolve(after.function_name)
        told = {
            name[:5]: each["Properties"]["Environment"]["Variables"].get("NEW_VERSION")
            for name, each in resources_of(template, "AWS::Lambda::Function").items()
        }
        assert told == {"Probe": {"Ref": version}, "After": {"Ref": version}, "Charg": None}

    @pytest.mark.parametrize("kind", [SecureApi, SecureRestApi])
    def test_goes_back_on_the_alarms_of_its_api(self, stack: cdk.Stack, kind: type[SecureApi | SecureRestApi]) -> None:
        """A stage waits for its routes, and a route for what moves its alias: so the alarms wait for no stage."""
        api = kind(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Charge", api=api, route="GET /", entry=ENTRY, canary=Canary(alarms=api.alarms))
        template = template_of(stack)
        group = only(template, "AWS::CodeDeploy::DeploymentGroup")["Properties"]
        assert len(group["AlarmConfiguration"]["Alarms"]) == 5
        assert list(rule_of("resources-wait-in-no-circle")(Assembly.of({"Shop": template}))) == []


class TestGrants:
    def test_codedeploy_may_move_this_alias_and_read_these_alarms_and_nothing_else(self, stack: cdk.Stack) -> None:
        charge = SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary())
        template = template_of(stack)
        function = stack.resolve(charge.function.function_name)["Ref"]
        alarms = [stack.resolve(each.alarm_name)["Ref"] for each in charge.alarms]
        assert permissions_of(template, "ChargeDeploymentIdentityRole") == {
            ("lambda:GetAlias", f"{function}.Arn"),
            ("lambda:GetAlias", f"{function}.Arn:live"),
            ("lambda:UpdateAlias", f"{function}.Arn"),
            ("lambda:UpdateAlias", f"{function}.Arn:live"),
            ("lambda:GetProvisionedConcurrencyConfig", f"{function}.Arn:live"),
            *(("cloudwatch:DescribeAlarms", f"{alarm}.Arn") for alarm in alarms),
        }
        [role] = [each for name, each in resources_of(template, "AWS::IAM::Role").items() if "Deployment" in name]
        assert "ManagedPolicyArns" not in role["Properties"]
        [statement] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "codedeploy.amazonaws.com"}
        assert set(statement["Condition"]) == {"StringEquals", "ArnLike"}

    def test_codedeploy_may_call_the_hooks(self, stack: cdk.Stack, probe: SecureFunction) -> None:
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(before=probe, after=probe))
        hook = stack.resolve(probe.function.function_name)["Ref"]
        permissions = permissions_of(template_of(stack), "ChargeDeploymentIdentityRole")
        assert {each for each in permissions if "Invoke" in each[0]} == {("lambda:InvokeFunction", f"{hook}.Arn")}
        report = cdk_nag.ServerlessChecks().validate_scope(stack)
        found = {each.construct_path for violation in report.violations for each in violation.violating_resources}
        assert found == {"Shop/Charge/Function/Resource"}, "nothing calls it yet; the hook is not among them"

    def test_a_hook_may_call_the_new_version_and_answer_before_the_alias_is_moved(
        self, stack: cdk.Stack, probe: SecureFunction
    ) -> None:
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(before=probe))
        template = template_of(stack)
        [version] = resources_of(template, "AWS::Lambda::Version")
        permissions = permissions_of(template, "ProbeIdentityRole")
        [answer] = [resource for action, resource in permissions if action.startswith("codedeploy")]
        [application] = resources_of(template, "AWS::CodeDeploy::Application")
        [group] = resources_of(template, "AWS::CodeDeploy::DeploymentGroup")
        assert answer.endswith(f":deploymentgroup:{application}/{group}")
        own = {each for each in permissions if each[0].startswith(("lambda", "codedeploy"))}
        assert own == {("codedeploy:PutLifecycleEventHookExecutionStatus", answer), ("lambda:InvokeFunction", version)}
        [policy] = [
            name
            for name, each in resources_of(template, "AWS::IAM::ManagedPolicy").items()
            if "PutLifecycle" in str(each)
        ]
        assert policy in only(template, "AWS::Lambda::Alias")["DependsOn"]

    def test_a_hook_may_start_what_calls_the_function(self, stack: cdk.Stack, probe: SecureFunction) -> None:
        """The workflow refers to the alias, and the hook's grants to the workflow: the alias must not wait for them."""
        charge = SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(before=probe))
        Workflow(stack, "Fulfil", steps=[step("Charge", charge)]).grant_start(probe)
        assert resources_of(template_of(stack), "AWS::Lambda::Alias")  # a template with a cycle would not be read

    def test_has_no_findings(self, stack: cdk.Stack, probe: SecureFunction) -> None:
        charge = SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(percent=7, before=probe))
        charge.keep_failed_events()
        probe.keep_failed_events()
        assert findings_of(stack) == []


WRONG: list[tuple[Canary, str, str]] = [
    (Canary(percent=0), "percent is 0, wanted 1 to 99", "leave percent out for 10"),
    (Canary(percent=100), "percent is 100, wanted 1 to 99", "leave percent out for 10"),
    (Canary(minutes=0), "the shift of calls takes 0 minutes, wanted 1 to 2880", "lower minutes"),
    (Canary(minutes=2881), "the shift of calls takes 2881 minutes, wanted 1 to 2880", "lower minutes"),
    (
        Canary(percent=1, minutes=30, linear=True),
        "the shift of calls takes 2970 minutes, wanted 1 to 2880",
        "lower minutes, or raise percent",
    ),
    (
        Canary(percent="10"),  # type: ignore[arg-type] # what a user without a type checker writes
        "percent is '10', wanted a whole number",
        "pass a whole number, or leave percent out",
    ),
    (
        Canary(before="probe"),  # type: ignore[arg-type] # likewise
        "before of canary is a str, wanted a SecureFunction",
        "pass the function",
    ),
    (
        Canary(after=SecureFunction),  # type: ignore[arg-type] # likewise
        "after of canary is the class SecureFunction, wanted a SecureFunction",
        "pass the function",
    ),
    (
        Canary(alarms=["Refunds"]),  # type: ignore[list-item] # likewise
        "alarms[0] is 'Refunds', wanted a cloudwatch.IAlarm",
        "pass a cloudwatch.IAlarm, or leave alarms out",
    ),
    (
        Canary(minutes=cdk.Token.as_number({"Ref": "Minutes"})),  # type: ignore[arg-type] # a number, in truth
        "minutes of canary is not known before deployment",
        "write the number",
    ),
]


class TestRefusals:
    @pytest.mark.parametrize(("canary", "what", "fix"), WRONG, ids=[what for _, what, _ in WRONG])
    def test_says_what_codedeploy_would_not_take(self, stack: cdk.Stack, canary: Canary, what: str, fix: str) -> None:
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "Charge", entry=ENTRY, canary=canary)
        assert str(refused.value) == f"{what}\n  at:  Shop/Charge (SecureFunction)\n  fix: {fix}"

    def test_takes_as_long_as_codedeploy_does(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(percent=1, minutes=29, linear=True))

    def test_of_more_alarms_than_codedeploy_takes(self, stack: cdk.Stack) -> None:
        alarms = [new_alarm(stack, f"Alarm{number}") for number in range(8)]
        SecureFunction(stack, "Fits", entry=ENTRY, canary=Canary(alarms=alarms[:7]))
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(alarms=alarms))
        assert str(refused.value) == (
            "canary has 8 alarms, and CodeDeploy takes 7 beside the function's own\n"
            "  at:  Shop/Charge (SecureFunction)\n"
            "  fix: pass those that tell a bad version"
        )

    def test_of_a_composite_alarm(self, stack: cdk.Stack) -> None:
        rule = cloudwatch.AlarmRule.from_alarm(new_alarm(stack, "Refunds"), cloudwatch.AlarmState.ALARM)
        composite = cloudwatch.CompositeAlarm(stack, "Any", alarm_rule=rule)
        with pytest.raises(PropError, match=r"alarms\[0\] is composite"):
            SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(alarms=[composite]))

    def test_of_an_alarm_that_is_elsewhere(self, app: cdk.App) -> None:
        there = cdk.Stack(app, "There", env=cdk.Environment(account="111111111111", region="eu-west-1"))
        here = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="us-east-1"))
        arn = "arn:aws:cloudwatch:us-east-1:222222222222:alarm:Refunds"
        for number, alarm in enumerate(
            (new_alarm(there, "Refunds"), cloudwatch.Alarm.from_alarm_arn(here, "Imported", arn))
        ):
            with pytest.raises(PropError) as refused:
                SecureFunction(here, f"Charge{number}", entry=ENTRY, canary=Canary(alarms=[alarm]))
            what = ("region eu-west-1, and the function in us-east-1", "account 222222222222, and the function in 1")
            assert str(refused.value).startswith(f"alarms[0] is in {what[number]}")
        near = cloudwatch.Alarm.from_alarm_name(here, "Near", "Refunds")
        SecureFunction(here, "Fits", entry=ENTRY, canary=Canary(alarms=[near]))

    def test_of_a_hook_with_an_alias(self, stack: cdk.Stack) -> None:
        probe = SecureFunction(stack, "Probe", entry=ENTRY, provisioned_concurrency=1)
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(after=probe))
        assert str(refused.value) == (
            "after has an alias, and CodeDeploy calls hooks by the names of functions\n"
            "  at:  Shop/Charge (SecureFunction)\n"
            "  fix: leave provisioned_concurrency, snap_start and canary out of the hook"
        )

    def test_of_a_hook_of_another_stack(self, app: cdk.App, stack: cdk.Stack) -> None:
        probe = SecureFunction(cdk.Stack(app, "Other"), "Probe", entry=ENTRY)
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(before=probe))
        assert str(refused.value) == (
            "before is not in the stack of the function\n"
            "  at:  Shop/Charge (SecureFunction)\n"
            "  fix: put the hook beside the function"
        )

    def test_of_a_hook_that_tests_another_function_already(self, stack: cdk.Stack, probe: SecureFunction) -> None:
        SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary(before=probe))
        with pytest.raises(PropError) as refused:
            SecureFunction(stack, "Refund", entry=ENTRY, canary=Canary(before=probe))
        assert str(refused.value) == (
            "before tests another function already: Shop/Charge\n"
            "  at:  Shop/Refund (SecureFunction)\n"
            "  fix: give each function a hook of its own; two may have one entry"
        )
