"""Loops of uploads that take a detour: a workflow, a queue, a call, a second bucket."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

import aws_cdk as cdk
import pytest

from constructs_lib import (
    Iam,
    QueueWorker,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    Step,
    Topic,
    UploadBucket,
    Waived,
    Workflow,
    allow_recursion,
    each,
    on,
    parallel,
    run,
    start,
    step,
)
from tests.constructs.uploads import AT, ENTRY, of_s3, refusal
from tests.templates import permissions_of, resources_of, template_of

FIX = 'write to another prefix or bucket, tell the two apart by suffix, or say why it ends: loop_guard=Waived("...")'
FIX_CALL = 'let another function do one of the two, or say why it ends: on_upload(..., loop_guard=Waived("..."))'
WITHOUT_END = "each upload could start the next one, without end"


@pytest.fixture
def resize(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Resize", entry=ENTRY)


def first_and_last(steps: list[Callable[[], object]], *, last: int) -> str:
    """Do everything but one step, which must be what is refused."""
    closing = steps.pop(last)
    for each_step in steps:
        each_step()
    return refusal(closing)


class TestByWorkflow:
    @pytest.mark.parametrize("last", [0, 1])
    def test_a_function_of_the_workflow_writes_what_starts_it(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction, last: int
    ) -> None:
        archive = Workflow(stack, "Archive", steps=[step("Resize", resize)])
        said = first_and_last(
            [
                partial(uploads.on_upload, archive, prefix="uploads/"),
                partial(uploads.grant_write, resize, prefix="uploads/small/"),
            ],
            last=last,
        )
        assert said == (
            "Shop/Resize may write uploads/small/*, which runs Shop/Archive (on uploads/*), which calls Shop/Resize: "
            f"{WITHOUT_END}\n  at:  {AT}\n  fix: {FIX}"
        )

    @pytest.mark.parametrize("place", ["undo", "branch", "each item", "run inside", "start inside", "catch"])
    def test_wherever_in_the_workflow_it_is_called(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction, place: str
    ) -> None:
        other = SecureFunction(stack, "Other", entry=ENTRY)
        inner = Workflow(stack, "Inner", steps=[step("Resize", resize)])
        steps: dict[str, list[Step]] = {
            "undo": [step("Other", other, undo=resize), step("Again", other)],
            "branch": [parallel("Both", [step("Other", other)], [step("Resize", resize)])],
            "each item": [each("Pages", items="{% $states.input.pages %}", do=[step("Resize", resize)])],
            "run inside": [run("Inner", inner, timeout=cdk.Duration.minutes(1))],
            "start inside": [start("Inner", inner)],
            "catch": [step("Other", other, catch=[on("Broken", do=[step("Resize", resize)])])],
        }
        uploads.on_upload(Workflow(stack, "Archive", steps=steps[place]), prefix="uploads/")
        assert "which runs Shop/Archive (on uploads/*), which calls Shop/Resize: each upload" in refusal(
            partial(uploads.grant_write, resize, prefix="uploads/")
        )

    def test_writing_elsewhere_is_no_loop(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction
    ) -> None:
        uploads.on_upload(Workflow(stack, "Archive", steps=[step("Resize", resize)]), prefix="uploads/")
        uploads.grant_write(resize, prefix="small/")
        assert {action for action, _ in of_s3(template_of(stack), "ResizeIdentityRole")} == {"s3:PutObject"}

    def test_a_reason_lets_it_through_and_is_recorded_once(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction
    ) -> None:
        archive = Workflow(stack, "Archive", steps=[step("Resize", resize)])
        uploads.on_upload(archive, prefix="uploads/", loop_guard=Waived("halves it until it is small"))
        uploads.grant_write(resize, prefix="uploads/")
        bucket = resources_of(template_of(stack), "AWS::S3::Bucket")["UploadsBucketC4B27CC7"]
        assert bucket["Metadata"]["constructs-lib:waived"] == {
            "loop_guard: Shop/Archive runs on uploads/*": "halves it until it is small"
        }


class TestByCalls:
    @pytest.mark.parametrize("last", [0, 1, 2])
    def test_a_function_sends_to_a_worker_that_writes_what_runs_it(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction, last: int
    ) -> None:
        worker = QueueWorker(stack, "Pages", entry=ENTRY)
        said = first_and_last(
            [
                partial(uploads.on_upload, resize, prefix="uploads/"),
                partial(uploads.grant_write, worker, prefix="uploads/"),
                partial(worker.grant_send, resize),
            ],
            last=last,
        )
        by_bucket = (
            "Shop/Pages may write uploads/*, which runs Shop/Resize (on uploads/*), which may send to Shop/Pages: "
            f"{WITHOUT_END}\n  at:  {AT}\n  fix: {FIX}"
        )
        by_worker = (
            "Shop/Resize may send to Shop/Pages, which may write uploads/* of Shop/Uploads, which runs Shop/Resize (on "
            f"uploads/*): {WITHOUT_END}\n  at:  Shop/Pages (QueueWorker)\n  fix: {FIX_CALL}"
        )
        assert said == (by_worker if last == 2 else by_bucket)

    def test_a_call_that_is_refused_is_not_granted_and_not_remembered(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction
    ) -> None:
        worker, other = QueueWorker(stack, "Pages", entry=ENTRY), UploadBucket(stack, "Other")
        uploads.on_upload(resize, prefix="uploads/")
        uploads.grant_write(worker, prefix="uploads/")
        refusal(partial(worker.grant_send, resize))
        other.on_upload(resize)
        other.grant_write(worker, prefix="")  # would close a loop, were the call remembered
        template = template_of(stack)
        sent = {resource for action, resource in permissions_of(template, "ResizeId") if action == "sqs:SendMessage"}
        assert {each.partition("Queue")[0] for each in sent} == {"ResizeFailedEvents"}

    def test_a_function_calls_another_or_its_route(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        caller, called = (SecureFunction(stack, name, entry=ENTRY) for name in ("Caller", "Called"))
        api = SecureApi(stack, "Api", auth=Iam())
        route = SecureApiFunction(stack, "Route", api=api, route="POST /pages", entry=ENTRY)
        uploads.on_upload(caller, prefix="uploads/")
        for writes, grant in ((called, called.grant_invoke), (route, route.grant_call)):
            uploads.grant_write(writes, prefix="uploads/")
            assert refusal(partial(grant, caller)).startswith(
                f"Shop/Caller may call {writes.node.path}, which may write uploads/* of Shop/Uploads, "
            )

    def test_a_function_starts_a_workflow_that_writes(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction
    ) -> None:
        begin = SecureFunction(stack, "Begin", entry=ENTRY)
        archive = Workflow(stack, "Archive", steps=[step("Resize", resize)])
        uploads.on_upload(begin, prefix="uploads/")
        archive.grant_start(begin)
        assert refusal(partial(uploads.grant_write, resize, prefix="uploads/")).startswith(
            "Shop/Resize may write uploads/*, which runs Shop/Begin (on uploads/*), which may start Shop/Archive, "
            "which calls Shop/Resize: "
        )

    @pytest.mark.parametrize("last", range(4))
    def test_a_function_publishes_to_a_topic_whose_receiver_writes(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction, last: int
    ) -> None:
        topic, worker = Topic(stack, "Images"), QueueWorker(stack, "Pages", entry=ENTRY)
        said = first_and_last(
            [
                partial(uploads.on_upload, resize, prefix="uploads/"),
                partial(uploads.grant_write, worker, prefix="uploads/"),
                partial(topic.grant_publish, resize),
                partial(topic.subscribe, worker),
            ],
            last=last,
        )
        by_bucket = (
            "Shop/Pages may write uploads/*, which runs Shop/Resize (on uploads/*), which may publish to Shop/Images, "
            f"which may deliver to Shop/Pages: {WITHOUT_END}\n  at:  {AT}\n  fix: {FIX}"
        )
        by_grant = (
            "Shop/Resize may publish to Shop/Images, which may deliver to Shop/Pages, which may write uploads/* of "
            f"Shop/Uploads, which runs Shop/Resize (on uploads/*): {WITHOUT_END}\n"
            f"  at:  Shop/Images (Topic)\n  fix: {FIX_CALL}"
        )
        by_subscription = (
            "Shop/Images may deliver to Shop/Pages, which may write uploads/* of Shop/Uploads, which runs Shop/Resize "
            f"(on uploads/*), which may publish to Shop/Images: {WITHOUT_END}\n"
            f"  at:  Shop/Images (Topic)\n  fix: {FIX_CALL}"
        )
        assert said == (by_bucket, by_bucket, by_grant, by_subscription)[last]

    def test_a_filter_may_keep_a_message_from_going_round(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction
    ) -> None:
        topic, worker = Topic(stack, "Images"), QueueWorker(stack, "Pages", entry=ENTRY)
        uploads.on_upload(resize)
        uploads.grant_write(worker, prefix="pages/")
        topic.grant_publish(resize)
        assert topic.subscribe(worker, filter={"kind": ["page"]}).subscription

    def test_a_function_that_may_call_itself_writes_elsewhere(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction
    ) -> None:
        worker = QueueWorker(stack, "Pages", entry=ENTRY)
        uploads.on_upload(resize, prefix="uploads/")
        uploads.grant_write(resize, prefix="small/")
        worker.grant_send(worker)  # to send a page again is no loop of uploads
        allow_recursion(worker, "a page is sent again three times at most")
        worker.grant_send(resize)
        uploads.grant_write(worker, prefix="pages/")
        assert {resource for _, resource in of_s3(template_of(stack), "PagesFunctionIdentityRole")} == {
            "UploadsBucketC4B27CC7.Arn/pages/*"
        }


class TestByBuckets:
    @pytest.mark.parametrize("last", range(4))
    def test_each_writes_into_the_bucket_of_the_other(
        self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction, last: int
    ) -> None:
        other, stamp = UploadBucket(stack, "Other"), SecureFunction(stack, "Stamp", entry=ENTRY)
        said = first_and_last(
            [
                partial(uploads.on_upload, resize),
                partial(other.grant_write, resize, prefix="out/"),
                partial(other.on_upload, stamp),
                partial(uploads.grant_write, stamp, prefix="stamped/"),
            ],
            last=last,
        )
        assert said.count("which runs") == 2
        assert ("may write stamped/* of Shop/Uploads" in said) is (last in (1, 2))

    def test_one_way_is_no_loop(self, stack: cdk.Stack, uploads: UploadBucket, resize: SecureFunction) -> None:
        other, stamp = UploadBucket(stack, "Other"), SecureFunction(stack, "Stamp", entry=ENTRY)
        uploads.on_upload(resize)
        other.grant_write(resize, prefix="")
        other.on_upload(stamp)
        assert len(resources_of(template_of(stack), "AWS::Events::Rule")) == 2


def test_what_was_said_is_known_though_nobody_holds_the_app() -> None:
    stack = cdk.Stack(cdk.App(context={"aws:cdk:bundling-stacks": []}), "Shop")
    worker, resize = QueueWorker(stack, "Pages", entry=ENTRY), SecureFunction(stack, "Resize", entry=ENTRY)
    worker.grant_send(resize)
    gc.collect()
    uploads = UploadBucket(stack, "Uploads")
    uploads.grant_write(worker, prefix="")
    gc.collect()
    assert "may send to Shop/Pages" in refusal(partial(uploads.on_upload, resize))


def test_two_apps_know_nothing_of_each_other() -> None:
    uploads, functions = [], []
    for _ in range(2):
        stack = cdk.Stack(cdk.App(context={"aws:cdk:bundling-stacks": []}), "Shop")
        uploads.append(UploadBucket(stack, "Uploads"))
        functions.append(SecureFunction(stack, "Resize", entry=ENTRY))
    uploads[0].on_upload(functions[0])
    uploads[1].grant_write(functions[1], prefix="")
    assert len(resources_of(template_of(cdk.Stack.of(uploads[1])), "AWS::Events::Rule")) == 0
