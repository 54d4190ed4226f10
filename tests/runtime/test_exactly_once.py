"""The benchmark's model, through fifty seeds in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.exactly_once.__main__ import LANGUAGES, functions_in, verdicts
from benchmarks.exactly_once.queue_model import Functions
from benchmarks.exactly_once.story import story_of

SEEDS = range(50)


@pytest.fixture(scope="module", params=LANGUAGES)
def functions(request: pytest.FixtureRequest) -> Iterator[Functions]:
    with functions_in(request.param) as started:
        yield started


@pytest.mark.parametrize("variant", ["key", "commit"])
def test_every_good_message_has_one_effect_and_exactly_the_poison_is_dead(functions: Functions, variant: str) -> None:
    found = verdicts(functions, variant, SEEDS)
    assert [seed for seed, each in zip(SEEDS, found, strict=True) if not each.effects_are_exact] == []
    assert [seed for seed, each in zip(SEEDS, found, strict=True) if not each.dead_letters_are_exact] == []


@pytest.mark.parametrize("variant", ["plain", "batch", "stock"])
def test_without_the_wrapper_effects_are_doubled_and_good_messages_die(functions: Functions, variant: str) -> None:
    found = verdicts(functions, variant, SEEDS)
    assert sum(each.doubled for each in found) > 100
    assert sum(each.good_in_dlq for each in found) > 20


def test_an_effect_beside_the_record_of_it_may_be_doubled_but_is_never_lost(functions: Functions) -> None:
    found = verdicts(functions, "beside", SEEDS)
    assert sum(each.doubled for each in found) > 100
    assert sum(each.lost + each.good_in_dlq + each.poison_missing for each in found) == 0


def test_a_seed_tells_the_same_story_and_ends_the_same_way_each_time(functions: Functions) -> None:
    assert story_of(7) == story_of(7)
    assert story_of(7) != story_of(8)
    assert verdicts(functions, "stock", range(7, 12)) == verdicts(functions, "stock", range(7, 12))
