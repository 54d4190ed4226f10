from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Match, Template

from constructs_lib import BundlingError, PropError, SecureFunction, Waived
from constructs_lib.secure_function import FunctionProps
from tests.templates import permissions_of, resources_of, statements_of, template_of

NODE_ENTRY = "lambda_src/greeting/greet.ts"
PYTHON_ENTRY = "lambda_src/users/list_users.py"

OWN = {
    ("logs:CreateLogStream", "ReportLogs{}.Arn"),
    ("logs:PutLogEvents", "ReportLogs{}.Arn"),
    ("xray:PutTelemetryRecords", "*"),
    ("xray:PutTraceSegments", "*"),
}


def granted(template: dict[str, Any]) -> set[tuple[str, str]]:
    """What the function Report may do beyond its own logs and traces."""
    [log_group] = [name for name in resources_of(template, "AWS::Logs::LogGroup") if name.startswith("ReportLogs")]
    base = {(action, resource.replace("ReportLogs{}", log_group)) for action, resource in OWN}
    permissions = permissions_of(template, "ReportIdentityRole")
    assert base <= permissions
    return permissions - base


class TestDefaults:
    def test_states_what_lambda_would_otherwise_choose(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        Template.from_stack(stack).has_resource_properties(
            "AWS::Lambda::Function",
            {
                "Runtime": "nodejs24.x",
                "Architectures": ["arm64"],
                "MemorySize": 512,
                "Timeout": 10,
                "TracingConfig": {"Mode": "Active"},
                "RecursiveLoop": "Terminate",
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": {"Ref": Match.string_like_regexp("ReportLogs")}},
                "Handler": "index.handler",
            },
        )

    def test_chooses_python_for_a_python_entry(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=PYTHON_ENTRY)
        Template.from_stack(stack).has_resource_properties(
            "AWS::Lambda::Function", {"Runtime": "python3.14", "Handler": "users.list_users.handler"}
        )

    def test_keeps_logs_for_a_month_also_when_the_function_goes(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        Template.from_stack(stack).has_resource(
            "AWS::Logs::LogGroup", {"Properties": {"RetentionInDays": 30}, "DeletionPolicy": "RetainExceptOnCreate"}
        )

    def test_waits_for_its_base_policy_but_not_for_its_grants(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue")
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        queue.grant_send_messages(report)
        template = template_of(stack)
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        waits_for = {re.sub(r"[0-9A-F]{8}$", "", name) for name in function["DependsOn"]}
        assert waits_for == {"ReportIdentityBase", "ReportIdentityRole"}

    def test_leaves_nothing_else_in_the_template(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        kinds = sorted(each["Type"] for each in template_of(stack)["Resources"].values())
        assert kinds == [
            *["AWS::CloudWatch::Alarm"] * 3,
            "AWS::IAM::ManagedPolicy",
            "AWS::IAM::Role",
            "AWS::Lambda::Function",
            "AWS::Logs::LogGroup",
        ]

    def test_logical_ids_of_what_holds_data_stay(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        assert list(resources_of(template_of(stack), "AWS::Logs::LogGroup")) == ["ReportLogsAA3E998E"]


class TestGrants:
    def test_may_write_its_own_logs_and_traces_and_nothing_else(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        assert granted(template_of(stack)) == set()

    def test_has_no_inline_and_no_aws_managed_policy(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        [role] = resources_of(template_of(stack), "AWS::IAM::Role").values()
        assert "Policies" not in role["Properties"]
        assert "ManagedPolicyArns" not in role["Properties"]

    def test_the_wildcard_of_tracing_stands_alone_in_its_statement(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        wild = [each for each in statements_of(template_of(stack)) if each["Resource"] == "*"]
        assert wild == [
            {
                "Sid": "SendTraces",
                "Effect": "Allow",
                "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
                "Resource": "*",
            }
        ]

    def test_grants_of_any_l2_land_in_the_grants_policy(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue")
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        queue.grant(report, "sqs:SendMessage")
        template = template_of(stack)
        [name] = resources_of(template, "AWS::SQS::Queue")
        assert granted(template) == {("sqs:SendMessage", f"{name}.Arn")}

    def test_grants_to_the_l2_function_are_not_lost(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue")
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        queue.grant(report.function, "sqs:SendMessage")
        template = template_of(stack)
        [name] = resources_of(template, "AWS::SQS::Queue")
        assert granted(template) == {("sqs:SendMessage", f"{name}.Arn")}

    def test_two_functions_share_no_role(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY)
        SecureFunction(stack, "Other", entry=NODE_ENTRY)
        functions = resources_of(template_of(stack), "AWS::Lambda::Function").values()
        assert len({str(each["Properties"]["Role"]) for each in functions}) == 2

    def test_grant_invoke_names_the_unqualified_function(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        caller = SecureFunction(stack, "Caller", entry=NODE_ENTRY)
        report.grant_invoke(caller)
        template = template_of(stack)
        [name] = [each for each in resources_of(template, "AWS::Lambda::Function") if each.startswith("Report")]
        assert ("lambda:InvokeFunction", f"{name}.Arn") in permissions_of(template, "CallerIdentityRole")

    def test_mappings_of_the_l2_wait_for_the_grants(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue")
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        report.function.add_event_source(event_sources.SqsEventSource(queue))
        [mapping] = resources_of(template_of(stack), "AWS::Lambda::EventSourceMapping").values()
        assert [re.sub(r"[0-9A-F]{8}$", "", name) for name in mapping["DependsOn"]] == ["ReportGrants"]

    def test_grants_that_do_not_fit_into_one_policy_go_into_the_next(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        for number in range(40):
            sqs.Queue(stack, f"Queue{number}").grant(report, "sqs:SendMessage")
        template = template_of(stack)
        assert len(granted(template)) == 40
        assert len([each for each in resources_of(template, "AWS::IAM::ManagedPolicy") if "Grants" in each]) == 2

    def test_grants_that_no_role_can_hold_are_refused(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        statement = iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[f"arn:aws:sqs:::{'q' * 5000}"])
        for _ in range(9):
            report.add_to_role_policy(statement)
        with pytest.raises(PropError, match="more than 10 policies"):
            report.add_to_role_policy(statement)

    def test_a_grant_that_would_be_lost_is_refused(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        with pytest.raises(PropError, match="cannot be granted to a ServicePrincipal"):
            report.grant_invoke(iam.ServicePrincipal("states.amazonaws.com"))

    def test_a_grant_to_another_account_is_refused(self, app: cdk.App) -> None:
        here = cdk.Stack(app, "Here", env=cdk.Environment(account="111122223333", region="eu-west-1"))
        report = SecureFunction(here, "Report", entry=NODE_ENTRY)
        there = iam.Role.from_role_arn(here, "There", "arn:aws:iam::444455556666:role/partner")
        with pytest.raises(PropError, match="a role of another account"):
            report.grant_invoke(there)


class TestSecrets:
    def test_a_secret_gives_the_arn_and_the_right_to_read_it(self, stack: cdk.Stack) -> None:
        secret = secretsmanager.Secret(stack, "Stripe")
        SecureFunction(stack, "Report", entry=NODE_ENTRY, secrets={"STRIPE_KEY": secret})
        template = template_of(stack)
        [name] = resources_of(template, "AWS::SecretsManager::Secret")
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["STRIPE_KEY"] == {"Ref": name}
        assert granted(template) == {("secretsmanager:GetSecretValue", name)}
        assert "{{resolve:" not in str(template)

    def test_a_secret_with_its_own_key_may_be_decrypted_through_secrets_manager_only(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        secret = secretsmanager.Secret(stack, "Stripe", encryption_key=key)
        SecureFunction(stack, "Report", entry=NODE_ENTRY, secrets={"STRIPE_KEY": secret})
        template = template_of(stack)
        [key_name] = resources_of(template, "AWS::KMS::Key")
        [(_, decrypt)] = [each for each in granted(template) if each[0] == "kms:Decrypt"]
        assert decrypt.startswith(f"{key_name}.Arn if ")
        assert '"kms:ViaService"' in decrypt
        assert "secretsmanager." in decrypt

    def test_a_secret_imported_by_name_is_granted_with_its_random_ending(self, stack: cdk.Stack) -> None:
        secret = secretsmanager.Secret.from_secret_name_v2(stack, "Stripe", "stripe")
        SecureFunction(stack, "Report", entry=NODE_ENTRY, secrets={"STRIPE_KEY": secret})
        [(action, resource)] = granted(template_of(stack))
        assert action == "secretsmanager:GetSecretValue"
        assert resource.endswith(":secret:stripe-??????")

    def test_a_parameter_works_alike(self, stack: cdk.Stack) -> None:
        parameter = ssm.StringParameter(stack, "Limit", string_value="10")
        SecureFunction(stack, "Report", entry=NODE_ENTRY, secrets={"LIMIT": parameter})
        [(action, resource)] = granted(template_of(stack))
        assert action == "ssm:GetParameter"
        assert ":parameter/" in resource

    def test_a_secure_string_works_alike(self, stack: cdk.Stack) -> None:
        parameter = ssm.StringParameter.from_secure_string_parameter_attributes(
            stack, "Token", parameter_name="/app/token"
        )
        SecureFunction(stack, "Report", entry=NODE_ENTRY, secrets={"TOKEN": parameter})
        [(action, resource)] = granted(template_of(stack))
        assert action == "ssm:GetParameter"
        assert resource.endswith(":parameter/app/token")


class TestRefusals:
    def refused(self, stack: cdk.Stack, **props: Any) -> str:
        with pytest.raises(PropError) as caught:
            SecureFunction(stack, "Report", **{"entry": NODE_ENTRY, **props})
        return str(caught.value)

    def test_a_timeout_above_15_minutes(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, timeout=cdk.Duration.minutes(16)) == (
            "timeout (960 s) is longer than Lambda allows (900 s)\n"
            "  at:  Shop/Report (SecureFunction)\n"
            "  fix: split the work into steps of a state machine, or run it on Fargate"
        )

    def test_accepts_15_minutes(self, stack: cdk.Stack) -> None:
        assert SecureFunction(stack, "Report", entry=NODE_ENTRY, timeout=cdk.Duration.minutes(15))

    @pytest.mark.parametrize("memory_mib", [0, 127, 10_241])
    def test_memory_that_lambda_does_not_have(self, stack: cdk.Stack, memory_mib: int) -> None:
        assert f"memory_mib is {memory_mib}, wanted a number from 128 to 10240" in self.refused(
            stack, memory_mib=memory_mib
        )

    @pytest.mark.parametrize(
        "value_of",
        [
            lambda secret: secret.secret_value,
            lambda secret: secret.secret_value.unsafe_unwrap(),
            lambda secret: secret.secret_value.to_string(),
            lambda secret: "Bearer " + secret.secret_value_from_json("token").unsafe_unwrap(),
            lambda _: cdk.SecretValue.ssm_secure("/app/token").unsafe_unwrap(),
            lambda _: "{{resolve:secretsmanager:stripe}}",
            lambda secret: f"{cdk.Aws.REGION}{secret.secret_value.to_string()}",
            lambda secret: cdk.Fn.join(":", ["{{resolve", "secretsmanager", secret.secret_arn, "SecretString}}"]),
            lambda secret: cdk.CfnParameter(secret.stack, "Hidden", no_echo=True).value_as_string,
            lambda _: "sk_" + "live_0123456789abcdef",
            lambda _: "AKIA" + "IOSFODNN7EXAMPLE",
            lambda _: cdk.SecretValue.unsafe_plain_text("ghp_" + "a" * 36).unsafe_unwrap(),
        ],
    )
    @pytest.mark.parametrize("flags", [{}, {"@aws-cdk/core:checkSecretUsage": True}])
    def test_the_value_of_a_secret_in_the_environment(
        self, app: cdk.App, value_of: Any, flags: dict[str, bool]
    ) -> None:
        for name, value in flags.items():
            app.node.set_context(name, value)
        stack = cdk.Stack(app, "Shop")
        secret = secretsmanager.Secret(stack, "Stripe")
        text = self.refused(stack, environment={"STRIPE_KEY": value_of(secret)})
        assert text.startswith("environment variable STRIPE_KEY would hold the value of a secret")
        assert 'fix: pass the secret itself: secrets={"STRIPE_KEY": secret}' in text

    def test_a_secret_that_is_its_value(self, stack: cdk.Stack) -> None:
        text = self.refused(stack, secrets={"STRIPE_KEY": "sk_live_not_a_construct"})
        assert "secret STRIPE_KEY is a str" in text
        assert "sk_live" not in text

    @pytest.mark.parametrize("name", ["AWS_REGION", "_HANDLER", "1ST", "A", "WITH-DASH", ""])
    def test_variable_names_that_are_not_free(self, stack: cdk.Stack, name: str) -> None:
        assert "environment variable" in self.refused(stack, environment={name: "x"})

    def test_everything_wrong_is_said_at_once(self, stack: cdk.Stack) -> None:
        text = self.refused(stack, memory_mib=1, timeout=cdk.Duration.hours(1), environment={"AWS_REGION": "here"})
        assert text.count("\n  fix: ") == 3

    @pytest.mark.parametrize(
        ("props", "said"),
        [
            ({"timeout": 30}, "timeout is 30, wanted a Duration"),
            ({"timeout": cdk.Duration.millis(1500)}, "fix: write cdk.Duration.seconds(2)"),
            ({"memory_mib": "512"}, "memory_mib is '512', wanted a whole number"),
            ({"reserved_concurrency": -5}, "reserved_concurrency is -5"),
            ({"environment": {"LONG": "x" * 5000}}, "the environment has 5004 bytes, Lambda takes 4096"),
            ({"entry": None}, "entry is None, wanted a string"),
        ],
    )
    def test_values_of_other_kinds_and_sizes(self, stack: cdk.Stack, props: dict[str, Any], said: str) -> None:
        assert said in self.refused(stack, **props)

    def test_a_missing_entry_is_said_with_everything_else(self, stack: cdk.Stack) -> None:
        text = self.refused(stack, entry="lambda_src/greeting/great.ts", memory_mib=1)
        assert "memory_mib is 1" in text
        assert "lambda_src/greeting/great.ts" in text

    def test_a_missing_entry(self, stack: cdk.Stack) -> None:
        with pytest.raises(BundlingError, match=re.escape("lambda_src/greeting/great.ts")):
            SecureFunction(stack, "Report", entry="lambda_src/greeting/great.ts")

    def test_an_entry_in_another_language(self, stack: cdk.Stack) -> None:
        assert "neither TypeScript, JavaScript nor Python" in self.refused(stack, entry="main.go")

    def test_a_managed_policy(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        administrator = iam.ManagedPolicy.from_aws_managed_policy_name("AdministratorAccess")
        role = report.function.role
        assert role is not None
        with pytest.raises(PropError, match="AdministratorAccess"):
            role.add_managed_policy(administrator)

    def test_an_inline_policy(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        with pytest.raises(PropError, match="inline"):
            report.identity.attach_inline_policy(iam.Policy(stack, "Inline"))

    def test_a_variable_set_to_two_values(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY, environment={"STAGE": "dev"})
        with pytest.raises(PropError, match="STAGE is set twice"):
            report.add_environment("STAGE", "prod")

    @pytest.mark.parametrize("safeguard", ["tracing", "recursion_stop"])
    def test_a_safeguard_waived_without_a_reason(self, stack: cdk.Stack, safeguard: str) -> None:
        assert f'say why: {safeguard}=Waived("...")' in self.refused(stack, **{safeguard: False})

    def test_an_empty_reason(self) -> None:
        with pytest.raises(PropError, match="without a reason"):
            Waived(" ")


class TestPassingOn:
    def test_what_other_constructs_pass_on_is_all_that_a_function_takes(self) -> None:
        taken = set(inspect.signature(SecureFunction.__init__).parameters) - {"self", "scope", "id", "entry"}
        asynchronous = {"on_failure", "retry_attempts", "max_event_age"}
        # Each construct has alarms of its own to name among those of the function.
        assert set(FunctionProps.__annotations__) == taken - asynchronous - {"alarms"}


class TestEscapeHatches:
    def test_waiving_tracing_leaves_the_reason_in_the_template(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY, tracing=Waived("traced by its caller"))
        template = template_of(stack)
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Metadata"]["constructs-lib:waived"] == {"tracing": "traced by its caller"}
        assert "TracingConfig" not in function["Properties"]
        assert not [each for each in statements_of(template) if each["Resource"] == "*"]

    def test_waiving_the_recursion_stop_leaves_the_reason_in_the_template(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=NODE_ENTRY, recursion_stop=Waived("counts down, ends at zero"))
        [function] = resources_of(template_of(stack), "AWS::Lambda::Function").values()
        assert function["Metadata"]["constructs-lib:waived"] == {"recursion_stop": "counts down, ends at zero"}
        assert function["Properties"]["RecursiveLoop"] == "Allow"

    def test_every_l2_is_reachable(self, stack: cdk.Stack) -> None:
        report = SecureFunction(stack, "Report", entry=NODE_ENTRY)
        assert isinstance(report.function, lambda_.Function)
        assert isinstance(report.log_group, logs.LogGroup)
        assert isinstance(report.identity.role, iam.Role)
        assert isinstance(report.identity.base_policy, iam.ManagedPolicy)

    def test_bundles_as_told(self, tmp_path: Path) -> None:
        app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
        stack = cdk.Stack(app, "Shop")
        SecureFunction(stack, "Plain", entry=NODE_ENTRY)
        SecureFunction(stack, "Mapped", entry=NODE_ENTRY, bundling={"source_map": True})
        app.synth()
        assert len(list((tmp_path / "source-maps").rglob("*.map"))) == 1

    def test_takes_tokens_without_guessing_at_them(self, stack: cdk.Stack) -> None:
        memory = int(cdk.CfnParameter(stack, "Memory", type="Number", default=256).value_as_number)
        SecureFunction(stack, "Report", entry=NODE_ENTRY, memory_mib=memory)
        Template.from_stack(stack).has_resource_properties("AWS::Lambda::Function", {"MemorySize": {"Ref": "Memory"}})
