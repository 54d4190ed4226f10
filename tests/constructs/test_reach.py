"""What is delivered to somebody: to whom it cannot be, twice, and under whose key it waits when it could not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms

from constructs_lib import (
    DynamoTable,
    EventBus,
    PropError,
    QueueWorker,
    Schedule,
    SecureFunction,
    StreamWorker,
    Topic,
    UploadBucket,
    Waived,
    Workflow,
    each,
    from_bucket,
    step,
)
from tests.constructs.test_keys_elsewhere import cycle_in
from tests.templates import permissions_of, resources_of, show, template_of

ENTRY = "lambda_src/greeting/greet.ts"
PATTERN = {"source": ["orders"]}

Deliver = Callable[[cdk.Stack, Any], object]
DELIVERIES: dict[str, Deliver] = {
    "bus": lambda stack, target: EventBus(stack, "Bus").add_rule("Placed", PATTERN, target),
    "bucket": lambda stack, target: UploadBucket(stack, "Uploads").on_upload(target),
    "topic": lambda stack, target: Topic(stack, "Topic").subscribe(target),
    "schedule": lambda stack, target: Schedule(stack, "Nightly", expression="rate(1 day)", target=target),
}


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(PropError) as caught:
        call()
    return str(caught.value)


class TestRegions:
    @pytest.mark.parametrize(
        ("kind", "source", "why"),
        [
            ("bus", "Shop/Bus", "EventBridge calls targets of its own account and region alone"),
            ("bucket", "Shop/Uploads", "EventBridge calls targets of its own account and region alone"),
            ("schedule", "Shop/Nightly", "EventBridge calls targets of its own account and region alone"),
            ("topic", "Shop/Topic", "a subscription made here joins a topic and a receiver of one account and region"),
        ],
    )
    def test_that_are_not_reached(self, app: cdk.App, kind: str, source: str, why: str) -> None:
        here, there = (
            cdk.Stack(app, name, env=cdk.Environment(account="111122223333", region=region))
            for name, region in (("Shop", "eu-west-1"), ("Far", "us-east-1"))
        )
        target = SecureFunction(there, "Greet", entry=ENTRY)
        said = refused(lambda: DELIVERIES[kind](here, target))
        assert said.startswith(f"Far/Greet is in 111122223333/us-east-1, {source} in 111122223333/eu-west-1: {why}\n")

    def test_of_a_stream(self, app: cdk.App) -> None:
        here, there = (
            cdk.Stack(app, region, env=cdk.Environment(account="111122223333", region=region))
            for region in ("eu-west-1", "us-east-1")
        )
        stream = dynamodb.StreamViewType.KEYS_ONLY
        table = DynamoTable(there, "Orders", partition_key="id", stream=stream)
        assert "Lambda reads the streams of its own account and region alone" in refused(
            lambda: StreamWorker(here, "Search", table=table, entry=ENTRY)
        )

    @pytest.mark.parametrize("kind", DELIVERIES)
    def test_two_stacks_of_one_region_are_joined(self, app: cdk.App, kind: str) -> None:
        env = cdk.Environment(account="111122223333", region="eu-west-1")
        here, there = (cdk.Stack(app, name, env=env) for name in ("Shop", "Next"))
        DELIVERIES[kind](here, SecureFunction(there, "Greet", entry=ENTRY))
        app.synth()


class TestTwice:
    def test_a_subscription(self, stack: cdk.Stack) -> None:
        topic, worker = Topic(stack, "Orders"), QueueWorker(stack, "Emails", entry=ENTRY)
        topic.subscribe(worker, filter={"kind": ["placed"]})
        assert refused(lambda: topic.subscribe(worker, filter={"kind": ["cancelled"]})) == (
            "Shop/Emails is subscribed already, and SNS knows one subscription of each\n"
            "  at:  Shop/Orders (Topic)\n"
            '  fix: subscribe once; a filter can name several values: {"kind": ["placed", "cancelled"]}'
        )

    def test_a_name_below_the_receiver(self, stack: cdk.Stack) -> None:
        topic, greet = Topic(stack, "Function"), SecureFunction(stack, "Greet", entry=ENTRY)
        assert refused(lambda: topic.subscribe(greet)) == (
            "Shop/Greet has a Function already\n"
            "  at:  Shop/Function (Topic)\n"
            '  fix: name this subscription: subscribe(..., id="Cancelled")'
        )
        assert topic.subscribe(greet, id="Calls").node.path == "Shop/Greet/Calls"

    @pytest.mark.parametrize("taken", ["Placed", "Function"])
    def test_a_rule(self, stack: cdk.Stack, taken: str) -> None:
        bus, worker = EventBus(stack, "Bus"), QueueWorker(stack, "Emails", entry=ENTRY)
        bus.add_rule("Placed", PATTERN, worker)
        assert refused(lambda: bus.add_rule(taken, PATTERN, worker)) == (
            f"Shop/Emails has a {taken} already\n  at:  Shop/Bus (EventBus)\n  fix: choose another id for this rule"
        )


class TestRules:
    @pytest.mark.parametrize(
        ("path", "fix"),
        [
            ("detail", "begin at the event: $.detail"),
            ("detail.order", "begin at the event: $.detail.order"),
            (".detail", "begin at the event: $.detail"),
            ("", "begin at the event: $.detail"),
            ("$detail", "begin at the event: $.detail"),
            ("$.", "begin at the event: $.detail"),
            ("$..detail", "begin at the event: $.detail"),
            ("the detail", "begin at the event: $.detail"),
        ],
    )
    def test_a_path_that_is_none(self, stack: cdk.Stack, path: str, fix: str) -> None:
        greet = SecureFunction(stack, "Greet", entry=ENTRY)
        assert refused(lambda: EventBus(stack, "Bus").add_rule("Placed", PATTERN, greet, input_path=path)) == (
            f"input_path is {path!r}, which is no path into an event\n  at:  Shop/Bus (EventBus)\n  fix: {fix}"
        )

    @pytest.mark.parametrize("path", ["$", "$.detail", "$.detail.order-id", "$.resources[0]", "$.detail['order id']"])
    def test_paths_into_an_event(self, stack: cdk.Stack, path: str) -> None:
        EventBus(stack, "Bus").add_rule("Placed", PATTERN, SecureFunction(stack, "Greet", entry=ENTRY), input_path=path)
        [rule] = resources_of(template_of(stack), "AWS::Events::Rule").values()
        assert rule["Properties"]["Targets"][0]["InputPath"] == path

    def test_a_description_that_is_too_long(self, stack: cdk.Stack) -> None:
        greet = SecureFunction(stack, "Greet", entry=ENTRY)
        for call in (
            lambda: EventBus(stack, "Bus").add_rule("Placed", PATTERN, greet, description="d" * 513),
            lambda: Schedule(stack, "Nightly", expression="rate(1 day)", target=greet, description="d" * 513),
        ):
            assert "description has 513 characters, and EventBridge takes 512\n" in refused(call)

    def test_the_description_of_a_long_prefix_is_cut(self, stack: cdk.Stack) -> None:
        UploadBucket(stack, "Uploads").on_upload(SecureFunction(stack, "Greet", entry=ENTRY), prefix="p" * 600)
        [rule] = resources_of(template_of(stack), "AWS::Events::Rule").values()
        description = rule["Properties"]["Description"]
        assert len(description) == 512
        assert description.endswith("ppp...")

    @pytest.mark.parametrize(
        ("value", "what"),
        [
            (cdk.Duration.seconds(5), "pattern.detail.after[0] is a Duration, which JSON does not know"),
            ({"a"}, "pattern.detail.after[0] is a set, which JSON does not know"),
            (float("nan"), "pattern.detail.after[0] is nan, which JSON does not know"),
        ],
    )
    def test_what_json_does_not_know(self, stack: cdk.Stack, value: Any, what: str) -> None:
        greet, pattern = SecureFunction(stack, "Greet", entry=ENTRY), {"detail": {"after": [value]}}
        assert refused(lambda: EventBus(stack, "Bus").add_rule("Placed", pattern, greet)).startswith(f"{what}\n")

    def test_a_construct_in_the_input_of_a_schedule(self, stack: cdk.Stack) -> None:
        greet = SecureFunction(stack, "Greet", entry=ENTRY)
        table: Any = DynamoTable(stack, "Orders", partition_key="id")
        said = refused(
            lambda: Schedule(stack, "Nightly", expression="rate(1 day)", target=greet, input={"table": table})
        )
        assert said == (
            "input.table is a DynamoTable, which JSON does not know\n"
            "  at:  Shop/Nightly (Schedule)\n"
            "  fix: pass its name or ARN"
        )

    def test_tokens_are_data(self, stack: cdk.Stack) -> None:
        greet = SecureFunction(stack, "Greet", entry=ENTRY)
        tokens: dict[str, object] = {
            "region": cdk.Aws.REGION,
            "either": cdk.Fn.condition_if("A", "b", "c"),
            "any": cdk.Token.as_any({"Ref": "Parameter"}),
            "list": cdk.Fn.split(",", "a,b"),
        }
        Schedule(stack, "Nightly", expression="rate(1 day)", target=greet, input=tokens)
        [schedule] = resources_of(template_of(stack), "AWS::Scheduler::Schedule").values()
        assert "AWS::Region" in show(schedule["Properties"]["Target"]["Input"])


class TestOwnKeys:
    def undelivered(self, template: dict[str, Any]) -> dict[str, Any]:
        [queue] = [each for name, each in resources_of(template, "AWS::SQS::Queue").items() if "Undelivered" in name]
        properties: dict[str, Any] = queue["Properties"]
        return properties

    @pytest.mark.parametrize("kind", DELIVERIES)
    def test_of_a_worker_keep_what_could_not_be_delivered(self, stack: cdk.Stack, kind: str) -> None:
        key = kms.Key(stack, "Key")
        DELIVERIES[kind](stack, QueueWorker(stack, "Emails", entry=ENTRY, encryption_key=key))
        template = template_of(stack)
        assert self.undelivered(template)["KmsMasterKeyId"] == stack.resolve(key.key_arn)
        assert cycle_in(template) == []

    @pytest.mark.parametrize("kind", DELIVERIES)
    def test_none_where_there_is_no_key(self, stack: cdk.Stack, kind: str) -> None:
        DELIVERIES[kind](stack, SecureFunction(stack, "Greet", entry=ENTRY))
        assert self.undelivered(template_of(stack))["SqsManagedSseEnabled"] is True

    def test_of_a_topic_keep_what_a_function_did_not_get(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        Topic(stack, "Topic", encryption_key=key).subscribe(SecureFunction(stack, "Greet", entry=ENTRY))
        template = template_of(stack)
        assert self.undelivered(template)["KmsMasterKeyId"] == stack.resolve(key.key_arn)
        [policy] = resources_of(template, "AWS::KMS::Key").values()
        [admitted] = [each for each in policy["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
        assert admitted["Principal"] == {"Service": "sns.amazonaws.com"}
        assert admitted["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
        assert show(admitted["Condition"]["ArnLike"]["aws:SourceArn"]).endswith("AWS::AccountId:*")
        assert cycle_in(template) == []

    def test_a_schedule_may_use_the_key_of_what_it_could_not_deliver(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, encryption_key=kms.Key(stack, "Key"))
        Schedule(stack, "Nightly", expression="rate(1 day)", target=worker)
        allowed = permissions_of(template_of(stack), "NightlyIdentityRole")
        assert {action for action, _ in allowed} == {"kms:Decrypt", "kms:GenerateDataKey", "sqs:SendMessage"}

    def test_of_a_worker_encrypt_its_idempotency_table(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        QueueWorker(stack, "Emails", entry=ENTRY, encryption_key=key, idempotent=True)
        template = template_of(stack)
        [table] = resources_of(template, "AWS::DynamoDB::Table").values()
        assert table["Properties"]["SSESpecification"] == {
            "KMSMasterKeyId": stack.resolve(key.key_arn),
            "SSEEnabled": True,
            "SSEType": "KMS",
        }
        assert any(
            action == "kms:Decrypt" and '"dynamodb."' in resource
            for action, resource in permissions_of(template, "EmailsFunctionIdentityRole")
        )

    @pytest.mark.parametrize("kind", ["bus", "bucket", "topic"])
    def test_close_no_cycle_between_stacks(self, app: cdk.App, kind: str) -> None:
        keys, shop, next_shop = (cdk.Stack(app, name) for name in ("Keys", "Shop", "Next"))
        worker = QueueWorker(next_shop, "Emails", entry=ENTRY, encryption_key=kms.Key(keys, "Key"))
        DELIVERIES[kind](shop, worker)
        app.synth()
        assert [cycle_in(template_of(each)) for each in (keys, shop, next_shop)] == [[], [], []]


class TestFilters:
    @pytest.mark.parametrize(
        ("one", "what", "fix"),
        [
            (
                {"eventname": ["INSERT"]},
                "a filter asks for 'eventname', which no change has: did you mean eventName?",
                (
                    "use awsRegion, dynamodb, eventID, eventName, eventSource, eventSourceARN, eventVersion, "
                    "userIdentity"
                ),
            ),
            (
                {"eventName": ["insert"]},
                "a filter asks eventName for 'insert', which no change is: did you mean INSERT?",
                "use INSERT, MODIFY, REMOVE",
            ),
            (
                {"dynamodb": {"newImage": {"kind": {"S": ["placed"]}}}},
                "dynamodb in a filter asks for 'newImage', which no change has: did you mean NewImage?",
                (
                    "use ApproximateCreationDateTime, Keys, NewImage, OldImage, SequenceNumber, SizeBytes, "
                    "StreamViewType"
                ),
            ),
        ],
    )
    def test_of_streams_that_nothing_passes(self, stack: cdk.Stack, one: Any, what: str, fix: str) -> None:
        stream = dynamodb.StreamViewType.NEW_AND_OLD_IMAGES
        table = DynamoTable(stack, "Orders", partition_key="id", stream=stream)
        said = refused(lambda: StreamWorker(stack, "Search", table=table, entry=ENTRY, filters=[one]))
        assert said == f"{what}\n  at:  Shop/Search (StreamWorker)\n  fix: {fix}"

    def test_of_streams_that_something_may_pass(self, stack: cdk.Stack) -> None:
        stream = dynamodb.StreamViewType.NEW_AND_OLD_IMAGES
        table = DynamoTable(stack, "Orders", partition_key="id", stream=stream)
        filters: list[dict[str, object]] = [
            {"eventName": ["INSERT", {"anything-but": ["MODIFY"]}]},
            {"dynamodb": {"NewImage": {"kind": {"S": ["placed"]}}, "Keys": {"id": {"S": [{"prefix": "o"}]}}}},
            {"$or": [{"eventName": ["REMOVE"]}, {"dynamodb": {"SizeBytes": [{"numeric": [">", 5]}]}}]},
            {"userIdentity": {"type": ["Service"]}},
        ]
        StreamWorker(stack, "Search", table=table, entry=ENTRY, filters=filters)
        [mapping] = resources_of(template_of(stack), "AWS::Lambda::EventSourceMapping").values()
        assert len(mapping["Properties"]["FilterCriteria"]["Filters"]) == 4


def test_a_number_of_receives_beside_waived_retries(stack: cdk.Stack) -> None:
    once = Waived("a payment must never be tried twice")
    assert refused(lambda: QueueWorker(stack, "Emails", entry=ENTRY, retries=once, max_receive_count=3)) == (
        "max_receive_count is 3, and retries are waived: a message is dead after one receive\n"
        "  at:  Shop/Emails (QueueWorker)\n"
        "  fix: leave out one of the two"
    )


@pytest.mark.parametrize(
    ("service", "source", "what"),
    [
        ("cloudwatch", "arn:aws:s3:::a", "service is 'cloudwatch', wanted the principal of a service"),
        ("s3.amazonaws.com", "*", "source_arn is '*', which is no ARN"),
    ],
)
def test_services_and_sources_that_are_none(stack: cdk.Stack, service: str, source: str, what: str) -> None:
    topic = Topic(stack, "Topic", encryption_key=kms.Key(stack, "Key"))
    assert refused(lambda: topic.admit_service(service, source_arn=source)).startswith(f"{what}\n")


def test_a_workflow_reads_items_from_an_upload_bucket(stack: cdk.Stack) -> None:
    uploads, greet = UploadBucket(stack, "Uploads"), SecureFunction(stack, "Greet", entry=ENTRY)
    items = from_bucket(uploads, "prices.json")
    Workflow(stack, "Prices", steps=[each("Prices", items=items, do=[step("Greet", greet)], distributed=True)])
    assert ("s3:GetObject", "UploadsBucketC4B27CC7.Arn/prices.json") in permissions_of(
        template_of(stack), "PricesIdentityRole"
    )
