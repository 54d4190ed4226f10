"""With `iam="warn"` what is denied passes, and is told; calls, triggers, destinations and roles alike."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local import LocalAws
from tests.local.rights.callers import ACCOUNT, Callers, arn, document
from tests.local.session.example_app import ExampleApp, function, http_api, write_example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local.rights.callers import Caller

UNHEARD = """
import boto3
def handler(event, context):
    boto3.client("dynamodb").list_tables()
    return {"statusCode": 200}
"""


@pytest.fixture(scope="module")
def warned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(write_example(tmp_path_factory.mktemp("example")), iam="warn") as aws:
        yield aws


@pytest.fixture(scope="module")
def nobody(warned: LocalAws) -> Caller:
    """Somebody who may do nothing."""
    return Callers(warned.endpoint).who_may()


def denied(aws: LocalAws, action: str, resource: str = "") -> list[dict[str, Any]]:
    """What the journal tells of denied calls of an action."""
    found: list[dict[str, Any]] = []
    for _ in range(100):
        found = [
            each
            for each in aws.journal("authorization")
            if each["action"] == action and not each["allowed"] and resource in each["resource"]
        ]
        if found:
            break
        time.sleep(0.05)
    return found


def test_a_call_without_any_right_passes_and_is_told(warned: LocalAws, nobody: Caller) -> None:
    assert nobody.client("dynamodb").list_tables()["TableNames"]
    (told,) = denied(warned, "dynamodb:ListTables")
    assert told["principal"] == nobody.session_arn
    assert not told["enforced"]
    assert told["reason"].endswith("because no identity-based policy allows the dynamodb:ListTables action")


def test_a_denial_of_a_resource_passes_and_is_told(warned: LocalAws, nobody: Caller) -> None:
    name = f"q-{uuid.uuid4()}"
    sqs = warned.client("sqs")
    shut = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn("sqs", name)}
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": document(shut)})["QueueUrl"]
    assert nobody.client("sqs").send_message(QueueUrl=url, MessageBody="x")["MessageId"]
    (told,) = denied(warned, "sqs:SendMessage", name)
    assert told["reason"].endswith("with an explicit deny in a resource-based policy")


def test_a_key_that_may_not_be_used_is_told_of_its_own(warned: LocalAws, nobody: Caller) -> None:
    key = warned.client("kms").create_key()["KeyMetadata"]["Arn"]
    queue = warned.client("sqs").create_queue(QueueName=f"q-{uuid.uuid4()}", Attributes={"KmsMasterKeyId": key})
    nobody.client("sqs").send_message(QueueUrl=queue["QueueUrl"], MessageBody="x")
    assert denied(warned, "kms:GenerateDataKey", key)
    assert denied(warned, "kms:Decrypt", key)


def test_a_role_that_trusts_nobody_is_assumed_and_told(warned: LocalAws, nobody: Caller) -> None:
    name = f"role-{uuid.uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    warned.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    assert nobody.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    reasons = [each["reason"] for each in denied(warned, "sts:AssumeRole", role)]
    assert any("trust policy" in each for each in reasons)


def test_a_topic_feeds_a_queue_that_does_not_let_it_in(warned: LocalAws) -> None:
    sqs, sns, name = warned.client("sqs"), warned.client("sns"), f"q-{uuid.uuid4()}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    topic = sns.create_topic(Name=f"t-{uuid.uuid4()}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", name))
    sns.publish(TopicArn=topic, Message="x")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    (told,) = denied(warned, "sqs:SendMessage", name)
    assert told["principal"] == "sns.amazonaws.com"


def test_a_destination_is_told_that_the_role_may_not_reach(warned: LocalAws) -> None:
    name = f"q-{uuid.uuid4()}"
    warned.client("sqs").create_queue(QueueName=name)
    (physical,) = [name for name, path in warned.function_paths().items() if path.endswith("Greet")]
    warned.client("lambda").put_function_event_invoke_config(
        FunctionName=physical, DestinationConfig={"OnSuccess": {"Destination": arn("sqs", name)}}
    )
    assert denied(warned, "sqs:SendMessage", name)


def test_an_api_calls_a_function_that_never_let_it(warned: LocalAws) -> None:
    (physical,) = [name for name, path in warned.function_paths().items() if path.endswith("Greet")]
    lambda_ = warned.client("lambda")
    policy = json.loads(lambda_.get_policy(FunctionName=physical)["Policy"])
    for statement in policy["Statement"]:
        lambda_.remove_permission(FunctionName=physical, StatementId=statement["Sid"])
    assert warned.call("POST", "/greet", json={"name": "Ada"}).status == 200
    (told,) = denied(warned, "lambda:InvokeFunction")
    assert told["principal"] == "apigateway.amazonaws.com"


def test_what_a_function_may_not_do_is_told_with_its_name(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = ExampleApp(tmp_path_factory.mktemp("unheard"))
    code = app.code(UNHEARD)
    resources = function(code, "index.handler", statement=None, path="Shop/Unheard")
    app.add_stack("Shop", {"Resources": {**http_api("shop"), **resources}})
    with LocalAws.from_assembly(app.folder, iam="warn") as aws:
        (name,) = aws.function_paths()
        answer = aws.client("lambda").invoke(FunctionName=name)
        assert json.loads(answer["Payload"].read())["statusCode"] == 200
        (told,) = denied(aws, "dynamodb:ListTables")
        assert told["function"] == name
