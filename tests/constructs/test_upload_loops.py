from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import QueueWorker, SecureFunction, UploadBucket, Waived
from constructs_lib.wiring.object_keys import ObjectKeys
from tests.constructs.uploads import BUCKET, ENTRY, Archive, of_s3, refusal
from tests.templates import resources_of, template_of

FIX = 'write to another prefix or bucket, tell the two apart by suffix, or say why it ends: loop_guard=Waived("...")'


class TestLoops:
    """A function must not run on what it writes."""

    @pytest.mark.parametrize(
        ("run_on", "write"),
        [
            ({"prefix": "uploads/"}, {"prefix": "uploads/"}),
            ({"prefix": "uploads/"}, {"prefix": "uploads/small/"}),
            ({"prefix": "uploads/"}, {"prefix": "up"}),
            ({"prefix": "uploads/"}, {"prefix": ""}),
            ({}, {"prefix": "thumbnails/"}),
            ({"suffix": ".png"}, {"prefix": "thumbnails/"}),
            ({"prefix": "uploads/", "suffix": ".png"}, {"prefix": "uploads/small/", "suffix": "-small.png"}),
            ({"suffix": "-small.png"}, {"prefix": "thumbnails/", "suffix": ".png"}),
        ],
    )
    def test_refused_whichever_is_said_first(
        self,
        stack: cdk.Stack,
        run_on: dict[str, Any],
        write: dict[str, Any],
    ) -> None:
        said = []
        for name in ("One", "Other"):
            uploads = UploadBucket(stack, f"{name}Uploads")
            function = SecureFunction(stack, name, entry=ENTRY)
            steps: list[Callable[[], object]] = [
                partial(uploads.on_upload, function, **run_on),
                partial(uploads.grant_write, function, **write),
            ]
            if name == "Other":
                steps.reverse()
            steps[0]()
            said.append(refusal(steps[1]).replace(name, "F"))
        writes, runs = ObjectKeys(**write), ObjectKeys(**run_on)
        assert said[0] == said[1]
        assert said[0] == (
            f"Shop/F may write {writes}, which runs Shop/F (on {runs}): each upload could start the next one, without "
            f"end\n  at:  Shop/FUploads (UploadBucket)\n  fix: {FIX}"
        )

    @pytest.mark.parametrize(
        ("run_on", "write"),
        [
            ({"prefix": "uploads/"}, {"prefix": "thumbnails/"}),
            ({"prefix": "uploads/"}, {"prefix": "uploads-small/"}),
            ({"prefix": "uploads/", "suffix": ".png"}, {"prefix": "uploads/", "suffix": ".webp"}),
            ({"suffix": ".png"}, {"prefix": "", "suffix": ".webp"}),
        ],
    )
    def test_what_cannot_meet_is_granted_whichever_is_said_first(
        self, stack: cdk.Stack, uploads: UploadBucket, run_on: dict[str, Any], write: dict[str, Any]
    ) -> None:
        one, other = (SecureFunction(stack, name, entry=ENTRY) for name in ("One", "Other"))
        uploads.on_upload(one, **run_on)
        uploads.grant_write(one, **write)
        elsewhere = UploadBucket(stack, "Elsewhere")
        elsewhere.grant_write(other, **write)
        elsewhere.on_upload(other, **run_on)
        template = template_of(stack)
        for role in ("OneIdentityRole", "OtherIdentityRole"):
            assert {action for action, _ in of_s3(template, role)} == {"s3:PutObject"}

    def test_keys_meet_exactly_when_there_is_a_key_that_is_both(self) -> None:
        words = ["".join(letters) for length in range(5) for letters in product("ab", repeat=length)]
        short = [word for word in words if len(word) <= 2]
        matched = {
            ObjectKeys(prefix, suffix): {
                key
                for key in words
                if key.startswith(prefix) and key.endswith(suffix) and len(key) >= len(prefix) + len(suffix)
            }
            for prefix, suffix in product(short, repeat=2)
        }
        for (one, keys), (other, others) in product(matched.items(), repeat=2):
            assert one.meets(other) is bool(keys & others), (one, other)

    def test_a_worker_and_a_workflow_run_as_somebody_too(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        worker, archive = QueueWorker(stack, "Copies", entry=ENTRY), Archive(stack, "Archive")
        for runs in (worker, archive):
            uploads.on_upload(runs, prefix="uploads/")
        uploads.grant_write(worker, prefix="copies/")
        for writes, runs_as in ((worker, "Copies"), (worker.function, "Copies"), (archive.state_machine, "Archive")):
            assert f"which runs Shop/{runs_as} (on uploads/*)" in refusal(
                partial(uploads.grant_write, writes, prefix="uploads/")
            )

    def test_the_l2_of_a_function_is_the_same_function(self, uploads: UploadBucket, thumbnail: SecureFunction) -> None:
        uploads.on_upload(thumbnail, prefix="uploads/")
        assert refusal(lambda: uploads.grant_write(thumbnail.function, prefix="uploads/")).startswith(
            "Shop/Thumbnail/Function may write uploads/*, which runs Shop/Thumbnail (on uploads/*)"
        )

    def test_the_role_of_a_function_is_the_same_function(
        self, uploads: UploadBucket, thumbnail: SecureFunction
    ) -> None:
        uploads.on_upload(thumbnail, prefix="uploads/")
        for role in (thumbnail.identity, thumbnail.identity.role):
            assert "which runs Shop/Thumbnail (on uploads/*)" in refusal(
                partial(uploads.grant_write, role, prefix="uploads/")
            )

    @pytest.mark.parametrize("last", range(6))
    def test_a_loop_by_way_of_others_is_refused_whatever_closes_it(
        self, stack: cdk.Stack, uploads: UploadBucket, last: int
    ) -> None:
        functions = [SecureFunction(stack, name, entry=ENTRY) for name in ("Resize", "Stamp", "Pack")]
        places = ["raw/", "resized/", "stamped/"]
        steps: list[Callable[[], object]] = []
        for at, function in enumerate(functions):
            steps.append(partial(uploads.on_upload, function, prefix=places[at]))
            steps.append(partial(uploads.grant_write, function, prefix=places[(at + 1) % 3]))
        closing = steps.pop(last)
        for step in steps:
            step()
        said = refusal(closing)
        for name, place in zip(("Resize", "Stamp", "Pack"), places, strict=True):
            assert f"which runs Shop/{name} (on {place}*)" in said
        assert said.count("which runs") == 3

    def test_a_function_whose_output_runs_another_is_no_loop(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        first, second = (SecureFunction(stack, name, entry=ENTRY) for name in ("First", "Second"))
        uploads.on_upload(first, prefix="raw/")
        uploads.grant_write(first, prefix="resized/")
        uploads.on_upload(second, prefix="resized/")
        uploads.grant_write(second, prefix="done/")
        assert of_s3(template_of(stack), "SecondIdentityRole") == {("s3:PutObject", f"{BUCKET}.Arn/done/*")}

    def test_another_bucket_is_no_loop(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction
    ) -> None:
        uploads.on_upload(thumbnail)
        UploadBucket(stack, "Thumbnails").grant_write(thumbnail, prefix="")
        [(_, resource)] = of_s3(template_of(stack), "ThumbnailIdentityRole")
        assert resource.startswith("ThumbnailsBucket")

    @pytest.mark.parametrize("waived", ["on_upload", "grant_write"])
    def test_a_reason_lets_it_through_and_stays_in_the_template(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction, waived: str
    ) -> None:
        reason = Waived("halves the image until it is small")
        uploads.on_upload(thumbnail, prefix="a/", loop_guard=reason if waived == "on_upload" else True)
        uploads.grant_write(thumbnail, prefix="a/", loop_guard=reason if waived == "grant_write" else True)
        bucket = resources_of(template_of(stack), "AWS::S3::Bucket")[BUCKET]
        what = "runs on" if waived == "on_upload" else "writes"
        assert bucket["Metadata"]["constructs-lib:waived"] == {f"loop_guard: Shop/Thumbnail {what} a/*": reason.reason}

    def test_what_is_waived_is_waived_for_these_keys_only(
        self, uploads: UploadBucket, thumbnail: SecureFunction
    ) -> None:
        uploads.on_upload(thumbnail, prefix="uploads/")
        uploads.grant_write(thumbnail, prefix="uploads/a/", loop_guard=Waived("ends"))
        assert "may write uploads/b/*" in refusal(lambda: uploads.grant_write(thumbnail, prefix="uploads/b/"))
