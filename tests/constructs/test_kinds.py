"""How it reads when an argument is of another kind than its place takes."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum
from pathlib import PurePath
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from constructs_lib import (
    Cognito,
    DynamoTable,
    EventBus,
    Jwt,
    PropError,
    QueueWorker,
    Schedule,
    SecureFunction,
    StreamWorker,
    Topic,
    UploadBucket,
    Waived,
)

ENTRY = "lambda_src/greeting/greet.ts"
ISSUER = "https://login.example.com/"


class BatchSize(IntEnum):
    TEN = 10


class Place(str, Enum):  # noqa: UP042 - StrEnum is written by its value, this one by its name
    IN = "in/"


def refused(call: Callable[..., object], *args: Any, **props: Any) -> str:
    with pytest.raises(PropError) as caught:
        call(*args, **props)
    return str(caught.value)


@pytest.mark.parametrize(
    ("props", "what", "fix"),
    [
        (
            {"batching_window": 5},
            "batching_window is 5, wanted a Duration",
            "say the unit: cdk.Duration.seconds(5), cdk.Duration.days(5), or leave batching_window out",
        ),
        (
            {"retention": "4 days"},
            "retention is '4 days', wanted a Duration",
            "pass a Duration, or leave retention out",
        ),
        (
            {"batch_size": "10"},
            "batch_size is '10', wanted a whole number",
            "pass a whole number, or leave batch_size out",
        ),
        (
            {"batch_size": True},
            "batch_size is True, wanted a whole number",
            "pass a whole number, or leave batch_size out",
        ),
        (
            {"batch_size": 2.5},
            "batch_size is 2.5, wanted a whole number",
            "pass a whole number, or leave batch_size out",
        ),
        (
            {"max_receive_count": None},
            "max_receive_count is None, wanted a whole number",
            "pass a whole number, or leave max_receive_count out",
        ),
        (
            {"batch_size": BatchSize.TEN},
            "batch_size is BatchSize.TEN, wanted a whole number",
            "pass its value: BatchSize.TEN.value, or leave batch_size out",
        ),
        ({"fifo": "yes"}, "fifo is 'yes', wanted True or False", "pass True or False, or leave fifo out"),
        (
            {"encryption_key": "alias/mine"},
            "encryption_key is 'alias/mine', wanted a kms.IKey",
            "pass a kms.IKey, or leave encryption_key out",
        ),
        (
            {"encryption_key": kms.Key},
            "encryption_key is the class Key, wanted a kms.IKey",
            "pass a kms.IKey, or leave encryption_key out",
        ),
    ],
)
def test_of_a_queue_worker(stack: cdk.Stack, props: dict[str, Any], what: str, fix: str) -> None:
    assert refused(QueueWorker, stack, "Emails", entry=ENTRY, **props) == (
        f"{what}\n  at:  Shop/Emails (QueueWorker)\n  fix: {fix}"
    )


@pytest.mark.parametrize(
    ("props", "what", "fix"),
    [
        (
            {"log_retention": 30},
            "log_retention is 30, wanted one of logs.RetentionDays",
            (
                "use RetentionDays.ONE_DAY, RetentionDays.THREE_DAYS, RetentionDays.FIVE_DAYS or another of them, or "
                "leave log_retention out"
            ),
        ),
        (
            {"bundling": {"sourcemap": True}},
            "bundling has no option 'sourcemap': did you mean source_map?",
            "use bundle_sdk, credentials, source_map, or leave bundling out",
        ),
        (
            {"bundling": {"source_map": "yes"}},
            "bundling['source_map'] is 'yes', wanted True or False",
            "pass True or False, or leave bundling out",
        ),
        (
            {"entry": PurePath(ENTRY)},
            "entry is a PurePosixPath, wanted a string",
            "pass a string",
        ),
        ({"include": "*.sql"}, "include is '*.sql', wanted a list", "pass a list, or leave include out"),
        ({"include": ["a.sql", 5]}, "include[1] is 5, wanted a string", "pass a string, or leave include out"),
        ({"environment": ["A=B"]}, "environment is ['A=B'], wanted a dict", "pass a dict, or leave environment out"),
        (
            {"environment": {5: "A"}},
            "a key of environment is 5, wanted a string",
            "pass a string, or leave environment out",
        ),
    ],
)
def test_of_a_function(stack: cdk.Stack, props: dict[str, Any], what: str, fix: str) -> None:
    said = refused(SecureFunction, stack, "Report", **{"entry": ENTRY, **props})
    assert said == f"{what}\n  at:  Shop/Report (SecureFunction)\n  fix: {fix}"


def test_everything_of_another_kind_is_said_at_once(stack: cdk.Stack) -> None:
    assert refused(QueueWorker, stack, "Emails", entry=ENTRY, batch_size="5", fifo=1).count("\n  fix: ") == 2


def test_of_methods_too(stack: cdk.Stack) -> None:
    worker, wrong = QueueWorker(stack, "Emails", entry=ENTRY), cdk.Duration.seconds(1)
    assert refused(worker.grant_send, wrong) == (
        "grantee is a Duration, wanted an iam.IGrantable\n"
        "  at:  Shop/Emails (QueueWorker)\n"
        "  fix: pass an iam.IGrantable"
    )
    assert "prefix is 5, wanted a string\n  at:  Shop/Uploads (UploadBucket)" in refused(
        UploadBucket(stack, "Uploads").grant_read, worker, prefix=5
    )


def test_a_time_zone_by_its_name(stack: cdk.Stack) -> None:
    greet = SecureFunction(stack, "Greet", entry=ENTRY)
    said = refused(Schedule, stack, "Nightly", expression="rate(1 day)", target=greet, timezone="Europe/Berlin")
    assert said == (
        "timezone is 'Europe/Berlin', wanted a TimeZone\n"
        "  at:  Shop/Nightly (Schedule)\n"
        '  fix: write cdk.TimeZone.of("Europe/Berlin"), or leave timezone out'
    )


def test_an_l2_where_a_construct_of_this_library_belongs(stack: cdk.Stack) -> None:
    table = DynamoTable(stack, "Orders", partition_key="id").table
    assert refused(StreamWorker, stack, "Search", table=table, entry=ENTRY) == (
        "table is a Table, wanted a DynamoTable\n  at:  Shop/Search (StreamWorker)\n  fix: pass a DynamoTable"
    )
    assert "target is a Function, wanted a SecureFunction, a QueueWorker or a Workflow" in refused(
        EventBus(stack, "Bus").add_rule, "Placed", {"source": ["a"]}, SecureFunction(stack, "F", entry=ENTRY).function
    )
    assert "a Queue cannot subscribe" in refused(Topic(stack, "Topic").subscribe, sqs.Queue(stack, "Queue"))


class TestPlaces:
    def test_a_scope_that_is_none(self) -> None:
        assert refused(Topic, None, "Orders") == (
            "scope is None, wanted a Construct\n  at:  Orders (Topic)\n  fix: pass the stack, or a construct in it"
        )

    @pytest.mark.parametrize(
        ("own_id", "what", "fix"),
        [
            (5, "id is 5, wanted a string", "write it in quotes"),
            ("", "id is empty", "name what it is: Uploads, Emails"),
            (" ", "id is empty", "name what it is: Uploads, Emails"),
            ("Taken", "Shop has a Taken already", "choose another id"),
        ],
    )
    def test_an_id_that_none_can_have(self, stack: cdk.Stack, own_id: Any, what: str, fix: str) -> None:
        Topic(stack, "Taken")
        said = refused(EventBus, stack, own_id)
        assert said.splitlines()[0] == what
        assert said.splitlines()[2] == f"  fix: {fix}"

    def test_an_id_that_is_known_at_deploy_only(self, stack: cdk.Stack) -> None:
        assert "id is not known before deployment" in refused(Topic, stack, cdk.Aws.REGION)

    def test_what_is_refused_leaves_its_place_free(self, stack: cdk.Stack) -> None:
        refused(QueueWorker, stack, "Emails", entry=ENTRY, batch_size="5")
        refused(QueueWorker, stack, "Emails", entry=ENTRY, batch_size=50)
        refused(QueueWorker, stack, "Emails", entry="nowhere.txt")
        refused(QueueWorker, stack, "E/mails", entry=ENTRY, batch_size=50)
        assert QueueWorker(stack, "E/mails", entry=ENTRY).queue_arn
        assert QueueWorker(stack, "Emails", entry=ENTRY, batch_size=5).queue_arn


def test_members_of_enumerations_that_would_be_written_by_their_names(stack: cdk.Stack) -> None:
    greet, uploads = SecureFunction(stack, "Greet", entry=ENTRY), UploadBucket(stack, "Uploads")
    assert refused(uploads.grant_read, greet, prefix=Place.IN) == (
        "prefix is Place.IN, wanted a string\n  at:  Shop/Uploads (UploadBucket)\n  fix: pass its value: Place.IN.value"
    )


class TestTokens:
    def test_are_of_every_kind_they_are_encoded_as(self, stack: cdk.Stack) -> None:
        number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
        names = cdk.CfnParameter(stack, "Names", type="CommaDelimitedList").value_as_list
        orders = DynamoTable(stack, "Orders", partition_key="id")
        orders.add_index("by_name", partition_key="name", only=names)
        assert SecureFunction(stack, "Report", entry=ENTRY, reserved_concurrency=number).function_arn  # type: ignore[arg-type] # CDK's numbers are floats

    def test_of_a_duration_in_another_unit_than_aws_counts_in(self, stack: cdk.Stack) -> None:
        number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
        assert EventBus(stack, "Bus", archive_retention=cdk.Duration.days(number)).archive
        assert refused(EventBus, stack, "Other", archive_retention=cdk.Duration.hours(number)) == (
            "archive_retention is not known before deployment, and AWS wants it in days\n"
            "  at:  Shop/Other (EventBus)\n"
            "  fix: write cdk.Duration.days(...)"
        )

    def test_where_the_cdk_checks_at_once(self, stack: cdk.Stack) -> None:
        number = int(cdk.CfnParameter(stack, "Number", type="Number").value_as_number)
        greet = SecureFunction(stack, "Greet", entry=ENTRY)
        assert refused(Schedule, stack, "Nightly", expression="rate(1 day)", target=greet, retry_attempts=number) == (
            "retry_attempts is not known before deployment\n"
            "  at:  Shop/Nightly (Schedule)\n"
            "  fix: write it out, or set retry_attempts on the L1"
        )


def test_members_of_the_right_enumeration_are_taken(stack: cdk.Stack) -> None:
    report = SecureFunction(stack, "Report", entry=ENTRY, log_retention=logs.RetentionDays.ONE_WEEK)
    assert report.log_group.node.path == "Shop/Report/Logs"


def test_keys_that_were_imported_are_keys(stack: cdk.Stack) -> None:
    arn = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    assert (
        Topic(stack, "Orders", encryption_key=kms.Key.from_key_arn(stack, "Imported", arn)).topic.master_key is not None
    )
    assert QueueWorker(
        stack, "Emails", entry=ENTRY, encryption_key=kms.Alias.from_alias_name(stack, "Alias", "alias/mine")
    )


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: Waived(5), "a safeguard is waived without a reason"),  # type: ignore[arg-type] # that is the point
        (lambda: Jwt(5, "shop"), "issuer 5 is not an https URL"),  # type: ignore[arg-type] # likewise
        (lambda: Jwt(ISSUER, 5), "audience is 5, wanted a string or a list of them"),  # type: ignore[arg-type] # likewise
        (lambda: Jwt(ISSUER, [5]), "audience is [5], wanted a string or a list of them"),  # type: ignore[list-item] # likewise
        (lambda: Jwt(ISSUER, "shop", scopes=5), "scopes is 5, wanted a string or a list of them"),  # type: ignore[arg-type] # likewise
        (lambda: Cognito("pool"), "pool is no user pool"),  # type: ignore[arg-type] # likewise
    ],
)
def test_of_reasons_and_of_who_may_call(make: Callable[[], object], what: str) -> None:
    assert refused(make).startswith(f"{what}\n")


def test_of_clients_and_scopes(stack: cdk.Stack) -> None:
    pool, nobody = cognito.UserPool(stack, "Pool"), cast("Any", 5)
    assert refused(lambda: Cognito(pool, clients=nobody)).startswith("clients is no list of app clients\n")
    assert refused(lambda: Cognito(pool, scopes=nobody)).startswith("scopes is no list of strings\n")
    imported = cognito.UserPool.from_user_pool_id(stack, "Imported", "eu-west-1_abcdefghi")
    assert Cognito(imported, clients=[imported.add_client("App")], scopes="orders/read").scopes == ("orders/read",)
    assert Jwt(ISSUER, "shop", scopes="orders/read").scopes == ("orders/read",)


def test_a_description_that_lambda_does_not_take(stack: cdk.Stack) -> None:
    assert refused(SecureFunction, stack, "Report", entry=ENTRY, description="d" * 257) == (
        "description has 257 characters, and Lambda takes 256\n  at:  Shop/Report (SecureFunction)\n  fix: shorten it"
    )


def test_arguments_that_are_missing_or_unknown_are_named_by_python(stack: cdk.Stack) -> None:
    with pytest.raises(TypeError, match=r"QueueWorker\.__init__\(\) missing 1 required keyword-only argument: 'entry'"):
        QueueWorker(stack, "Emails")  # type: ignore[call-arg] # that is the point
    with pytest.raises(TypeError, match="unexpected keyword argument 'batchsize'") as caught:
        QueueWorker(stack, "Emails", entry=ENTRY, batchsize=5)  # type: ignore[call-arg] # likewise
    assert caught.value.__notes__ == ["batchsize: did you mean batch_size?"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'partitionkey'") as caught:
        DynamoTable(stack, "Users", partitionkey="id")  # type: ignore[call-arg] # likewise
    assert caught.value.__notes__ == ["partitionkey: did you mean partition_key?"]
    assert caught.value.__context__ is None  # nothing of ours is printed above it
