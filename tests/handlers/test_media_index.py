from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from lambda_src.media.words import words_of
from tests.handlers.fake_dynamodb import FakeDynamoDb, Refusal
from tests.runtime.batches import Context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_MAX_ATTEMPTS": "1",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "SEARCH_TABLE": "search",
}
THUMBNAIL = "thumbnails/cat-0.webp"


@dataclass
class FakeSearch(FakeDynamoDb):
    """Keeps entries by word and key; refuses those of one word, where told."""

    entries: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    poison: str = ""

    def answer(self, action: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert sent["TableName"] == "search"
        item = sent["Item"] if action == "PutItem" else sent["Key"]
        place = (item["word"]["S"], item["key"]["S"])
        self.refusal = Refusal("InternalServerError", 400, "no") if place[0] == self.poison else None
        if self.refusal is not None:
            return super().answer(action, sent)
        if action == "PutItem":
            self.entries[place] = item
        else:
            assert action == "DeleteItem"
            self.entries.pop(place, None)
        return 200, {}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeSearch]:
    fake = FakeSearch()
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def index_image(server: FakeSearch) -> Iterator[ModuleType]:
    """Load the handler as Lambda does: once, with its environment in place."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": server.url}.items():
            patch.setenv(name, value)
        module = importlib.import_module("lambda_src.media.index_image")
        # Connects now: the thread with which the fake serves a connection would pass for one the handler left behind.
        module.dynamodb.delete_item(TableName="search", Key={"word": {"S": "-"}, "key": {"S": "-"}})
        yield module
        module.dynamodb.close()


@pytest.fixture
def search(server: FakeSearch) -> FakeSearch:
    server.reset()
    server.entries.clear()
    server.poison = ""
    return server


def change(key: str, *, number: str = "1", kind: str = "INSERT", thumbnail: str = THUMBNAIL) -> dict[str, Any]:
    image = {"key": {"S": key}, "thumbnail": {"S": thumbnail}, "bytes": {"N": "7"}}
    return {
        "eventID": f"event-{number}",
        "eventName": kind,
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/images/stream/2026",
        "dynamodb": {
            "SequenceNumber": number,
            "Keys": {"key": image["key"]},
            **({} if kind == "REMOVE" else {"NewImage": image}),
        },
    }


def handle(index_image: ModuleType, *changes: dict[str, Any]) -> list[str]:
    """Hand over one batch; return the records that come back."""
    answer = index_image.handler({"Records": list(changes)}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


class TestIndex:
    def test_an_image_is_found_by_each_of_its_words(self, index_image: ModuleType, search: FakeSearch) -> None:
        key = "uploads/Black cat.png"
        assert handle(index_image, change(key)) == []
        assert search.entries == {
            (word, key): {"word": {"S": word}, "key": {"S": key}, "thumbnail": {"S": THUMBNAIL}}
            for word in ("black", "cat")
        }

    def test_a_change_delivered_twice_has_the_effect_of_once(self, index_image: ModuleType, search: FakeSearch) -> None:
        assert handle(index_image, change("uploads/cat.png")) == []
        once = dict(search.entries)
        assert handle(index_image, change("uploads/cat.png")) == []
        assert search.entries == once

    def test_a_new_thumbnail_takes_the_place_of_the_old(self, index_image: ModuleType, search: FakeSearch) -> None:
        assert handle(index_image, change("uploads/cat.png")) == []
        newer = change("uploads/cat.png", kind="MODIFY", thumbnail="thumbnails/cat-1.webp")
        assert handle(index_image, newer) == []
        [entry] = search.entries.values()
        assert entry["thumbnail"] == {"S": "thumbnails/cat-1.webp"}

    def test_an_image_that_is_removed_is_not_found_any_more_and_others_are(
        self, index_image: ModuleType, search: FakeSearch
    ) -> None:
        both = change("uploads/black cat.png"), change("uploads/white cat.png", number="2")
        assert handle(index_image, *both) == []
        assert handle(index_image, change("uploads/black cat.png", kind="REMOVE")) == []
        assert sorted(search.entries) == [("cat", "uploads/white cat.png"), ("white", "uploads/white cat.png")]

    def test_a_batch_goes_on_from_the_change_that_failed(self, index_image: ModuleType, search: FakeSearch) -> None:
        search.poison = "dog"
        changes = [change(f"uploads/{name}.png", number=str(at)) for at, name in enumerate(("cat", "dog", "emu"))]
        assert handle(index_image, *changes) == ["1", "2"]
        assert [word for word, _ in search.entries] == ["cat"]


class TestWords:
    @pytest.mark.parametrize(
        ("key", "words"),
        [
            ("uploads/Black cat.png", ["black", "cat"]),
            ("uploads/2026/holiday/IMG_0042.JPEG", ["2026", "holiday", "img", "0042"]),
            ("uploads/cat, cat & CAT.png", ["cat"]),
            ("uploads/1+1=2.png", ["1", "2"]),
            ("uploads/Straße.png", ["strasse"]),
            ("uploads/Été.png", ["été"]),
            ("uploads/E\u0301te\u0301.png", ["été"]),
            ("uploads/ﬁsh.png", ["fish"]),
            ("uploads/фото кошки.png", ["фото", "кошки"]),
            ("uploads/猫.png", ["猫"]),
            ("uploads/../secrets/cat.png", ["secrets", "cat"]),
            ("uploads/archive.tar.gz", ["archive", "tar"]),
            ("uploads/v1.2/cat", ["v1", "2", "cat"]),
            ("uploads/.hidden", []),
            ("uploads/😀.png", []),
            ("uploads/__proto__", ["proto"]),
            ("cat.png", ["cat"]),
            ("", []),
        ],
    )
    def test_are_those_a_reader_sees_folded_each_once(self, key: str, words: list[str]) -> None:
        assert words_of(key) == words

    def test_are_fifty_at_most(self) -> None:
        assert words_of(f"uploads/{' '.join(map(str, range(200)))}.png") == [str(number) for number in range(50)]
