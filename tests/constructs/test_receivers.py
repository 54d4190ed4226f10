"""Who can receive, which region somebody must be in, and which patterns and filters nothing would ever pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

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
)
from tests.templates import resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
PATTERN = {"source": ["orders"]}


class Holder(Construct):
    """A construct of somebody else's that looks like a receiver."""

    def __init__(self, scope: Construct, id: str, **attributes: object) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        for name, value in attributes.items():
            setattr(self, name, value)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(PropError) as caught:
        call()
    return str(caught.value)


class TestReceivers:
    @pytest.mark.parametrize("kind", ["imported queue", "worker in a queue's place", "no queue", "text", "function"])
    def test_that_only_look_like_one(self, stack: cdk.Stack, kind: str) -> None:
        attributes: dict[str, dict[str, object]] = {
            "imported queue": {
                "queue": sqs.Queue.from_queue_arn(stack, "Elsewhere", "arn:aws:sqs:eu-west-1:111122223333:elsewhere")
            },
            "worker in a queue's place": {"queue": QueueWorker(stack, "Worker", entry=ENTRY)},
            "no queue": {"queue": None},
            "text": {"state_machine": "arn:aws:states:eu-west-1:111122223333:stateMachine:a"},
            "function": {"function": SecureFunction(stack, "Greet", entry=ENTRY)},
        }
        holder: Any = Holder(stack, "Holder", **attributes[kind])
        bus, uploads = EventBus(stack, "Bus"), UploadBucket(stack, "Uploads")
        for call in (
            lambda: bus.add_rule("Placed", PATTERN, holder),
            lambda: uploads.on_upload(holder),
            lambda: Schedule(stack, "Nightly", expression="rate(1 day)", target=holder),
        ):
            assert refused(call).startswith(
                "target is a Holder, wanted a SecureFunction, a QueueWorker or a Workflow\n"
            )
        assert refused(lambda: Topic(stack, "Topic").subscribe(holder)).startswith("a Holder cannot subscribe\n")

    def test_a_construct_around_a_queue_of_this_app_is_one(self, stack: cdk.Stack) -> None:
        holder: Any = Holder(stack, "Holder", queue=sqs.Queue(stack, "Queue"))
        EventBus(stack, "Bus").add_rule("Placed", PATTERN, holder)
        Topic(stack, "Topic").subscribe(holder)
        policies = resources_of(template_of(stack), "AWS::SQS::QueuePolicy")
        [policy] = [each for name, each in policies.items() if name.startswith("QueuePolicy")]
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        assert {each["Principal"]["Service"] for each in statements} == {"events.amazonaws.com", "sns.amazonaws.com"}

    @pytest.mark.parametrize("group", ["", " ", "two words", "grüße", "g" * 129])
    def test_a_message_group_that_sqs_does_not_take(self, stack: cdk.Stack, group: str) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, fifo=True, content_based_deduplication=True)
        assert refused(lambda: EventBus(stack, "Bus").add_rule("Placed", PATTERN, worker, message_group=group)) == (
            f"message_group is {group!r}, which SQS does not take\n"
            "  at:  Shop/Bus (EventBus)\n"
            "  fix: use 1 to 128 letters, digits and punctuation, without spaces"
        )


class TestRegions:
    @pytest.mark.parametrize(
        ("name", "make"),
        [
            ("encryption_key", lambda here, far: QueueWorker(here, "A", entry=ENTRY, encryption_key=kms.Key(far, "K"))),
            ("encryption_key", lambda here, far: Topic(here, "A", encryption_key=kms.Key(far, "K"))),
            ("encryption_key", lambda here, far: UploadBucket(here, "A", encryption_key=kms.Key(far, "K"))),
            (
                "encryption_key",
                lambda here, far: DynamoTable(here, "A", partition_key="id", encryption_key=kms.Key(far, "K")),
            ),
            (
                "encryption_key",
                lambda here, _: Topic(
                    here,
                    "A",
                    encryption_key=kms.Key.from_key_arn(here, "K", "arn:aws:kms:us-east-1:111122223333:key/a"),
                ),
            ),
            ("access_logs", lambda here, far: UploadBucket(here, "A", access_logs=s3.Bucket(far, "L"))),
            ("on_failure", lambda here, far: SecureFunction(here, "A", entry=ENTRY, on_failure=Topic(far, "T"))),
        ],
    )
    def test_of_what_is_used_in_its_own_alone(
        self, app: cdk.App, name: str, make: Callable[[cdk.Stack, cdk.Stack], object]
    ) -> None:
        here, far = (
            cdk.Stack(app, stack, env=cdk.Environment(account="111122223333", region=region))
            for stack, region in (("Here", "eu-west-1"), ("Far", "us-east-1"))
        )
        assert refused(lambda: make(here, far)).startswith(
            f"{name} is in us-east-1, and Here/A in eu-west-1: AWS uses it in its own region alone\n"
        )

    def test_that_nobody_knows_yet_are_not_guessed(self, app: cdk.App) -> None:
        here, keys = (cdk.Stack(app, name) for name in ("Here", "Keys"))
        assert Topic(here, "Topic", encryption_key=kms.Key(keys, "Key")).topic_arn


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "what"),
        [
            (
                {"source": [{"prefx": "orders"}]},
                "pattern asks source for 'prefx', which is no comparison: did you mean prefix?",
            ),
            ({"detail": {"kind": [["placed"]]}}, "pattern asks detail.kind for a list in a list: ['placed']"),
            ({"detail": {"kind": {}}}, "pattern asks detail.kind for {}, wanted a list of what it may be"),
            ({"$or": []}, "pattern asks $or for [], wanted a list of what it may be"),
            ({"$or": ["orders"]}, "pattern asks $or for 'orders', wanted patterns"),
            ({"$or": [{"source": "orders"}]}, "pattern asks $or.source for 'orders', wanted a list of what it may be"),
        ],
    )
    def test_that_eventbridge_does_not_take(self, stack: cdk.Stack, pattern: Any, what: str) -> None:
        greet = SecureFunction(stack, "Greet", entry=ENTRY)
        assert refused(lambda: EventBus(stack, "Bus").add_rule("Placed", pattern, greet)).startswith(f"{what}\n")

    def test_of_what_only_behaves_like_lists(self, stack: cdk.Stack) -> None:
        greet = SecureFunction(stack, "Greet", entry=ENTRY)
        pattern = {"source": ("orders",), "$or": ({"detail": {"kind": ("placed", {"exists": False})}},)}
        EventBus(stack, "Bus").add_rule("Placed", pattern, greet)
        [rule] = resources_of(template_of(stack), "AWS::Events::Rule").values()
        assert rule["Properties"]["EventPattern"] == {
            "source": ["orders"],
            "$or": [{"detail": {"kind": ["placed", {"exists": False}]}}],
        }


class TestFilters:
    def subscribe(self, stack: cdk.Stack, **props: Any) -> object:
        return Topic(stack, "Topic").subscribe(SecureFunction(stack, "Greet", entry=ENTRY), **props)

    def test_with_more_combinations_than_sns_takes(self, stack: cdk.Stack) -> None:
        policy = {"size": [str(size) for size in range(16)], "color": [str(color) for color in range(10)]}
        assert refused(lambda: self.subscribe(stack, filter=policy)) == (
            "filter has 160 combinations of values, and SNS takes 150\n"
            "  at:  Shop/Topic (Topic)\n"
            "  fix: filter on fewer values"
        )

    def test_that_look_into_the_body(self, stack: cdk.Stack) -> None:
        policy = {"order": {"kind": ("placed",), "total": [{"numeric": [">", 100]}]}, "$or": [{"a": ["b"]}]}
        self.subscribe(stack, filter=policy, filter_on="body")
        [subscription] = resources_of(template_of(stack), "AWS::SNS::Subscription").values()
        assert subscription["Properties"]["FilterPolicy"] == {
            "order": {"kind": ["placed"], "total": [{"numeric": [">", 100]}]},
            "$or": [{"a": ["b"]}],
        }

    def test_that_look_for_a_bare_value_in_the_body(self, stack: cdk.Stack) -> None:
        said = refused(lambda: self.subscribe(stack, filter={"order": {"kind": "placed"}}, filter_on="body"))
        assert said.startswith("filter asks order.kind for 'placed', wanted a list of what it may be\n")


class TestStreams:
    @pytest.mark.parametrize(("view", "image"), [("KEYS_ONLY", "NewImage"), ("NEW_IMAGE", "OldImage")])
    def test_filters_of_images_that_are_not_carried(self, stack: cdk.Stack, view: str, image: str) -> None:
        table = DynamoTable(stack, "Orders", partition_key="id", stream=dynamodb.StreamViewType[view])
        filters = [{"eventName": ("INSERT",), "dynamodb": {image: {"kind": {"S": ["placed"]}}}}]
        assert refused(lambda: StreamWorker(stack, "Search", table=table, entry=ENTRY, filters=filters)) == (
            f"a filter asks for {image}, which the stream does not carry\n"
            "  at:  Shop/Search (StreamWorker)\n"
            "  fix: give the table more: stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES"
        )

    def test_who_is_refused_takes_no_place_at_a_stream(self, stack: cdk.Stack) -> None:
        stream = dynamodb.StreamViewType.NEW_AND_OLD_IMAGES
        table = DynamoTable(stack, "Orders", partition_key="id", stream=stream)
        for _ in range(3):
            refused(lambda: StreamWorker(stack, "Search", table=table, entry=ENTRY, parallelization=11))
        for name in ("Search", "Audit"):
            assert StreamWorker(stack, name, table=table, entry=ENTRY).mapping


def test_a_prefix_longer_than_any_key(stack: cdk.Stack) -> None:
    greet, prefix = SecureFunction(stack, "Greet", entry=ENTRY), "ü" * 512
    uploads = UploadBucket(stack, "Uploads")
    assert refused(lambda: uploads.on_upload(greet, prefix=prefix, suffix="p")).startswith(
        "prefix and suffix have 1025 bytes, and no key has more than 1024\n"
    )
    assert uploads.on_upload(greet, prefix=prefix)
