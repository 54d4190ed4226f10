"""What was made elsewhere takes the same grants, exactly, and is refused where they would not reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from constructs_lib import (
    DynamoTable,
    EventBus,
    PropError,
    QueueWorker,
    SecureFunction,
    StreamWorker,
    Topic,
    UploadBucket,
    Waived,
    Workflow,
    assert_guarded,
)
from tests.constructs.existing_databases import existing_database
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
HERE = cdk.Environment(account="111122223333", region="eu-central-1")
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
STREAM = "arn:aws:dynamodb:eu-central-1:111122223333:table/users/stream/2026-01-01T00:00:00.000"


def arn(service: str, rest: str, *, account: str = "111122223333", region: str = "eu-central-1") -> str:
    return f"arn:aws:{service}:{region}:{account}:{rest}"


@pytest.fixture
def home(app: cdk.App) -> cdk.Stack:
    """A stack whose account and region are known."""
    return cdk.Stack(app, "Home", env=HERE)


@pytest.fixture
def function(home: cdk.Stack) -> SecureFunction:
    return SecureFunction(home, "Read", entry=ENTRY, on_failure=Waived("nobody calls it"))


def granted(stack: cdk.Stack) -> set[tuple[str, str]]:
    own = ("logs:", "xray:")
    return {pair for pair in permissions_of(template_of(stack), "Read") if not pair[0].startswith(own)}


def variables(stack: cdk.Stack) -> dict[str, Any]:
    [found] = [
        each["Properties"]["Environment"]["Variables"]
        for name, each in resources_of(template_of(stack), "AWS::Lambda::Function").items()
        if name.startswith("Read")
    ]
    return {name: value for name, value in found.items() if not name.startswith("POWERTOOLS")}


class TestTables:
    def test_grants_exactly_what_is_named(self, home: cdk.Stack, function: SecureFunction) -> None:
        users = DynamoTable.from_existing(home, "Users", dynamodb.Table.from_table_name(home, "L2", "users"))
        users.grant(function, "GetItem", "PutItem", env="USERS_TABLE")
        table = f"arn:{{}}:dynamodb:{HERE.region}:{HERE.account}:table/users".replace("{}", "AWS::Partition")
        assert granted(home) == {("dynamodb:GetItem", table), ("dynamodb:PutItem", table)}
        assert variables(home) == {"USERS_TABLE": "users"}

    def test_grants_on_an_index_that_is_named(self, home: cdk.Stack, function: SecureFunction) -> None:
        known = dynamodb.Table.from_table_arn(home, "L2", arn("dynamodb", "table/users"))
        users = DynamoTable.from_existing(home, "Users", known, indexes=["by_email"])
        users.grant(function, "Query", index="by_email")
        assert granted(home) == {("dynamodb:Query", arn("dynamodb", "table/users/index/by_email"))}
        with pytest.raises(PropError, match="index 'by_mail' does not exist, the table has by_email: did you mean"):
            users.grant(function, "Query", index="by_mail")

    def test_its_own_key_decrypts_through_dynamodb_alone(self, home: cdk.Stack, function: SecureFunction) -> None:
        known = dynamodb.Table.from_table_attributes(
            home, "L2", table_name="users", encryption_key=kms.Key.from_key_arn(home, "Key", KEY)
        )
        DynamoTable.from_existing(home, "Users", known).grant(function, "GetItem")
        [decrypt] = [pair for pair in granted(home) if pair[0] == "kms:Decrypt"]
        assert decrypt[1].startswith(KEY)
        assert "dynamodb.eu-central-1." in decrypt[1]

    def test_its_stream_is_read(self, home: cdk.Stack) -> None:
        known = dynamodb.Table.from_table_attributes(home, "L2", table_name="users", table_stream_arn=STREAM)
        StreamWorker(home, "Changes", entry=ENTRY, table=DynamoTable.from_existing(home, "Users", known))
        [mapping] = resources_of(template_of(home), "AWS::Lambda::EventSourceMapping").values()
        assert mapping["Properties"]["EventSourceArn"] == STREAM

    def test_a_table_without_a_known_stream_is_not(self, home: cdk.Stack) -> None:
        users = DynamoTable.from_existing(home, "Users", dynamodb.Table.from_table_name(home, "L2", "users"))
        with pytest.raises(PropError, match="Home/Users has no stream"):
            StreamWorker(home, "Changes", entry=ENTRY, table=users)

    def test_an_l2_of_this_app_is_taken_as_well(self, home: cdk.Stack, function: SecureFunction) -> None:
        key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
        table = dynamodb.TableV2(home, "L2", partition_key=key)
        DynamoTable.from_existing(home, "Users", table).grant(function, "GetItem", env="USERS_TABLE")
        [(action, resource)] = granted(home)
        assert action == "dynamodb:GetItem"
        assert resource.endswith(".Arn")


class TestBuckets:
    def test_grants_exactly_the_keys(self, home: cdk.Stack, function: SecureFunction) -> None:
        photos = UploadBucket.from_existing(home, "Photos", s3.Bucket.from_bucket_name(home, "L2", "photos"))
        photos.grant_read(function, prefix="raw/", env="PHOTOS_BUCKET")
        photos.grant_write(function, prefix="thumbnails/")
        assert granted(home) == {
            ("s3:GetObject", "arn:AWS::Partition:s3:::photos/raw/*"),
            ("s3:PutObject", "arn:AWS::Partition:s3:::photos/thumbnails/*"),
        }
        assert variables(home) == {"PHOTOS_BUCKET": "photos"}
        assert findings_of(home) == []

    def test_hears_of_uploads(self, home: cdk.Stack, function: SecureFunction) -> None:
        photos = UploadBucket.from_existing(home, "Photos", s3.Bucket.from_bucket_name(home, "L2", "photos"))
        photos.on_upload(function, prefix="raw/")
        [rule] = resources_of(template_of(home), "AWS::Events::Rule").values()
        assert rule["Properties"]["EventPattern"]["detail"]["bucket"] == {"name": ["photos"]}

    def test_refuses_a_loop_however_the_bucket_was_imported(self, home: cdk.Stack, function: SecureFunction) -> None:
        once = UploadBucket.from_existing(home, "Once", s3.Bucket.from_bucket_name(home, "L2", "photos"))
        again = UploadBucket.from_existing(
            home, "Again", s3.Bucket.from_bucket_arn(home, "Other", "arn:aws:s3:::photos")
        )
        once.on_upload(function, prefix="raw/")
        with pytest.raises(PropError, match="each upload could start the next one, without end"):
            again.grant_write(function, prefix="raw/")

    def test_refuses_a_loop_through_a_bucket_of_ours(self, home: cdk.Stack, function: SecureFunction) -> None:
        uploads = UploadBucket(home, "Uploads")
        uploads.on_upload(function, prefix="raw/")
        with pytest.raises(PropError, match="each upload could start the next one, without end"):
            UploadBucket.from_existing(home, "Again", uploads.bucket).grant_write(function, prefix="raw/")

    def test_the_reason_of_a_waiver_is_in_the_template(self, home: cdk.Stack, function: SecureFunction) -> None:
        photos = UploadBucket.from_existing(home, "Photos", s3.Bucket.from_bucket_name(home, "L2", "photos"))
        photos.on_upload(function, prefix="raw/")
        photos.grant_write(function, prefix="raw/", loop_guard=Waived("the second write has a mark, and ends it"))
        assert "the second write has a mark" in str(template_of(home))


class TestMessages:
    def test_publishes_to_a_topic(self, home: cdk.Stack, function: SecureFunction) -> None:
        topic = sns.Topic.from_topic_arn(home, "L2", arn("sns", "orders"))
        Topic.from_existing(home, "Orders", topic).grant_publish(function, env="ORDERS_TOPIC")
        assert granted(home) == {("sns:Publish", arn("sns", "orders"))}
        assert variables(home) == {"ORDERS_TOPIC": arn("sns", "orders")}

    def test_subscribes_a_worker_and_a_function(self, home: cdk.Stack) -> None:
        orders = Topic.from_existing(home, "Orders", sns.Topic.from_topic_arn(home, "L2", arn("sns", "orders")))
        orders.subscribe(QueueWorker(home, "Emails", entry=ENTRY), filter={"kind": ["placed"]})
        orders.subscribe(SecureFunction(home, "Count", entry=ENTRY))
        template = template_of(home)
        subscriptions = resources_of(template, "AWS::SNS::Subscription").values()
        assert {each["Properties"]["Protocol"] for each in subscriptions} == {"sqs", "lambda"}
        assert {each["Properties"]["TopicArn"] for each in subscriptions} == {arn("sns", "orders")}
        [permission] = resources_of(template, "AWS::Lambda::Permission").values()
        assert permission["Properties"]["SourceArn"] == arn("sns", "orders")
        assert_guarded(home)

    def test_the_key_of_somebody_elses_topic_encrypts_nothing_of_ours(self, home: cdk.Stack) -> None:
        """Its policy cannot be changed from here, so SNS could not write what it failed to deliver."""
        key = kms.Key(home, "Key")
        theirs = sns.Topic.from_topic_attributes(home, "L2", topic_arn=arn("sns", "orders"), key_arn=KEY)
        Topic.from_existing(home, "Theirs", theirs).subscribe(SecureFunction(home, "Read", entry=ENTRY))
        ours = Topic.from_existing(home, "Ours", sns.Topic(home, "Topic", master_key=key))
        ours.subscribe(SecureFunction(home, "Index", entry=ENTRY))
        queues = resources_of(template_of(home), "AWS::SQS::Queue").items()
        keys = {name[:5]: each["Properties"].get("KmsMasterKeyId") for name, each in queues if "Undelivered" in name}
        assert keys == {"ReadT": None, "Index": home.resolve(key.key_arn)}

    def test_sends_to_a_queue_with_its_key(self, home: cdk.Stack, function: SecureFunction) -> None:
        queue = sqs.Queue.from_queue_attributes(home, "L2", queue_arn=arn("sqs", "emails"), key_arn=KEY)
        QueueWorker.from_existing(home, "Emails", queue).grant_send(function, env="EMAILS_QUEUE")
        assert {action for action, _ in granted(home)} == {"kms:Decrypt", "kms:GenerateDataKey", "sqs:SendMessage"}
        assert ("sqs:SendMessage", arn("sqs", "emails")) in granted(home)
        assert "emails" in str(variables(home)["EMAILS_QUEUE"])

    def test_a_queue_of_somebody_else_is_nothing_to_deliver_to(self, home: cdk.Stack) -> None:
        queue = QueueWorker.from_existing(home, "Emails", sqs.Queue.from_queue_arn(home, "L2", arn("sqs", "emails")))
        wrong: Any = queue
        with pytest.raises(PropError, match="a ExistingQueue cannot subscribe"):
            Topic(home, "Orders").subscribe(wrong)

    def test_puts_events_on_a_bus_and_gets_them(self, home: cdk.Stack, function: SecureFunction) -> None:
        shop = EventBus.from_existing(home, "Shop", events.EventBus.from_event_bus_name(home, "L2", "shop"))
        shop.grant_put_events(function, sources=["orders"], env="SHOP_BUS")
        shop.add_rule("Placed", {"source": ["orders"]}, QueueWorker(home, "Emails", entry=ENTRY))
        [(action, resource)] = granted(home)
        assert action == "events:PutEvents"
        assert "event-bus/shop" in resource
        assert '"events:source": ["orders"]' in resource
        [rule] = resources_of(template_of(home), "AWS::Events::Rule").values()
        assert rule["Properties"]["EventBusName"] == "shop"
        assert_guarded(home)

    def test_starts_a_workflow(self, home: cdk.Stack, function: SecureFunction) -> None:
        machine = sfn.StateMachine.from_state_machine_arn(home, "L2", arn("states", "stateMachine:fulfil"))
        fulfil = Workflow.from_existing(home, "Fulfil", machine)
        fulfil.grant_start(function, env="FULFIL")
        assert granted(home) == {("states:StartExecution", arn("states", "stateMachine:fulfil"))}
        with pytest.raises(PropError, match="sync=True asks for the output of a standard workflow"):
            fulfil.grant_start(function, sync=True)

    def test_starts_an_express_workflow_and_waits(self, home: cdk.Stack, function: SecureFunction) -> None:
        machine = sfn.StateMachine.from_state_machine_arn(home, "L2", arn("states", "stateMachine:quote"))
        Workflow.from_existing(home, "Quote", machine, express=True).grant_start(function, sync=True)
        assert granted(home) == {("states:StartSyncExecution", arn("states", "stateMachine:quote"))}


ELSEWHERE: dict[str, Callable[[cdk.Stack, str, str], object]] = {
    "table": lambda stack, account, region: DynamoTable.from_existing(
        stack,
        "Mine",
        dynamodb.Table.from_table_arn(stack, "L2", arn("dynamodb", "table/users", account=account, region=region)),
    ),
    "topic": lambda stack, account, region: Topic.from_existing(
        stack, "Mine", sns.Topic.from_topic_arn(stack, "L2", arn("sns", "orders", account=account, region=region))
    ),
    "queue": lambda stack, account, region: QueueWorker.from_existing(
        stack, "Mine", sqs.Queue.from_queue_arn(stack, "L2", arn("sqs", "emails", account=account, region=region))
    ),
    "bus": lambda stack, account, region: EventBus.from_existing(
        stack,
        "Mine",
        events.EventBus.from_event_bus_arn(
            stack, "L2", arn("events", "event-bus/shop", account=account, region=region)
        ),
    ),
    "state_machine": lambda stack, account, region: Workflow.from_existing(
        stack,
        "Mine",
        sfn.StateMachine.from_state_machine_arn(
            stack, "L2", arn("states", "stateMachine:fulfil", account=account, region=region)
        ),
    ),
    "proxy": lambda stack, account, region: existing_database(
        stack, proxy_arn=arn("rds", "db-proxy:prx-0123456789abcdef0", account=account, region=region)
    ),
    "bucket": lambda stack, account, region: UploadBucket.from_existing(
        stack,
        "Mine",
        s3.Bucket.from_bucket_attributes(stack, "L2", bucket_name="photos", account=account, region=region),
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
class TestRefusals:
    def test_of_another_account_in_three_lines(self, home: cdk.Stack, name: str) -> None:
        with pytest.raises(PropError) as caught:
            ELSEWHERE[name](home, "999988887777", "eu-central-1")
        what, at, fix = str(caught.value).splitlines()
        told = f"{name} belongs to account 999988887777, and Home/Mine to 111122223333: its owner says who may use it"
        assert what == told
        assert at.startswith("  at:  Home/Mine (Existing")
        assert fix == "  fix: write a policy on it there, and function.add_to_role_policy(...) here"

    def test_of_another_region_in_three_lines(self, home: cdk.Stack, name: str) -> None:
        with pytest.raises(PropError) as caught:
            ELSEWHERE[name](home, "111122223333", "us-east-1")
        what, _, fix = str(caught.value).splitlines()
        told = "what names it here would look for it in its own region"
        assert what == f"{name} is in us-east-1, and Home/Mine in eu-central-1: {told}"
        assert fix.startswith("  fix: pass one of eu-central-1, or write the grant yourself")

    def test_its_place_is_free_again(self, home: cdk.Stack, name: str) -> None:
        with pytest.raises(PropError):
            ELSEWHERE[name](home, "999988887777", "eu-central-1")
        assert home.node.try_find_child("Mine") is None

    def test_where_the_account_is_not_known_nothing_is_said(self, stack: cdk.Stack, name: str) -> None:
        ELSEWHERE[name](stack, "999988887777", "us-east-1")


def test_what_is_no_l2_is_refused_in_three_lines(home: cdk.Stack) -> None:
    wrong: Any = "arn:aws:dynamodb:eu-central-1:111122223333:table/users"
    with pytest.raises(PropError) as caught:
        DynamoTable.from_existing(home, "Users", wrong)
    assert len(str(caught.value).splitlines()) == 3
    assert "table is 'arn:aws:dynamodb" in str(caught.value)
