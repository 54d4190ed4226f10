"""Whatever is passed to a construct, what comes out is a construct or three lines, never a traceback of the CDK."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

import constructs_lib
from constructs_lib import (
    Alerts,
    Canary,
    Dashboard,
    DynamoTable,
    EventBus,
    FunctionProps,
    Iam,
    KeptVersions,
    ProblemError,
    QueueWorker,
    RelationalDatabase,
    Schedule,
    SecretRotation,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    SecureRestApi,
    StreamWorker,
    Topic,
    UploadBucket,
    Waived,
    Workflow,
    step,
)
from constructs_lib.wiring.known_bucket import ExistingBucket
from constructs_lib.wiring.known_bus import ExistingBus
from constructs_lib.wiring.known_database import ExistingDatabase
from constructs_lib.wiring.known_queue import ExistingQueue
from constructs_lib.wiring.known_table import ExistingTable
from constructs_lib.wiring.known_topic import ExistingTopic
from constructs_lib.wiring.known_workflow import ExistingWorkflow

ENTRY = "lambda_src/greeting/greet.ts"
NUMBERS = count()
IMAGES = dynamodb.StreamViewType.NEW_AND_OLD_IMAGES


class Shop:
    """What the calls of this file work on; made once, since nothing that is refused leaves a trace."""

    def __init__(self, outdir: str) -> None:
        app = cdk.App(
            outdir=outdir,
            analytics_reporting=False,
            context={"aws:cdk:bundling-stacks": [], "@aws-cdk/core:stackResourceLimit": 0},
        )
        self.stack = cdk.Stack(app, "Shop")
        self.bucket = s3.Bucket(self.stack, "Bucket")
        self.key = kms.Key(self.stack, "Key")
        self.queue = sqs.Queue(self.stack, "Queue")
        self.api = SecureApi(self.stack, "Api", auth=Iam())
        self.rest_api = SecureRestApi(self.stack, "RestApi", auth=Iam())
        self.topic = Topic(self.stack, "Topic", encryption_key=self.key)
        self.bus = EventBus(self.stack, "Bus")
        self.uploads = UploadBucket(self.stack, "Uploads")
        self.worker = self.new_worker()
        self.function = self.new_function()
        self.table = self.new_table()
        self.database = RelationalDatabase(self.stack, "Database")
        self.security_group = ec2.SecurityGroup(self.stack, "Group", vpc=self.database.vpc)
        self.odd_values = tuple(self.new_odd_values())

    def new_id(self) -> str:
        return f"New{next(NUMBERS)}"

    def new_function(self) -> SecureFunction:
        return SecureFunction(self.stack, self.new_id(), entry=ENTRY)

    def new_worker(self) -> QueueWorker:
        return QueueWorker(self.stack, self.new_id(), entry=ENTRY)

    def new_table(self) -> DynamoTable:
        return DynamoTable(self.stack, self.new_id(), partition_key="id", stream=IMAGES)

    def new_workflow(self) -> Workflow:
        ask = step("Ask", self.function, callback=True, timeout=cdk.Duration.minutes(1))
        return Workflow(self.stack, self.new_id(), steps=[ask])

    def props_of_existing_database(self) -> dict[str, Any]:
        return {
            "proxy": self.database.proxy,
            "security_group": self.security_group,
            "vpc": self.database.vpc,
            "database_name": "app",
        }

    def new_odd_values(self) -> Iterator[object]:
        yield from (None, True, False, 0, 5, -1, 2.5, float("nan"), 10**12, "", "text", "5", "arn:x", b"bytes")
        yield from ([], [5], ["text"], [None], (), {}, {"a": 1}, {5: "a"}, {"a": {"b": ["c"]}}, {"a"}, object(), print)
        yield from (cdk.Duration.seconds(30), cdk.Duration.millis(5), cdk.Duration.days(9999), cdk.Size.mebibytes(5))
        yield from (
            cdk.Token.as_number({"Ref": "A"}),
            cdk.Token.as_string({"Ref": "A"}),
            cdk.Token.as_list({"Ref": "A"}),
        )
        yield from (cdk.Duration.seconds(cdk.Token.as_number({"Ref": "A"})), cdk.Token.as_any({"Ref": "A"}))
        yield from (
            self.stack,
            self.queue,
            self.key,
            self.bucket,
            self.queue.queue_arn,
            SecureFunction,
            Exception("no"),
        )
        yield from (self.api, self.topic, self.bus, self.uploads, self.worker, self.function, self.table, Iam())


def statements_of(database: RelationalDatabase) -> Callable[..., object]:
    def grant(*, grantee: Any, user: str, env: str = "DATABASE") -> object:
        return database.grant_data_api(grantee, "ExecuteStatement", user=user, env=env)

    return grant


# What a call needs at least, by what is called: a construct, or a method of one.
CALLS: Mapping[str, Callable[[Shop], tuple[Callable[..., object], dict[str, Any]]]] = {
    "Alerts": lambda shop: (Alerts, {"email": "ada@example.com", "of": Construct(shop.stack, shop.new_id())}),
    "Dashboard": lambda shop: (Dashboard, {"of": Construct(shop.stack, shop.new_id())}),
    "DynamoTable": lambda _: (DynamoTable, {"partition_key": "id"}),
    "EventBus": lambda _: (EventBus, {}),
    "KeptVersions": lambda shop: (
        KeptVersions,
        {"of": [SecureFunction(shop.stack, shop.new_id(), entry=ENTRY, canary=Canary())]},
    ),
    "QueueWorker": lambda _: (QueueWorker, {"entry": ENTRY}),
    "Schedule": lambda shop: (Schedule, {"expression": "rate(1 day)", "target": shop.function}),
    "SecureApi": lambda _: (SecureApi, {"auth": Iam()}),
    "SecureApiFunction": lambda shop: (
        SecureApiFunction,
        {"api": shop.api, "route": f"GET /{shop.new_id()}", "entry": ENTRY},
    ),
    "ExistingBucket": lambda shop: (ExistingBucket, {"bucket": shop.bucket}),
    "ExistingBus": lambda shop: (ExistingBus, {"bus": shop.bus.bus}),
    "ExistingDatabase": lambda shop: (ExistingDatabase, shop.props_of_existing_database()),
    "ExistingDatabase.grant_connect": lambda shop: (
        ExistingDatabase(shop.stack, shop.new_id(), **shop.props_of_existing_database()).grant_connect,
        {"grantee": shop.new_function(), "user": "writer", "budget": Waived("a test")},
    ),
    "ExistingQueue": lambda shop: (ExistingQueue, {"queue": shop.queue}),
    "ExistingTable": lambda shop: (ExistingTable, {"table": shop.table.table}),
    "ExistingTopic": lambda shop: (ExistingTopic, {"topic": shop.topic.topic}),
    "ExistingWorkflow": lambda shop: (ExistingWorkflow, {"state_machine": shop.new_workflow().state_machine}),
    "RelationalDatabase": lambda shop: (RelationalDatabase, {"vpc": shop.database.vpc}),
    "RelationalDatabase.grant_connect": lambda shop: (
        shop.database.grant_connect,
        {"grantee": shop.new_function(), "user": "writer", "budget": Waived("a test")},
    ),
    "RelationalDatabase.grant_data_api": lambda shop: (
        statements_of(shop.database),
        {"grantee": shop.new_function(), "user": "reader"},
    ),
    "SecretRotation": lambda shop: (
        SecretRotation,
        {"secret": secretsmanager.Secret(shop.stack, shop.new_id()), "entry": ENTRY},
    ),
    "SecureRestApi": lambda _: (SecureRestApi, {"auth": Iam()}),
    "SecureApiFunction of a SecureRestApi": lambda shop: (
        SecureApiFunction,
        {"api": shop.rest_api, "route": f"GET /{shop.new_id()}", "entry": ENTRY},
    ),
    "SecureFunction": lambda _: (SecureFunction, {"entry": ENTRY}),
    "StreamWorker": lambda shop: (StreamWorker, {"entry": ENTRY, "table": shop.new_table()}),
    "Topic": lambda _: (Topic, {}),
    "UploadBucket": lambda _: (UploadBucket, {}),
    "DynamoTable.add_index": lambda shop: (shop.new_table().add_index, {"name": "by_name", "partition_key": "name"}),
    "EventBus.add_rule": lambda shop: (
        shop.bus.add_rule,
        {"id": shop.new_id(), "pattern": {"source": ["orders"]}, "target": shop.worker},
    ),
    "EventBus.grant_put_events": lambda shop: (
        shop.bus.grant_put_events,
        {"grantee": shop.function, "sources": ["orders"]},
    ),
    "QueueWorker.grant_send": lambda shop: (shop.worker.grant_send, {"grantee": shop.function}),
    "SecureApiFunction.grant_call": lambda shop: (
        SecureApiFunction(
            shop.stack, shop.new_id(), api=shop.api, route=f"GET /{shop.new_id()}", entry=ENTRY
        ).grant_call,
        {"grantee": shop.function},
    ),
    "SecureFunction.add_environment": lambda shop: (
        shop.new_function().add_environment,
        {"name": "COLOR", "value": "red"},
    ),
    "SecureFunction.grant_invoke": lambda shop: (shop.function.grant_invoke, {"grantee": shop.worker}),
    "Topic.admit_service": lambda shop: (
        shop.topic.admit_service,
        {"service": "cloudwatch.amazonaws.com", "source_arn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a"},
    ),
    "Topic.grant_publish": lambda shop: (shop.topic.grant_publish, {"grantee": shop.function}),
    "Topic.subscribe": lambda shop: (Topic(shop.stack, shop.new_id()).subscribe, {"receiver": shop.worker}),
    "UploadBucket.grant_read": lambda shop: (shop.uploads.grant_read, {"grantee": shop.function, "prefix": "a/"}),
    "UploadBucket.grant_write": lambda shop: (shop.uploads.grant_write, {"grantee": shop.function, "prefix": "a/"}),
    "UploadBucket.on_upload": lambda shop: (
        UploadBucket(shop.stack, shop.new_id()).on_upload,
        {"target": shop.worker, "id": shop.new_id()},
    ),
    "Workflow": lambda shop: (Workflow, {"steps": [step("Greet", shop.function)]}),
    "Workflow.grant_callback": lambda shop: (shop.new_workflow().grant_callback, {"grantee": shop.worker}),
    "Workflow.grant_start": lambda shop: (shop.new_workflow().grant_start, {"grantee": shop.worker}),
}


@pytest.fixture(scope="module")
def shared_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(str(tmp_path_factory.mktemp("cdk.out")))


@pytest.fixture
def shop(request: pytest.FixtureRequest, name: str, tmp_path: Path) -> Shop:
    """One for all, but those who listen to every alarm to come: they would make all others slow."""
    return Shop(str(tmp_path)) if name == "Alerts" else request.getfixturevalue("shared_shop")


def called(shop: Shop, name: str) -> tuple[Callable[..., object], dict[str, Any]]:
    what, props = CALLS[name](shop)
    return what, {"scope": shop.stack, "id": shop.new_id(), **props} if isinstance(what, type) else props


def arguments_of(what: Callable[..., object]) -> list[str]:
    # The metaclass of CDK's classes hides what their constructors take.
    signed = what.__init__ if isinstance(what, type) else what  # type: ignore[misc] # of this class and no other
    parameters = inspect.signature(signed).parameters
    takes_more = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    named = [each.name for each in parameters.values() if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}]
    return [*(name for name in named if name != "self"), *(FunctionProps.__annotations__ if takes_more else ())]


@pytest.mark.parametrize("name", CALLS)
def test_the_call_that_is_varied_works(shop: Shop, name: str) -> None:
    what, props = called(shop, name)
    what(**props)


@pytest.mark.parametrize("name", CALLS)
def test_anything_for_any_argument_is_taken_or_refused_in_three_lines(shop: Shop, name: str) -> None:
    what, props = called(shop, name)
    escaped = []
    for argument in arguments_of(what):
        for value in shop.odd_values:
            try:
                what(**{**props, argument: value})
            except ProblemError:
                continue
            except Exception as error:
                escaped.append(f"{name}({argument}={value!r}): {type(error).__name__}: {str(error)[:90]}")
            what, props = called(shop, name)  # what was made or tried may have taken an id, a route or a stream
    assert escaped == []


def test_every_public_construct_is_varied() -> None:
    public = [getattr(constructs_lib, name) for name in constructs_lib.__all__]
    constructs = {each.__name__ for each in public if isinstance(each, type) and issubclass(each, Construct)}
    assert constructs <= set(CALLS)
