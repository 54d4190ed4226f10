"""Gaps of the base in what calls are authorized on, and in what is told of it; see `test_gaps`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local.json_lines import JsonLines
from tests.local.rights.callers import Callers, allow, arn, deny, document

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.rights.callers import Caller
    from tests.local.runtime.deployed import App

ITEM = {"id": {"S": "ada"}}


def callers(app: App) -> Callers:
    return Callers(app.aws.endpoint)


def table(app: App) -> str:
    """A table of its own."""
    name = f"table-{uuid.uuid4()}"
    callers(app).client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def reads(app: App, *statements: dict[str, Any], **limits: Any) -> str:
    """What somebody is told who reads an item."""
    name = table(app)
    who = callers(app).who_may(*statements, **limits)
    return who.denial("dynamodb", "get_item", TableName=name, Key=ITEM)


class TestDecisions:
    def test_stock_tells_nobody_and_denies(self, stock: App) -> None:
        assert reads(stock)

    def test_tells_the_journal_of_each_kind_of_decision(self, mended: App, journal: Path) -> None:
        who = callers(mended).who_may(allow("dynamodb:GetItem"))
        name = table(mended)
        for _ in range(3):
            who.denial("dynamodb", "get_item", TableName=name, Key=ITEM)
        assert who.denial("dynamodb", "scan", TableName=name)
        told = [each for each in entries(journal) if each["principal"] == who.session_arn]
        first, second = told[:2]
        assert (first["action"], first["allowed"], first["count"]) == ("dynamodb:GetItem", True, 1)
        assert first["resource"] == arn("dynamodb", f"table/{name}")
        assert (second["action"], second["allowed"], second["enforced"]) == ("dynamodb:Scan", False, True)
        assert second["reason"].endswith("because no identity-based policy allows the dynamodb:Scan action")


class TestReasons:
    def test_stock_takes_every_limit_for_the_identity(self, stock: App) -> None:
        denied = reads(stock, allow("dynamodb:*"), boundary=[allow("s3:*")])
        assert denied.endswith("because no identity-based policy allows the dynamodb:GetItem action")

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            ({"boundary": [allow("s3:*")]}, "because no permissions boundary allows the dynamodb:GetItem action"),
            ({"session": [allow("s3:*")]}, "because no session policy allows the dynamodb:GetItem action"),
            (
                {"boundary": [allow("*"), deny("dynamodb:*")]},
                "with an explicit deny in a permissions boundary",
            ),
            ({"session": [allow("*"), deny("dynamodb:*")]}, "with an explicit deny in a session policy"),
        ],
    )
    def test_names_the_kind_of_policy(self, mended: App, limits: dict[str, Any], reason: str) -> None:
        assert reads(mended, allow("dynamodb:*"), **limits).endswith(reason)

    def test_names_an_explicit_denial_of_the_identity(self, mended: App) -> None:
        denied = reads(mended, allow("dynamodb:*"), deny("dynamodb:GetItem"))
        assert denied.endswith("with an explicit deny in an identity-based policy")

    def test_spells_actions_and_resources_as_the_services_do(self, mended: App) -> None:
        who = callers(mended).who_may()
        queue = callers(mended).client("sqs").create_queue(QueueName=f"q-{uuid.uuid4()}")["QueueUrl"]
        assert "not authorized to perform: sqs:sendmessage on" in who.denial(
            "sqs", "send_message", QueueUrl=queue, MessageBody="x"
        )
        bucket = f"b-{uuid.uuid4()}"
        callers(mended).client("s3").create_bucket(Bucket=bucket)
        assert f's3:PutObject on resource: "arn:aws:s3:::{bucket}/x" because' in who.denial(
            "s3", "put_object", Bucket=bucket, Key="x", Body=b""
        )


class TestAuthorizedActions:
    def send_batch(self, app: App) -> str:
        queue = f"q-{uuid.uuid4()}"
        url = callers(app).client("sqs").create_queue(QueueName=queue)["QueueUrl"]
        who = callers(app).who_may(allow("sqs:SendMessage", arn("sqs", queue)))
        return who.denial("sqs", "send_message_batch", QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}])

    def test_stock_wants_an_action_that_does_not_exist(self, stock: App) -> None:
        assert "sqs:SendMessageBatch" in self.send_batch(stock)

    def test_a_batch_is_authorized_as_single_calls(self, mended: App) -> None:
        assert not self.send_batch(mended)


class TestDynamodbConditions:
    def read_other(self, app: App) -> str:
        own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["grace"]}}
        return reads(app, allow("dynamodb:GetItem", Condition=own))

    def test_stock_lets_everybody_read_every_item(self, stock: App) -> None:
        assert not self.read_other(stock)

    def test_items_of_others_are_denied(self, mended: App) -> None:
        assert self.read_other(mended)


class TestConditionKeys:
    def read_tagged(self, app: App) -> str:
        condition = {"StringEquals": {"aws:RequestedRegion": "${aws:PrincipalTag/region}"}}
        return reads(app, allow("dynamodb:GetItem", Condition=condition), tags={"region": "us-east-1"})

    def test_stock_takes_variables_for_text(self, stock: App) -> None:
        assert self.read_tagged(stock)

    def test_variables_are_filled_in(self, mended: App) -> None:
        assert not self.read_tagged(mended)


class TestResourcePolicies:
    def put_where_others_are_denied(self, app: App) -> str:
        bucket = f"b-{uuid.uuid4()}"
        friend, other = callers(app).who_may(), callers(app).who_may(allow("s3:*"))
        s3 = callers(app).client("s3")
        s3.create_bucket(Bucket=bucket)
        statement = deny("s3:PutObject", f"arn:aws:s3:::{bucket}/*", NotPrincipal={"AWS": [friend.arn]})
        s3.put_bucket_policy(Bucket=bucket, Policy=document(statement))
        return other.denial("s3", "put_object", Bucket=bucket, Key="x", Body=b"")

    def test_stock_passes_over_not_principal(self, stock: App) -> None:
        assert not self.put_where_others_are_denied(stock)

    def test_everybody_else_is_denied(self, mended: App) -> None:
        assert self.put_where_others_are_denied(mended).endswith("with an explicit deny in a resource-based policy")


class TestFurtherChecks:
    def read_two(self, app: App) -> str:
        prefix = uuid.uuid4()
        ssm = callers(app).client("ssm")
        for name in ("one", "two"):
            ssm.put_parameter(Name=f"/{prefix}/{name}", Value="v", Type="String")
        who = callers(app).who_may(allow("ssm:GetParameters", arn("ssm", f"parameter/{prefix}/one")))
        return who.denial("ssm", "get_parameters", Names=[f"/{prefix}/one", f"/{prefix}/two"])

    def send_encrypted(self, app: App, who: Caller) -> str:
        key = callers(app).client("kms").create_key()["KeyMetadata"]["KeyId"]
        created = (
            callers(app).client("sqs").create_queue(QueueName=f"q-{uuid.uuid4()}", Attributes={"KmsMasterKeyId": key})
        )
        return who.denial("sqs", "send_message", QueueUrl=created["QueueUrl"], MessageBody="x")

    def test_stock_asks_for_no_key(self, stock: App) -> None:
        assert not self.send_encrypted(stock, callers(stock).who_may(allow("sqs:*")))

    def test_each_of_several_parameters_is_authorized(self, mended: App) -> None:
        assert "/two because" in self.read_two(mended)

    def test_the_key_of_a_queue_is_asked_for(self, mended: App) -> None:
        denied = self.send_encrypted(mended, callers(mended).who_may(allow("sqs:*")))
        assert "not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:" in denied
        through_queue = {"StringEquals": {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}}
        key = allow(["kms:GenerateDataKey", "kms:Decrypt"], Condition=through_queue)
        assert not self.send_encrypted(mended, callers(mended).who_may(allow("sqs:*"), key))


def entries(journal: Path) -> list[dict[str, Any]]:
    return [each for each in JsonLines(journal).new() if each["kind"] == "authorization"]
