"""A rotation's function may renew one secret, and only Secrets Manager may call it, for that secret."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Match, Template

from constructs_lib import PropError, SecretRotation, assert_guarded
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, statements_of, template_of

ENTRY = "tests/end_to_end/handlers/rotate_key.py"


@pytest.fixture
def secret(stack: cdk.Stack) -> secretsmanager.Secret:
    return secretsmanager.Secret(stack, "Key")


def rotated(stack: cdk.Stack, secret: secretsmanager.ISecret, **props: Any) -> SecretRotation:
    return SecretRotation(stack, "Rotation", secret=secret, entry=ENTRY, **props)


class TestDefaults:
    def test_rotates_every_30_days_and_at_once(self, stack: cdk.Stack, secret: secretsmanager.Secret) -> None:
        rotation = rotated(stack, secret)
        Template.from_stack(stack).has_resource_properties(
            "AWS::SecretsManager::RotationSchedule",
            {
                "SecretId": stack.resolve(secret.secret_arn),
                "RotationLambdaARN": stack.resolve(rotation.function.function_arn),
                "RotationRules": {"ScheduleExpression": "rate(30 days)"},
                "RotateImmediatelyOnUpdate": True,
            },
        )

    def test_tells_of_the_first_failure_also_where_another_alarm_is_asked_for(
        self, stack: cdk.Stack, secret: secretsmanager.Secret
    ) -> None:
        rotated(stack, secret, alarms={"throttles": 9})
        alarms = [each["Properties"] for each in resources_of(template_of(stack), "AWS::CloudWatch::Alarm").values()]
        thresholds = {each["MetricName"]: each["Threshold"] for each in alarms if each["MetricName"] != "Duration"}
        assert thresholds == {"Errors": 1, "Throttles": 9}

    def test_gives_each_step_a_minute(self, stack: cdk.Stack, secret: secretsmanager.Secret) -> None:
        rotated(stack, secret)
        Template.from_stack(stack).has_resource_properties("AWS::Lambda::Function", {"Timeout": 60})

    @pytest.mark.parametrize(
        ("every", "expression"),
        [
            (cdk.Duration.hours(4), "rate(4 hours)"),
            (cdk.Duration.hours(36), "rate(36 hours)"),
            (cdk.Duration.hours(24), "rate(1 day)"),
            (cdk.Duration.days(999), "rate(999 days)"),
        ],
    )
    def test_writes_the_interval_as_secrets_manager_does(
        self, stack: cdk.Stack, secret: secretsmanager.Secret, every: cdk.Duration, expression: str
    ) -> None:
        rotated(stack, secret, every=every)
        [schedule] = resources_of(template_of(stack), "AWS::SecretsManager::RotationSchedule").values()
        assert schedule["Properties"]["RotationRules"] == {"ScheduleExpression": expression}

    def test_nothing_is_found(self, stack: cdk.Stack, secret: secretsmanager.Secret) -> None:
        rotated(stack, secret)
        assert findings_of(stack) == []
        assert_guarded(stack)


class TestGrants:
    def test_the_function_may_take_the_four_steps_on_this_secret(
        self, stack: cdk.Stack, secret: secretsmanager.Secret
    ) -> None:
        rotated(stack, secret)
        template = template_of(stack)
        name = stack.resolve(secret.secret_arn)["Ref"]
        permissions = permissions_of(template, "RotationFunction")
        assert {pair for pair in permissions if pair[0].startswith("secretsmanager:")} == {
            (f"secretsmanager:{action}", name)
            for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
        }
        assert {action.partition(":")[0] for action, _ in permissions} == {"logs", "secretsmanager", "xray"}

    def test_a_key_of_ones_own_is_used_through_secrets_manager_alone(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "MasterKey")
        rotated(stack, secretsmanager.Secret(stack, "Key", encryption_key=key))
        [use] = [each for each in statements_of(template_of(stack)) if "kms:Decrypt" in each["Action"]]
        assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
        assert use["Resource"] == stack.resolve(key.key_arn)
        assert "secretsmanager." in str(use["Condition"]["StringEquals"]["kms:ViaService"])

    def test_secrets_manager_may_call_it_for_this_secret_and_account(
        self, stack: cdk.Stack, secret: secretsmanager.Secret
    ) -> None:
        rotated(stack, secret)
        [permission] = resources_of(template_of(stack), "AWS::Lambda::Permission").values()
        assert permission["Properties"]["Principal"] == "secretsmanager.amazonaws.com"
        assert permission["Properties"]["SourceArn"] == stack.resolve(secret.secret_arn)
        assert permission["Properties"]["SourceAccount"] == {"Ref": "AWS::AccountId"}

    def test_a_version_that_is_warm_is_the_one_that_is_called(
        self, stack: cdk.Stack, secret: secretsmanager.Secret
    ) -> None:
        rotated(stack, secret, provisioned_concurrency=1)
        template = template_of(stack)
        [alias] = resources_of(template, "AWS::Lambda::Alias")
        [schedule] = resources_of(template, "AWS::SecretsManager::RotationSchedule").values()
        [permission] = resources_of(template, "AWS::Lambda::Permission").values()
        assert schedule["Properties"]["RotationLambdaARN"] == {"Ref": alias}
        assert permission["Properties"]["FunctionName"] == {"Ref": alias}

    def test_the_first_rotation_waits_for_what_it_needs(self, stack: cdk.Stack, secret: secretsmanager.Secret) -> None:
        rotated(stack, secret)
        Template.from_stack(stack).has_resource(
            "AWS::SecretsManager::RotationSchedule",
            {
                "DependsOn": Match.array_with(
                    [
                        Match.string_like_regexp("RotationFunctionGrants"),
                        Match.string_like_regexp("RotationPermission"),
                    ]
                )
            },
        )

    def test_an_imported_secret_keeps_its_random_suffix_open(self, stack: cdk.Stack) -> None:
        rotated(stack, secretsmanager.Secret.from_secret_name_v2(stack, "Imported", "stripe"))
        [permission] = resources_of(template_of(stack), "AWS::Lambda::Permission").values()
        assert "stripe-??????" in str(permission["Properties"]["SourceArn"])

    def test_rotates_a_secret_of_another_stack(self, app: cdk.App) -> None:
        home = cdk.Stack(app, "Home")
        away = cdk.Stack(app, "Away")
        rotated(away, secretsmanager.Secret(home, "Key"))
        [schedule] = resources_of(template_of(away), "AWS::SecretsManager::RotationSchedule").values()
        assert "Fn::ImportValue" in schedule["Properties"]["SecretId"]


@pytest.mark.parametrize(
    ("every", "told"),
    [
        (cdk.Duration.hours(3), "3 hours"),
        (cdk.Duration.minutes(270), "4.5 hours"),
        (cdk.Duration.millis(14_400_001), "4.000000277777778 hours"),
        (cdk.Duration.days(1000), "24000 hours"),
        (30, "30"),
        ("rate(30 days)", "'rate(30 days)'"),
        (cdk.Duration.hours(cdk.Token.as_number({"Ref": "Hours"})), "not known before deployment"),
    ],
)
def test_refuses_an_interval_that_secrets_manager_does_not_take(
    stack: cdk.Stack, secret: secretsmanager.Secret, every: Any, told: str
) -> None:
    with pytest.raises(PropError) as caught:
        rotated(stack, secret, every=every)
    assert str(caught.value) == (
        f"every is {told}, wanted 4 to 999 whole hours, or 1 to 999 whole days\n"
        "  at:  Shop/Rotation (SecretRotation)\n"
        "  fix: write cdk.Duration.days(30)"
    )


def test_refuses_a_second_rotation_of_one_secret(stack: cdk.Stack, secret: secretsmanager.Secret) -> None:
    rotated(stack, secret)
    with pytest.raises(PropError) as caught:
        SecretRotation(stack, "Again", secret=secret, entry=ENTRY)
    assert str(caught.value) == (
        "Shop/Key is rotated already, by Shop/Rotation, and a secret has one rotation\n"
        "  at:  Shop/Again (SecretRotation)\n"
        "  fix: let one function do both, or keep the two in secrets of their own"
    )


def test_refuses_a_second_rotation_whoever_made_the_first(stack: cdk.Stack, secret: secretsmanager.Secret) -> None:
    secret.add_rotation_schedule("Hosted", hosted_rotation=secretsmanager.HostedRotation.postgre_sql_single_user())
    with pytest.raises(PropError, match="Shop/Key is rotated already, by Shop/Key/Hosted/Resource"):
        rotated(stack, secret)


def test_refuses_a_second_rotation_that_comes_after_it(
    app: cdk.App, stack: cdk.Stack, secret: secretsmanager.Secret
) -> None:
    rotated(stack, secret)
    secret.add_rotation_schedule("Hosted", hosted_rotation=secretsmanager.HostedRotation.postgre_sql_single_user())
    with pytest.raises(RuntimeError) as caught:
        app.synth()
    assert str(caught.value).endswith(
        "Shop/Key is rotated already, by Shop/Key/Hosted/Resource, and a secret has one rotation\n"
        "  at:  Shop/Rotation (SecretRotation)\n"
        "  fix: let one function do both, or keep the two in secrets of their own"
    )


def test_refuses_a_second_rotation_that_stands_beside_its_secret(
    app: cdk.App, stack: cdk.Stack, secret: secretsmanager.Secret
) -> None:
    rotated(stack, secret)
    other = secretsmanager.Secret(stack, "Other")
    elsewhere = cdk.Stack(app, "Elsewhere")
    hosted = secretsmanager.HostedRotation.postgre_sql_single_user()
    secretsmanager.RotationSchedule(stack, "OfOther", secret=other, hosted_rotation=hosted)
    app.synth()
    secretsmanager.CfnRotationSchedule(elsewhere, "Bare", secret_id=secret.secret_arn)
    with pytest.raises(RuntimeError, match="Shop/Key is rotated already, by Elsewhere/Bare, and a secret has one"):
        app.synth(force=True)


def test_refuses_a_second_rotation_of_an_imported_secret(app: cdk.App, stack: cdk.Stack) -> None:
    stripe = secretsmanager.Secret.from_secret_name_v2(stack, "Stripe", "stripe")
    rotated(stack, stripe)
    for name in ("paypal", "stripe"):
        again = secretsmanager.Secret.from_secret_name_v2(stack, name, name)
        secretsmanager.CfnRotationSchedule(stack, f"Of{name}", secret_id=again.secret_arn)
    with pytest.raises(RuntimeError, match="Shop/Stripe is rotated already, by Shop/Ofstripe, and a secret has one"):
        app.synth()


def test_is_not_taken_for_another_in_the_scope_of_its_secret(app: cdk.App, secret: secretsmanager.Secret) -> None:
    rotation = SecretRotation(secret, "Rotation", secret=secret, entry=ENTRY)
    app.synth()
    assert rotation.schedule.node.path.startswith("Shop/Key/Rotation/")


def test_refuses_a_second_rotation_of_a_secret_that_is_attached_to_its_database(
    stack: cdk.Stack, secret: secretsmanager.Secret
) -> None:
    database = rds.DatabaseInstance.from_database_instance_attributes(
        stack, "Old", instance_identifier="old", instance_endpoint_address="old.internal", port=5432, security_groups=[]
    )
    attached = secret.attach(database)
    rotated(stack, secret)
    with pytest.raises(PropError, match="Attachment is rotated already, by Shop/Rotation"):
        SecretRotation(stack, "Again", secret=attached, entry=ENTRY)


def test_refuses_a_second_rotation_of_a_secret_that_is_imported_twice(stack: cdk.Stack) -> None:
    first, second = (secretsmanager.Secret.from_secret_name_v2(stack, each, "stripe") for each in ("One", "Two"))
    rotated(stack, first)
    with pytest.raises(PropError, match="Shop/Two is rotated already, by Shop/Rotation"):
        SecretRotation(stack, "Again", secret=second, entry=ENTRY)


def test_takes_secrets_of_one_name_in_two_stages_for_two(app: cdk.App) -> None:
    for name in ("dev", "prod"):
        stack = cdk.Stack(cdk.Stage(app, name), "Shop")
        rotated(stack, secretsmanager.Secret.from_secret_name_v2(stack, "Key", "stripe"))


def test_refuses_a_secret_of_another_account(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111122223333", region="eu-central-1"))
    arn = "arn:aws:secretsmanager:eu-central-1:444455556666:secret:stripe-a1b2c3"
    with pytest.raises(PropError) as caught:
        rotated(stack, secretsmanager.Secret.from_secret_complete_arn(stack, "Key", arn))
    assert str(caught.value) == (
        "secret is of account 444455556666, and Shop/Rotation of 111122223333, whose roles may not change it\n"
        "  at:  Shop/Rotation (SecretRotation)\n"
        "  fix: define the rotation in a stack of account 444455556666"
    )


def test_refuses_a_name_that_looks_like_a_complete_arn(stack: cdk.Stack) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop/api-secret"
    for imported in (
        secretsmanager.Secret.from_secret_name_v2(stack, "ByName", "shop/api-secret"),
        secretsmanager.Secret.from_secret_partial_arn(stack, "ByArn", arn),
    ):
        with pytest.raises(PropError) as caught:
            rotated(stack, imported)
        assert str(caught.value) == (
            "secret was imported without the end of its ARN, and its name shop/api-secret looks as if it had one: "
            "Secrets Manager would look for another secret\n"
            "  at:  Shop/Rotation (SecretRotation)\n"
            "  fix: import it with secretsmanager.Secret.from_secret_complete_arn"
        )
    whole = secretsmanager.Secret.from_secret_complete_arn(stack, "Whole", f"{arn}-a1b2c3")
    assert rotated(stack, whole).secret is whole


def test_a_rotation_that_was_refused_leaves_the_secret_to_the_next(
    stack: cdk.Stack, secret: secretsmanager.Secret
) -> None:
    with pytest.raises(PropError):
        rotated(stack, secret, memory_mib=1)
    rotated(stack, secret)


def test_refuses_a_secret_of_another_region(app: cdk.App) -> None:
    home, away = (
        cdk.Stack(app, name, env=cdk.Environment(account="111122223333", region=region))
        for name, region in (("Home", "eu-central-1"), ("Away", "us-east-1"))
    )
    with pytest.raises(PropError, match=r"secret is in eu-central-1, and Away/Rotation in us-east-1"):
        rotated(away, secretsmanager.Secret(home, "Key"))
