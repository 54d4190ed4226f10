"""A table and a bucket that stood before the app become ours by `cdk import`, with what they hold."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs_lib import Defaults, DynamoTable, SecureFunction, UploadBucket, Waived
from constructs_lib.local import LocalAws
from constructs_lib.local.cdk_cli import _environment, cli_program, node_program


def nothing(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Nothing")
    cdk.CfnWaitConditionHandle(stack, "Nothing")


def as_it_stands(app: cdk.App) -> None:
    """The shop, with the table as somebody made it: an import changes nothing, and a deployment what changed since."""
    not_yet = Waived("imported as it stands; switched on by the next deployment")
    shop(app, not_yet)


def shop(app: cdk.App, safeguards: Literal[True] | Waived = True) -> None:
    stack = cdk.Stack(app, "Shop")
    Defaults(alarms=False).apply(stack)
    users = DynamoTable(
        stack, "Users", partition_key="id", point_in_time_recovery=safeguards, deletion_protection=safeguards
    )
    photos = UploadBucket(stack, "Photos", access_logs=s3.Bucket.from_bucket_name(stack, "Logs", "logs-of-old"))
    function = SecureFunction(stack, "Read", entry="lambda_src/greeting/greet.ts")
    users.grant(function, "GetItem", env="USERS_TABLE")
    photos.grant_read(function, prefix="raw/", env="PHOTOS_BUCKET")


def test_the_real_cdk_imports_a_table_and_a_bucket(
    synthesize: Callable[[Callable[[cdk.App], object]], Path], tmp_path: Path
) -> None:
    first, then = synthesize(as_it_stands), synthesize(shop)
    resources = json.loads((first / "Shop.template.json").read_text())["Resources"]
    by_type = {each["Type"]: name for name, each in resources.items()}
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        json.dumps(
            {
                by_type["AWS::DynamoDB::Table"]: {"TableName": "users-of-old"},
                by_type["AWS::S3::Bucket"]: {"BucketName": "photos-of-old"},
            }
        )
    )
    with LocalAws.from_assembly(synthesize(nothing)) as aws:
        tables, buckets = aws.client("dynamodb"), aws.client("s3")
        tables.create_table(
            TableName="users-of-old",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        tables.put_item(TableName="users-of-old", Item={"id": {"S": "ada"}})
        for name in ("photos-of-old", "logs-of-old"):
            buckets.create_bucket(Bucket=name)
        buckets.put_object(Bucket="photos-of-old", Key="raw/ada.png", Body=b"picture")

        environment = _environment(aws.clients, tmp_path / "cdk")
        for command in (
            ["import", "Shop", "--resource-mapping", str(mapping), "--force", "--app", str(first)],
            ["deploy", "Shop", "--require-approval", "never", "--app", str(then)],
        ):
            done = subprocess.run(
                [str(node_program()), str(cli_program()), *command],
                env=environment,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr

        stood = aws.client("cloudformation").describe_stack_resources(StackName="Shop")["StackResources"]
        places = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in stood}
        assert places[by_type["AWS::DynamoDB::Table"]] == "users-of-old"
        assert places[by_type["AWS::S3::Bucket"]] == "photos-of-old"
        assert tables.get_item(TableName="users-of-old", Key={"id": {"S": "ada"}})["Item"] == {"id": {"S": "ada"}}
        assert buckets.get_object(Bucket="photos-of-old", Key="raw/ada.png")["Body"].read() == b"picture"
        [function] = aws.client("lambda").list_functions()["Functions"]
        variables = function["Environment"]["Variables"]
        assert (variables["USERS_TABLE"], variables["PHOTOS_BUCKET"]) == ("users-of-old", "photos-of-old")
        recovery = tables.describe_continuous_backups(TableName="users-of-old")["ContinuousBackupsDescription"]
        assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
