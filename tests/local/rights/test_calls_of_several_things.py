"""Calls that name several things, or need a permission besides their own.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.rights.callers import ROOT, allow, arn, deny, document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.local.rights.callers import Caller, Callers

MINE, OTHER = arn("dynamodb", "table/mine"), arn("dynamodb", "table/other")
ITEM = {"id": {"S": "ada"}}
SELECT = "SELECT * FROM {} WHERE id = 'ada'"


@pytest.fixture(scope="module")
def mover(aws: Callers) -> Caller:
    """Somebody who moves objects from `in` to `out`."""
    bucket = "arn:aws:s3:::mine-bucket"
    return aws.who_may(
        allow("s3:GetObject", f"{bucket}/in/*"),
        allow(["s3:PutObject", "s3:DeleteObject"], f"{bucket}/out/*"),
        allow("s3:ListBucket", bucket, Condition={"StringLike": {"s3:prefix": "in/*"}}),
    )


@pytest.fixture(scope="module")
def key(aws: Callers) -> str:
    policy = document(allow("kms:*", Principal={"AWS": ROOT}))
    found: str = aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    return found


@pytest.fixture(scope="module")
def encrypted(aws: Callers, key: str) -> Mapping[str, tuple[str, str, dict[str, Any], str]]:
    """By service: what reads or writes something encrypted, and what it needs of the key."""
    sqs = aws.client("sqs").create_queue(QueueName="sealed", Attributes={"KmsMasterKeyId": key})
    sns = aws.client("sns").create_topic(Name="sealed", Attributes={"KmsMasterKeyId": key})
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="sealed-bucket")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket="sealed-bucket",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    s3.put_object(Bucket="sealed-bucket", Key="x", Body=b"x")
    aws.client("dynamodb").create_table(
        TableName="sealed",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    secret = aws.client("secretsmanager").create_secret(Name="sealed", SecretString="x", KmsKeyId=key)
    aws.client("ssm").put_parameter(Name="/sealed", Value="v", Type="SecureString", KeyId=key)
    url, topic = sqs["QueueUrl"], sns["TopicArn"]
    return {
        "send": ("sqs", "send_message", {"QueueUrl": url, "MessageBody": "x"}, "GenerateDataKey"),
        "receive": ("sqs", "receive_message", {"QueueUrl": url}, "Decrypt"),
        "publish": ("sns", "publish", {"TopicArn": topic, "Message": "x"}, "GenerateDataKey"),
        "upload": ("s3", "put_object", {"Bucket": "sealed-bucket", "Key": "y", "Body": b""}, "GenerateDataKey"),
        "download": ("s3", "get_object", {"Bucket": "sealed-bucket", "Key": "x"}, "Decrypt"),
        "read": ("dynamodb", "get_item", {"TableName": "sealed", "Key": ITEM}, "Decrypt"),
        "secret": ("secretsmanager", "get_secret_value", {"SecretId": secret["ARN"]}, "Decrypt"),
        "parameter": ("ssm", "get_parameter", {"Name": "/sealed", "WithDecryption": True}, "Decrypt"),
    }


class TestDynamodb:
    def test_every_table_of_a_batch_is_authorized(self, aws: Callers) -> None:
        who = aws.who_may(allow("dynamodb:BatchGetItem", MINE))
        keys = {"Keys": [ITEM]}
        assert not who.denial("dynamodb", "batch_get_item", RequestItems={"mine": keys})
        assert who.denial("dynamodb", "batch_get_item", RequestItems={"mine": keys, "other": keys})
        assert who.denial("dynamodb", "batch_get_item", RequestItems={"other": keys, "mine": keys})

    def test_every_item_of_a_transaction_is_authorized_as_a_single_call(self, aws: Callers) -> None:
        who = aws.who_may(allow("dynamodb:PutItem", MINE), allow("dynamodb:DeleteItem", OTHER))
        put, delete = {"TableName": "mine", "Item": ITEM}, {"TableName": "other", "Key": ITEM}
        mixed = [{"Put": put}, {"Delete": delete}]
        assert not who.denial("dynamodb", "transact_write_items", TransactItems=mixed)
        wrong = [{"Put": put}, {"Put": {**put, "TableName": "other"}}]
        assert who.denial("dynamodb", "transact_write_items", TransactItems=wrong)

    @pytest.mark.parametrize("table", ["mine", '"mine"'])
    def test_a_statement_is_authorized_on_its_table(self, aws: Callers, table: str) -> None:
        who = aws.who_may(allow(["dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert"], MINE))
        assert not who.denial("dynamodb", "execute_statement", Statement=SELECT.format(table))
        insert = f"INSERT INTO {table} VALUE {{'id': '{uuid.uuid4()}'}}"
        assert not who.denial("dynamodb", "execute_statement", Statement=insert)

    @pytest.mark.parametrize(
        "statement",
        [
            SELECT.format("other"),
            SELECT.format('"other"'),
            "select id from other",
            "DELETE FROM mine WHERE id = 'ada'",
            "UPDATE mine SET email = 'x' WHERE id = 'ada'",
            "INSERT INTO other VALUE {'id': 'x'}",
            'SELECT * FROM "mine"."by-group" WHERE "group" = \'x\'',
            "SELECT 'from mine' FROM other",
            "nonsense",
        ],
    )
    def test_a_statement_needs_its_verb_on_its_table(self, aws: Callers, statement: str) -> None:
        who = aws.who_may(allow("dynamodb:PartiQLSelect", MINE))
        assert who.denial("dynamodb", "execute_statement", Statement=statement)

    def test_every_statement_of_a_batch_is_authorized(self, aws: Callers) -> None:
        who = aws.who_may(allow("dynamodb:PartiQLSelect", MINE))
        mine, other = {"Statement": SELECT.format("mine")}, {"Statement": SELECT.format("other")}
        assert not who.denial("dynamodb", "batch_execute_statement", Statements=[mine])
        assert who.denial("dynamodb", "batch_execute_statement", Statements=[mine, other])
        assert not who.denial("dynamodb", "execute_transaction", TransactStatements=[mine])
        assert who.denial("dynamodb", "execute_transaction", TransactStatements=[mine, other])

    def test_an_index_is_a_resource_of_its_own(self, aws: Callers) -> None:
        query = {
            "TableName": "mine",
            "IndexName": "by-group",
            "KeyConditionExpression": "#g = :v",
            "ExpressionAttributeNames": {"#g": "group"},
            "ExpressionAttributeValues": {":v": {"S": "x"}},
        }
        assert aws.who_may(allow("dynamodb:Query", MINE)).denial("dynamodb", "query", **query)
        index = aws.who_may(allow("dynamodb:Query", f"{MINE}/index/by-group"))
        assert not index.denial("dynamodb", "query", **query)


class TestS3:
    @pytest.mark.parametrize(
        ("source", "target", "is_denied"),
        [
            (("mine-bucket", "in/x"), ("mine-bucket", "out/y"), False),
            (("other-bucket", "in/x"), ("mine-bucket", "out/y"), True),
            (("mine-bucket", "in/x"), ("other-bucket", "out/y"), True),
        ],
    )
    def test_a_copy_reads_and_writes(
        self, mover: Caller, source: tuple[str, str], target: tuple[str, str], *, is_denied: bool
    ) -> None:
        said = mover.denial(
            "s3",
            "copy_object",
            CopySource={"Bucket": source[0], "Key": source[1]},
            Bucket=target[0],
            Key=target[1],
        )
        assert bool(said) is is_denied

    def test_a_listing_is_authorized_by_its_prefix(self, mover: Caller) -> None:
        assert not mover.denial("s3", "list_objects_v2", Bucket="mine-bucket", Prefix="in/")
        assert mover.denial("s3", "list_objects_v2", Bucket="mine-bucket", Prefix="out/")
        assert mover.denial("s3", "list_objects_v2", Bucket="mine-bucket")

    def test_every_key_of_a_deletion_is_authorized(self, mover: Caller) -> None:
        def deletes(*keys: str) -> str:
            objects = [{"Key": each} for each in keys]
            return mover.denial("s3", "delete_objects", Bucket="mine-bucket", Delete={"Objects": objects})

        assert not deletes("out/y", "out/z")
        assert deletes("out/y", "in/x")

    def test_a_missing_key_is_denied_to_who_may_not_list(self, aws: Callers, mover: Caller) -> None:
        denied = mover.denial("s3", "get_object", Bucket="mine-bucket", Key="in/none")
        assert 's3:ListBucket on resource: "arn:aws:s3:::mine-bucket" because' in denied
        lister = aws.who_may(allow(["s3:GetObject", "s3:ListBucket"]))
        assert not lister.denial("s3", "get_object", Bucket="mine-bucket", Key="in/none"), "it is 404 for them"

    def test_a_tag_needs_a_permission_of_its_own(self, mover: Caller) -> None:
        upload: dict[str, Any] = {"Bucket": "mine-bucket", "Key": "out/y", "Body": b""}
        assert not mover.denial("s3", "put_object", **upload)
        assert "s3:PutObjectTagging" in mover.denial("s3", "put_object", **upload, Tagging="a=b")


class TestMessages:
    def test_batches_need_the_right_to_single_messages(self, aws: Callers) -> None:
        name = f"q-{uuid.uuid4()}"
        url = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        sender = aws.who_may(allow("sqs:SendMessage", arn("sqs", name)))
        entry = {"Id": "1", "MessageBody": "x"}
        assert not sender.denial("sqs", "send_message_batch", QueueUrl=url, Entries=[entry])
        reader = aws.who_may(
            allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"], arn("sqs", name))
        )
        (message,) = reader.client("sqs").receive_message(QueueUrl=url)["Messages"]
        handle = {"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}
        longer = [{**handle, "VisibilityTimeout": 60}]
        assert not reader.denial("sqs", "change_message_visibility_batch", QueueUrl=url, Entries=longer)
        assert not reader.denial("sqs", "delete_message_batch", QueueUrl=url, Entries=[handle])
        assert reader.denial("sqs", "send_message_batch", QueueUrl=url, Entries=[entry])

    def test_a_batch_of_publications_needs_the_right_to_publish(self, aws: Callers) -> None:
        topic = aws.client("sns").create_topic(Name=f"t-{uuid.uuid4()}")["TopicArn"]
        entry = [{"Id": "1", "Message": "x"}]
        may = aws.who_may(allow("sns:Publish", topic))
        assert not may.denial("sns", "publish_batch", TopicArn=topic, PublishBatchRequestEntries=entry)
        assert "SNS:Publish" in aws.who_may().denial(
            "sns", "publish_batch", TopicArn=topic, PublishBatchRequestEntries=entry
        )

    def test_every_bus_of_a_call_is_authorized(self, aws: Callers) -> None:
        one, two = f"b-{uuid.uuid4()}", f"b-{uuid.uuid4()}"
        for name in (one, two):
            aws.client("events").create_event_bus(Name=name)
        who = aws.who_may(allow("events:PutEvents", arn("events", f"event-bus/{one}")))
        event = {"Source": "s", "DetailType": "d", "Detail": "{}"}
        assert not who.denial("events", "put_events", Entries=[{**event, "EventBusName": one}])
        both = [{**event, "EventBusName": one}, {**event, "EventBusName": two}]
        assert who.denial("events", "put_events", Entries=both)

    def test_a_bus_has_a_say_of_its_own(self, aws: Callers) -> None:
        name = f"b-{uuid.uuid4()}"
        events, bus = aws.client("events"), arn("events", f"event-bus/{name}")
        events.create_event_bus(Name=name)
        guest, granted = aws.who_may(), aws.who_may(allow("events:PutEvents", bus))
        entry = [{"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": name}]
        assert guest.denial("events", "put_events", Entries=entry)
        lets_in = allow("events:PutEvents", bus, Sid="a", Principal={"AWS": guest.arn})
        events.put_permission(EventBusName=name, Policy=document(lets_in))
        assert not guest.denial("events", "put_events", Entries=entry)
        shuts_out = deny("events:PutEvents", bus, Sid="a", Principal="*")
        events.put_permission(EventBusName=name, Policy=document(shuts_out))
        assert granted.denial("events", "put_events", Entries=entry)


class TestParameters:
    def test_every_name_and_the_path_are_authorized(self, aws: Callers) -> None:
        ssm, folder = aws.client("ssm"), uuid.uuid4()
        for name in (f"/{folder}/a/one", f"/{folder}/a/two", f"/{folder}/b/one"):
            ssm.put_parameter(Name=name, Value="v", Type="String")
        below = arn("ssm", f"parameter/{folder}/a")
        who = aws.who_may(allow(["ssm:GetParameters", "ssm:GetParametersByPath"], [below, f"{below}/*"]))
        ones = [f"/{folder}/a/one", f"/{folder}/a/two"]
        assert not who.denial("ssm", "get_parameters", Names=ones)
        assert who.denial("ssm", "get_parameters", Names=[ones[0], f"/{folder}/b/one"])
        by_arn = arn("ssm", f"parameter/{folder}/b/one")
        assert who.denial("ssm", "get_parameters", Names=[ones[0], by_arn])
        assert not who.denial("ssm", "get_parameters_by_path", Path=f"/{folder}/a")
        assert who.denial("ssm", "get_parameters_by_path", Path=f"/{folder}/b")


class TestKeys:
    """Keys of KMS behind what is read and written."""

    @pytest.mark.parametrize(
        "call", ["send", "receive", "publish", "upload", "download", "read", "secret", "parameter"]
    )
    def test_the_key_is_asked_for(
        self, aws: Callers, key: str, encrypted: Mapping[str, tuple[str, str, dict[str, Any], str]], call: str
    ) -> None:
        service, operation, arguments, needed = encrypted[call]
        without = aws.who_may(allow(f"{service}:*"))
        assert f"kms:{needed} on resource: {key} because" in without.denial(service, operation, **arguments)
        through = {"StringEquals": {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}}
        both = allow(["kms:GenerateDataKey", "kms:Decrypt"], key, Condition=through)
        assert not aws.who_may(allow(f"{service}:*"), both).denial(service, operation, **arguments)

    def test_a_parameter_that_stays_sealed_needs_no_key(self, aws: Callers, encrypted: object) -> None:
        assert encrypted
        assert not aws.who_may(allow("ssm:*")).denial("ssm", "get_parameter", Name="/sealed")

    def test_a_call_to_kms_is_authorized_by_its_context_and_aliases(self, aws: Callers, key: str) -> None:
        aws.client("kms").create_alias(AliasName="alias/sealed", TargetKeyId=key)
        context = {"StringEquals": {"kms:EncryptionContext:app": "one"}}
        who = aws.who_may(allow("kms:Encrypt", key, Condition=context))

        def encrypts(caller: Caller, key_id: str, **more: Any) -> bool:
            return not caller.denial("kms", "encrypt", KeyId=key_id, Plaintext=b"x", **more)

        assert encrypts(who, key, EncryptionContext={"app": "one"})
        assert encrypts(who, "alias/sealed", EncryptionContext={"app": "one"})
        assert not encrypts(who, key, EncryptionContext={"app": "two"})
        assert not encrypts(who, key)
        aliased = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/sealed"}}
        assert encrypts(aws.who_may(allow("kms:Encrypt", Condition=aliased)), key)
        via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
        assert not encrypts(aws.who_may(allow("kms:Encrypt", Condition=via)), key), "it is not through S3"


class TestResourcePolicies:
    def test_a_queue_denies_all_but_a_role(self, aws: Callers) -> None:
        name = f"q-{uuid.uuid4()}"
        sqs = aws.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        one, two = (aws.who_may(allow("sqs:*")) for _ in range(2))
        others = {"ArnNotEquals": {"aws:PrincipalArn": one.arn}}
        policy = document(deny("sqs:SendMessage", arn("sqs", name), Principal="*", Condition=others))
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        assert not one.denial("sqs", "send_message", QueueUrl=url, MessageBody="x")
        denied = two.denial("sqs", "send_message", QueueUrl=url, MessageBody="x")
        assert denied.endswith("with an explicit deny in a resource-based policy")

    def test_a_secret_lets_a_role_in_that_has_no_grant(self, aws: Callers) -> None:
        secrets = aws.client("secretsmanager")
        secret = secrets.create_secret(Name=f"s-{uuid.uuid4()}", SecretString="x")["ARN"]
        guest, other = aws.who_may(), aws.who_may()
        policy = document(allow("secretsmanager:GetSecretValue", Principal={"AWS": guest.arn}))
        secrets.put_resource_policy(SecretId=secret, ResourcePolicy=policy)
        assert not guest.denial("secretsmanager", "get_secret_value", SecretId=secret)
        assert other.denial("secretsmanager", "get_secret_value", SecretId=secret)

    def test_not_principal_spares_whom_it_names(self, aws: Callers) -> None:
        bucket = f"b-{uuid.uuid4()}"
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=bucket)
        friend, other = (aws.who_may(allow("s3:*")) for _ in range(2))
        spared = {"AWS": [friend.arn, friend.session_arn, ROOT]}
        policy = document(deny("s3:PutObject", f"arn:aws:s3:::{bucket}/*", NotPrincipal=spared))
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
        assert not friend.denial("s3", "put_object", Bucket=bucket, Key="x", Body=b"")
        assert other.denial("s3", "put_object", Bucket=bucket, Key="x", Body=b"")
