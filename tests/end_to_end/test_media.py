"""The media app from outside: put an object, and look at what appears."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from botocore.exceptions import ClientError

from constructs_lib.local import LocalAws
from tests.end_to_end.pictures import png, webp_size

Seen = TypeVar("Seen")
SAFE = re.compile(r"thumbnails/([a-z0-9]+-)*[0-9a-f]{32}\.webp")

HOSTILE_NAMES = [
    "my holiday photo.png",
    " photo .png",
    "1+1.png",
    "1 1.png",
    "100%.png",
    "1%2B1.png",
    "%2e%2e%2fphoto.png",
    "été à la plage.png",
    "e\u0301te\u0301.png",
    "фото.png",
    "😀.png",
    "a=b&c=d#e?f.png",
    "wild*card?.png",
    "${aws:username}$(reboot)`id`.png",
    "\"'><script>alert(1)</script>.png",
    "back\\..\\slash.png",
    "https://example.com/photo.png",
    "../../secrets/photo.png",
    "a/../../photo.png",
    ".png",
    "__proto__",
    "a" * 900 + ".png",
]


@dataclass
class Media:
    """The app's bucket, tables and dead letters."""

    aws: LocalAws

    def __post_init__(self) -> None:
        self.s3 = self.aws.client("s3")
        self.dynamodb = self.aws.client("dynamodb")
        self.sqs = self.aws.client("sqs")
        self.bucket = self.aws.outputs["Media"]["Bucket"]
        tables = self.dynamodb.list_tables()["TableNames"]
        [self.images] = [name for name in tables if name.startswith("Media-Images")]
        [self.search] = [name for name in tables if name.startswith("Media-Search")]
        [self.dead_letters] = [
            url for url in self.sqs.list_queues()["QueueUrls"] if "Media-ThumbnailFailedEvents" in url
        ]

    def put(self, key: str, content: bytes) -> str:
        """Upload something; return its ETag."""
        return str(self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)["ETag"].strip('"'))

    def image(self, key: str) -> dict[str, Any] | None:
        """What the table knows of an image, without the types."""
        item = self.dynamodb.get_item(TableName=self.images, Key={"key": {"S": key}}, ConsistentRead=True).get("Item")
        return None if item is None else {name: next(iter(value.values())) for name, value in item.items()}

    def found_by(self, word: str) -> dict[str, str]:
        """The keys of the images a word finds, with their thumbnails."""
        found = self.dynamodb.query(
            TableName=self.search,
            KeyConditionExpression="word = :word",
            ExpressionAttributeValues={":word": {"S": word}},
            ConsistentRead=True,
        )["Items"]
        return {item["key"]["S"]: item["thumbnail"]["S"] for item in found}

    def objects(self, prefix: str) -> set[str]:
        return {
            each["Key"]
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for each in page.get("Contents", [])
        }

    def thumbnail(self, key: str) -> bytes:
        image = self.image(key)
        assert image is not None
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=image["thumbnail"])["Body"].read())

    def dead(self) -> list[dict[str, Any]]:
        """Take what is in the dead letters now."""
        taken = []
        for message in self.sqs.receive_message(QueueUrl=self.dead_letters, MaxNumberOfMessages=10).get("Messages", []):
            self.sqs.delete_message(QueueUrl=self.dead_letters, ReceiptHandle=message["ReceiptHandle"])
            taken.append(json.loads(message["Body"]))
        return taken


@pytest.fixture(scope="module")
def media(local: LocalAws) -> Media:
    return Media(local)


@pytest.fixture(scope="module")
def key(media: Media) -> str:
    """The key of an image that has been handled."""
    name = f"w{uuid.uuid4().hex}"
    media.put(f"uploads/{name}.png", png(8, 8))
    return next(iter(eventually(lambda: media.found_by(name))))


@pytest.fixture
def word() -> str:
    """A word that no other test's image has."""
    return f"w{uuid.uuid4().hex}"


def eventually(look: Callable[[], Seen], is_right: Callable[[Seen], object] = bool, *, within: float = 90) -> Seen:
    """What there is to see, as soon as it is right."""
    end = time.monotonic() + within
    while not is_right(seen := look()):
        assert time.monotonic() < end, f"after {within:g} s it is {seen!r}"
        time.sleep(0.1)
    return seen


class TestUpload:
    def test_gets_a_thumbnail_metadata_and_search_entries(self, media: Media, word: str) -> None:
        key = f"uploads/2026/Black {word}.png"
        etag = media.put(key, png(640, 320))
        found = eventually(lambda: media.found_by(word))
        image = media.image(key)
        assert image is not None
        assert found == {key: image["thumbnail"]}
        assert SAFE.fullmatch(image["thumbnail"])
        assert {name: image[name] for name in ("etag", "format", "width", "height")} == {
            "etag": etag,
            "format": "png",
            "width": "640",
            "height": "320",
        }
        made = media.s3.get_object(Bucket=media.bucket, Key=image["thumbnail"])
        assert made["ContentType"] == "image/webp"
        assert webp_size(made["Body"].read()) == (256, 128)
        assert key in media.found_by("black")
        assert key in media.found_by("2026")

    def test_of_another_image_under_the_same_key_takes_its_place(self, media: Media, word: str) -> None:
        key = f"uploads/{word}.png"
        media.put(key, png(300, 300))
        first = eventually(lambda: media.found_by(word))
        media.put(key, png(100, 50))
        second = eventually(lambda: media.found_by(word), lambda found: found != first)
        image = media.image(key)
        assert image is not None
        assert (image["width"], image["height"], second) == ("100", "50", {key: image["thumbnail"]})
        assert webp_size(media.thumbnail(key)) == (100, 50)

    def test_that_is_forgotten_is_not_found_any_more(self, media: Media, word: str) -> None:
        key = f"uploads/{word}.png"
        media.put(key, png(8, 8))
        eventually(lambda: media.found_by(word))
        media.dynamodb.delete_item(TableName=media.images, Key={"key": {"S": key}})
        eventually(lambda: media.found_by(word), lambda found: not found)

    def test_elsewhere_in_the_bucket_is_nobodys_business(self, media: Media, word: str) -> None:
        media.put(f"archive/{word}.png", png(8, 8))
        media.put(f"uploads-{word}.png", png(8, 8))
        media.put(f"uploads/{word}.png", png(8, 8))  # what comes after them is handled
        assert list(eventually(lambda: media.found_by(word))) == [f"uploads/{word}.png"]
        assert media.image(f"archive/{word}.png") is None
        assert media.image(f"uploads-{word}.png") is None


class TestHostileKeys:
    def test_arrive_as_they_are_and_lead_nowhere_else(self, media: Media, word: str) -> None:
        others = {key for key in media.objects("") if not key.startswith(("uploads/", "thumbnails/"))}
        keys = [f"uploads/{word}/{name}" for name in HOSTILE_NAMES]
        for key in keys:
            media.put(key, png(8, 8))
        assert media.objects(f"uploads/{word}/") == set(keys)

        thumbnails = eventually(lambda: media.found_by(word), lambda found: len(found) == len(keys))
        assert sorted(thumbnails) == sorted(keys)
        assert all(SAFE.fullmatch(thumbnail) for thumbnail in thumbnails.values())
        assert len(set(thumbnails.values())) == len(keys)
        assert set(thumbnails.values()) <= media.objects("thumbnails/")
        assert {key for key in media.objects("") if not key.startswith(("uploads/", "thumbnails/"))} == others


class TestFailures:
    def test_what_is_no_image_ends_in_the_dead_letters_and_holds_nobody_up(self, media: Media, word: str) -> None:
        bad, good = f"uploads/bad {word}.png", [f"uploads/{word} {number}.png" for number in range(3)]
        before = media.objects("thumbnails/")
        media.put(bad, b"not an image")
        for key in good:
            media.put(key, png(8, 8))
        found = eventually(lambda: media.found_by(word), lambda found: len(found) == len(good))
        assert sorted(found) == good

        def about_the_bad() -> dict[str, Any] | None:
            return next(
                (each for each in media.dead() if each["requestPayload"]["detail"]["object"]["key"] == bad), None
            )

        letter = eventually(about_the_bad)
        assert letter is not None
        assert letter["requestContext"]["condition"] == "RetriesExhausted"
        assert letter["requestContext"]["approximateInvokeCount"] == 3
        assert letter["responsePayload"]["errorType"] == "NotAnImage"
        assert media.image(bad) is None
        assert media.objects("thumbnails/") - before == set(found.values())

    def test_an_event_that_comes_again_has_the_effect_of_once(self, media: Media, word: str) -> None:
        key = f"uploads/{word}.png"
        etag = media.put(key, png(64, 64))
        found = eventually(lambda: media.found_by(word))
        image, thumbnails = media.image(key), media.objects("thumbnails/")
        assert image is not None
        again = {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "time": "2026-11-01T08:00:00Z",  # another, to see it would be written
            "detail": {
                "bucket": {"name": media.bucket},
                "object": {"key": key, "size": 1, "etag": etag, "sequencer": image["sequencer"]},
            },
        }
        [function] = [arn for arn, path in media.aws.function_paths().items() if path == "Media/Thumbnail"]
        for _ in range(3):
            answer = media.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(again))
            assert (answer["StatusCode"], answer.get("FunctionError")) == (200, None)
        assert (media.image(key), media.objects("thumbnails/"), media.found_by(word)) == (image, thumbnails, found)


class TestLeastPrivilege:
    def test_the_thumbnails_read_uploads_and_write_thumbnails_and_nothing_else(self, media: Media, key: str) -> None:
        image = media.image(key)
        assert image is not None
        s3 = media.aws.client_of("Media/Thumbnail", "s3")
        calls: dict[str, Callable[[], Any]] = {
            "read an upload": lambda: s3.get_object(Bucket=media.bucket, Key=key),
            "read a thumbnail": lambda: s3.get_object(Bucket=media.bucket, Key=image["thumbnail"]),
            "read elsewhere": lambda: s3.get_object(Bucket=media.bucket, Key="elsewhere.png"),
            "write an upload": lambda: s3.put_object(Bucket=media.bucket, Key=f"{key}2", Body=b""),
            "write a thumbnail": lambda: s3.put_object(Bucket=media.bucket, Key="thumbnails/probe.webp", Body=b""),
            "write elsewhere": lambda: s3.put_object(Bucket=media.bucket, Key="thumbnails", Body=b""),
            "list": lambda: s3.list_objects_v2(Bucket=media.bucket, Prefix="uploads/"),
            "delete": lambda: s3.delete_object(Bucket=media.bucket, Key=key),
            "list buckets": s3.list_buckets,
        }
        assert allowed(calls) == {"read an upload", "write a thumbnail"}
        dynamodb = media.aws.client_of("Media/Thumbnail", "dynamodb")
        probe = {"key": {"S": f"probe-{uuid.uuid4()}"}}
        calls = {
            "put": lambda: dynamodb.put_item(TableName=media.images, Item=probe),
            "get": lambda: dynamodb.get_item(TableName=media.images, Key=probe),
            "delete": lambda: dynamodb.delete_item(TableName=media.images, Key=probe),
            "search": lambda: dynamodb.scan(TableName=media.search),
        }
        assert allowed(calls) == {"put"}
        media.dynamodb.delete_item(TableName=media.images, Key=probe)

    def test_the_index_writes_entries_and_sees_no_image(self, media: Media, key: str) -> None:
        s3 = media.aws.client_of("Media/Index/Function", "s3")
        dynamodb = media.aws.client_of("Media/Index/Function", "dynamodb")
        entry = {"word": {"S": f"probe-{uuid.uuid4()}"}, "key": {"S": "probe"}}
        calls: dict[str, Callable[[], Any]] = {
            "read an upload": lambda: s3.get_object(Bucket=media.bucket, Key=key),
            "put": lambda: dynamodb.put_item(TableName=media.search, Item=entry),
            "delete": lambda: dynamodb.delete_item(TableName=media.search, Key=entry),
            "search": lambda: dynamodb.scan(TableName=media.search),
            "images": lambda: dynamodb.scan(TableName=media.images),
        }
        assert allowed(calls) == {"put", "delete"}


def allowed(calls: dict[str, Callable[[], Any]]) -> set[str]:
    """Which of these calls IAM lets through."""
    through = set()
    for name, call in calls.items():
        try:
            call()
            through.add(name)
        except ClientError as error:
            assert error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}, name  # noqa: PT017 - either outcome is looked at
    return through
