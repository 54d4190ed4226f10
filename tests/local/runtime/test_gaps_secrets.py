"""What stock makes of a rotation, and what we make of it."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import App


def runs_of_echo(app: App) -> int:
    functions = app.aws.client("lambda")
    settings = functions.get_function_configuration(FunctionName=app.outputs["Echo"]).get("LoggingConfig", {})
    lines = app.aws.messages(settings["LogGroup"])
    return sum("platform.report" in line or line.startswith("REPORT") for line in lines)


class TestSecretRotation:
    def made(self, app: App) -> tuple[Any, str]:
        secrets = app.aws.client("secretsmanager")
        return secrets, secrets.create_secret(Name=f"key-{uuid.uuid4()}", SecretString="old")["ARN"]

    def test_rotates_by_a_function_that_secrets_manager_may_call(self, stock: App, mended: App) -> None:
        def rotated(app: App) -> str:
            secrets, arn = self.made(app)
            function = app.aws.client("lambda").get_function(FunctionName=app.outputs["Echo"])["Configuration"]
            try:
                secrets.rotate_secret(SecretId=arn, RotationLambdaARN=function["FunctionArn"])
            except ClientError as error:
                return error.response["Error"]["Code"]
            return str(secrets.get_secret_value(SecretId=arn)["SecretString"])

        assert rotated(stock) == "old", "made current without anybody being called"
        assert rotated(mended) == "AccessDeniedException"

    def test_refuses_to_rotate_without_a_function(self, stock: App, mended: App) -> None:
        def rotate(app: App) -> None:
            secrets, arn = self.made(app)
            secrets.rotate_secret(SecretId=arn)

        rotate(stock)
        with pytest.raises(ClientError, match="No Lambda rotation function ARN is associated"):
            rotate(mended)

    def test_writes_a_version_once(self, stock: App, mended: App) -> None:
        def written(app: App, *values: str) -> None:
            secrets, arn = self.made(app)
            token = str(uuid.uuid4())
            for value in values:
                secrets.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=value)

        written(stock, "new", "newer")
        written(mended, "new", "new")
        with pytest.raises(ClientError, match="ResourceExistsException"):
            written(mended, "new", "newer")

    def test_a_label_is_of_one_version(self, stock: App, mended: App) -> None:
        def labelled(app: App) -> int:
            secrets, arn = self.made(app)
            for value in ("one", "two"):
                secrets.put_secret_value(SecretId=arn, SecretString=value, VersionStages=["AWSPENDING"])
            stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
            return sum("AWSPENDING" in each for each in stages.values())

        assert (labelled(stock), labelled(mended)) == (2, 1)

    def test_a_schedule_of_a_template_configures_the_rotation(self, mended: App) -> None:
        secrets, arn = self.made(mended)
        template = {
            "Resources": {
                "Permission": {
                    "Type": "AWS::Lambda::Permission",
                    "Properties": {
                        "Action": "lambda:InvokeFunction",
                        "FunctionName": mended.outputs["Echo"],
                        "Principal": "secretsmanager.amazonaws.com",
                        "SourceArn": arn,
                    },
                },
                "Schedule": {
                    "Type": "AWS::SecretsManager::RotationSchedule",
                    "DependsOn": "Permission",
                    "Properties": {
                        "SecretId": arn,
                        "RotationLambdaARN": {
                            "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
                            + mended.outputs["Echo"]
                        },
                        "RotationRules": {"ScheduleExpression": "rate(30 days)"},
                        "RotateImmediatelyOnUpdate": False,
                    },
                },
            }
        }
        name, before = f"Rotation-{uuid.uuid4()}", runs_of_echo(mended)
        mended.aws.deploy(name, template)
        told = secrets.describe_secret(SecretId=arn)
        assert told["RotationEnabled"]
        assert told["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
        end = time.monotonic() + 90
        while runs_of_echo(mended) == before or len(secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]) > 1:
            assert time.monotonic() < end, "the function is not tried out, or what it was tried with is left"
            time.sleep(0.05)
        assert runs_of_echo(mended) == before + 1, "testSecret, and no other step"
        cloudformation = mended.aws.client("cloudformation")
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        assert not secrets.describe_secret(SecretId=arn)["RotationEnabled"]
