from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructs_lib.assembly.patterns.glob import PatternError
from constructs_lib.assembly.text_set import Extent, TextSet, relation
from constructs_lib.assembly.value import Symbol, Text

ALPHABET = "abc"  # patterns name only a and b, so c is every other character
STRINGS = ["".join(letters) for length in range(5) for letters in itertools.product(ALPHABET, repeat=length)]
ONE, TWO = Symbol("name", "Stack/One"), Symbol("name", "Stack/Two")

Member = Callable[[str], bool]


def globbed(pattern: str, text: str) -> bool:
    """Say the slow and obvious way whether a policy's pattern means this string."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(globbed(pattern[1:], text[skipped:]) for skipped in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and globbed(pattern[1:], text[1:])


def sets(patterns: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[TextSet, Member]]:
    """Sets of all kinds, each with what is in it."""
    words = st.text("ab", max_size=3)
    simple = st.one_of(
        patterns.map(lambda pattern: (TextSet.glob(pattern), lambda text: globbed(pattern, text))),
        words.map(lambda word: (TextSet.prefix(word), lambda text: text[: len(word)] == word)),
        words.map(lambda word: (TextSet.suffix(word), lambda text: text[len(text) - len(word) :] == word)),
        st.sets(words, max_size=3).map(lambda some: (TextSet.exactly(*some), lambda text: text in some)),
        st.just((TextSet.any(), lambda _: True)),
        st.just((TextSet.none(), lambda _: False)),
    )

    def composed(inner: st.SearchStrategy[tuple[TextSet, Member]]) -> st.SearchStrategy[tuple[TextSet, Member]]:
        pairs = st.tuples(inner, inner)
        return st.one_of(
            pairs.map(lambda pair: (pair[0][0] | pair[1][0], lambda text: pair[0][1](text) or pair[1][1](text))),
            pairs.map(lambda pair: (pair[0][0] & pair[1][0], lambda text: pair[0][1](text) and pair[1][1](text))),
            pairs.map(lambda pair: (pair[0][0] - pair[1][0], lambda text: pair[0][1](text) and not pair[1][1](text))),
            inner.map(lambda one: (one[0].complement(), lambda text: not one[1](text))),
        )

    return st.recursive(simple, composed, max_leaves=5)


ANY_SET = sets(st.text("ab*?", max_size=4))


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


class TestAgainstEnumeration:
    @given(ANY_SET)
    @settings(max_examples=400, deadline=None)
    def test_a_set_has_what_its_definition_says(self, described: tuple[TextSet, Member]) -> None:
        texts, is_member = described
        assert [text for text in STRINGS[:40] if text in texts] == [text for text in STRINGS[:40] if is_member(text)]

    @given(ANY_SET)
    @settings(max_examples=600, deadline=None)
    def test_the_witness_is_the_shortest_member_and_only_an_empty_set_has_none(
        self, described: tuple[TextSet, Member]
    ) -> None:
        texts, is_member = described
        witness = texts.witness()
        assert texts.is_empty() == (witness is None)
        shortest = min((len(text) for text in STRINGS if is_member(text)), default=None)
        if shortest is not None:
            assert witness is not None
            assert len(witness) == shortest
        if witness is not None:
            assert is_member(witness)

    @given(ANY_SET, ANY_SET)
    @settings(max_examples=600, deadline=None)
    def test_a_relation_is_what_counting_says(
        self, writes: tuple[TextSet, Member], passes: tuple[TextSet, Member]
    ) -> None:
        found = relation(writes[0], passes[0])
        inside = any(writes[1](text) and passes[1](text) for text in STRINGS)
        outside = any(writes[1](text) and not passes[1](text) for text in STRINGS)
        assert found.is_certain
        # what no short string shows, a longer one may: then the witnesses show it
        if not inside and (witness := (writes[0] & passes[0]).witness()) is not None:
            inside = writes[1](witness) and passes[1](witness)
        if not outside and (witness := (writes[0] - passes[0]).witness()) is not None:
            outside = writes[1](witness) and not passes[1](witness)
        expected = Extent.NONE if not inside else Extent.SOME if outside else Extent.ALL
        assert found.extent is expected
        assert writes[0].overlaps(passes[0]) == inside
        assert writes[0].is_subset(passes[0]) == (not outside)
        if found.witness is not None:
            assert writes[1](found.witness)
            assert passes[1](found.witness)

    @given(st.text("ab*?", min_size=5, max_size=9), st.text("ab*?", min_size=5, max_size=9))
    @settings(max_examples=300, deadline=None)
    def test_longer_patterns_agree_with_their_strings(self, one: str, two: str) -> None:
        common = (TextSet.glob(one) & TextSet.glob(two)).witness()
        if common is None:
            strings = ("".join(each) for each in itertools.product("abc", repeat=6))
            assert not any(globbed(one, text) and globbed(two, text) for text in strings)
        else:
            assert globbed(one, common)
            assert globbed(two, common)


class TestPatterns:
    @pytest.mark.parametrize("text", ["", "a", "uploads/2024/ü.png", "line\nbreak", "[x]", "\\", "\U0001f600"])
    def test_a_star_is_anything_and_nothing_else_is_special(self, text: str) -> None:
        assert text in TextSet.glob("*")
        assert text in TextSet.glob(f"*{text}*")

    def test_a_question_mark_is_exactly_one_character(self) -> None:
        assert "a/b" in TextSet.glob("a?b")
        assert "a\U0001f600b" in TextSet.glob("a?b")
        assert "ab" not in TextSet.glob("a?b")

    def test_a_wildcard_has_escapes_and_no_question_mark(self) -> None:
        assert TextSet.wildcard(r"a\*b\\?*").witness() == r"a*b\?"
        assert "ab" not in TextSet.wildcard("a?")

    @pytest.mark.parametrize("pattern", ["a**", r"a\b", "a\\"])
    def test_raises_when_a_wildcard_is_not_one(self, pattern: str) -> None:
        with pytest.raises(PatternError, match="wildcard"):
            TextSet.wildcard(pattern)

    def test_case_is_ignored_where_that_is_asked_for(self) -> None:
        assert "UPLOADS/x" in TextSet.prefix("uploads/", ignore_case=True)
        assert "x.PnG" in TextSet.suffix(".png", ignore_case=True)
        assert "Png" in TextSet.exactly("pNG", ignore_case=True)
        assert not TextSet.suffix(".png", ignore_case=True).is_subset(TextSet.suffix(".png"))
        assert TextSet.suffix(".png").is_subset(TextSet.suffix(".PNG", ignore_case=True))

    def test_a_letter_that_is_two_in_capitals_is_either(self) -> None:
        street = TextSet.exactly("straße", ignore_case=True)
        assert "STRASSE" in street
        assert "Straße" in street
        assert "strasse" not in street

    def test_raises_when_there_are_too_many_spellings(self) -> None:
        with pytest.raises(PatternError, match="too many ways"):
            TextSet.exactly("ß" * 40, ignore_case=True)

    def test_the_same_choice_twice_is_included(self) -> None:
        assert TextSet.prefix("ab", ignore_case=True).is_subset(TextSet.prefix("A", ignore_case=True))
        assert not TextSet.prefix("A", ignore_case=True).overlaps(TextSet.prefix("b", ignore_case=True))

    def test_a_union_may_cover_what_no_member_does(self) -> None:
        halves = TextSet.prefix("a") | TextSet.prefix("a").complement()
        assert TextSet.any().is_subset(halves)
        by_last = TextSet.suffix("x") | (TextSet.any() - TextSet.suffix("x"))
        assert relation(TextSet.glob("logs/*"), by_last).extent is Extent.ALL

    def test_heads_and_tails_may_share_letters(self) -> None:
        assert (TextSet.prefix("abc") & TextSet.suffix("bcd")).witness() == "abcd"
        assert not TextSet.exactly("aba").overlaps(TextSet.glob("ab*ba"))


class TestWitnesses:
    @pytest.mark.parametrize(
        ("texts", "witness"),
        [
            (TextSet.any(), ""),
            (TextSet.any() - TextSet.exactly(""), "a"),
            (TextSet.prefix("a").complement() & TextSet.glob("?*"), "b"),
            (TextSet.glob("in/*") & TextSet.suffix(".csv") - TextSet.glob("in/.*"), "in/a.csv"),
            (TextSet.exactly("b", "a", "ccc"), "a"),
            (TextSet.none(), None),
        ],
    )
    def test_is_what_a_reader_would_write(self, texts: TextSet, witness: str | None) -> None:
        assert texts.witness() == witness

    def test_a_set_says_what_it_is(self) -> None:
        assert str(TextSet.glob("a/*", "b/?") - TextSet.suffix(".tmp")) == "a/* or b/? and anything but *.tmp"
        assert str(TextSet.exactly(*"abcdefg")) == "a or b or c or d or 3 more"
        assert str(TextSet.none()) == "nothing"
        assert str(TextSet.exactly("")) == "''"

    def test_lists_its_strings_when_it_is_a_list(self) -> None:
        assert TextSet.exactly("a", "b").names() == frozenset("ab")
        assert TextSet.exactly("a").names() == frozenset("a")
        assert TextSet.none().names() == frozenset()
        assert TextSet.prefix("a").names() is None

    def test_a_relation_says_why(self) -> None:
        uploads = TextSet.glob("uploads/*")
        assert relation(TextSet.prefix("thumbs/"), uploads).why == "nothing in thumbs/* is in uploads/*"
        assert relation(TextSet.exactly("uploads/a"), uploads).why == "all of uploads/a is in uploads/*"
        assert relation(TextSet.any(), uploads).why == "some of * is in uploads/*"


class TestSymbols:
    @pytest.mark.parametrize(
        ("writes", "passes", "extent", "is_certain"),
        [
            # the same unknown in the same place is the same string
            (Text.of(ONE, "/in/*"), Text.of(ONE, "/out/*"), Extent.NONE, True),
            (Text.of("*/in/", ONE), Text.of("*/out/", ONE), Extent.NONE, True),
            (Text.of(ONE, "/in/*"), Text.of(ONE, "/*"), Extent.ALL, True),
            (Text.of(ONE, "/*"), Text.of(ONE, "/in/*"), Extent.SOME, True),
            (Text.of("a-", ONE, "-", TWO, "/*"), Text.of("a-", ONE, "-", TWO, "/*"), Extent.ALL, True),
            # two unknowns may be the same string or not
            (Text.of(ONE, "/in/*"), Text.of(TWO, "/in/*"), Extent.SOME, False),
            (Text.of(ONE), Text.of(TWO), Extent.SOME, False),
            # what is known around them may be enough
            (Text.of("a/", ONE), Text.of("b/*"), Extent.NONE, True),
            (Text.of("a/", ONE), Text.of("a/*"), Extent.ALL, True),
            (Text.of("a/", ONE, ".png"), Text.of("*.jpg"), Extent.NONE, True),
            (Text.of("*/", ONE, "/x"), Text.of("*/x"), Extent.ALL, True),
            (Text.of(ONE, "abcdef"), Text.of("abc"), Extent.NONE, True),
            # and what is not known is not guessed
            (Text.of(ONE, "/in/*"), Text.of("uploads/*"), Extent.SOME, False),
            (Text.of(ONE, ONE), Text.of("?"), Extent.SOME, False),
            (Text.of(ONE), Text.of("*"), Extent.ALL, True),
            (Text.of("*"), Text.of(ONE), Extent.SOME, False),
        ],
        ids=str,
    )
    def test_a_relation_holds_for_every_value(
        self, writes: Text, passes: Text, extent: Extent, is_certain: bool
    ) -> None:
        found = relation(TextSet.glob(writes), TextSet.glob(passes))
        assert (found.extent, found.is_certain) == (extent, is_certain)

    def test_several_filters_may_cover_together_whatever_the_symbol_is(self) -> None:
        writes = TextSet.glob(Text.of(ONE, "/*"))
        covering = TextSet.glob(Text.of(ONE, "/a*")) | TextSet.glob(Text.of(ONE, "/*")) - TextSet.glob("nothing")
        assert relation(writes, covering | TextSet.exactly("nothing")).extent is Extent.ALL
        by_end = TextSet.suffix(".png") | TextSet.any() - TextSet.suffix(".png")
        assert relation(writes, by_end).extent is Extent.ALL

    def test_the_witness_is_written_as_a_template_would(self) -> None:
        writes, passes = TextSet.glob(Text.of(ONE, "/*")), TextSet.glob(Text.of(ONE, "/*.png"))
        assert (writes & passes).witness() == "${One}/.png"

    def test_a_denied_unknown_takes_nothing_away(self) -> None:
        writes = TextSet.glob("uploads/*") - TextSet.prefix(Text.of(ONE))
        assert relation(writes, TextSet.prefix("uploads/")).extent is Extent.ALL
        assert relation(writes, TextSet.prefix("uploads/")).is_certain
        assert relation(writes, TextSet.suffix(".png")).extent is Extent.SOME

    def test_nothing_is_proven_of_a_symbol_when_there_is_too_much_to_multiply_out(self) -> None:
        every = TextSet.glob("a*")
        for number in range(15):
            every &= TextSet.glob(f"*{number}a*") | TextSet.glob(f"*{number}b*") | TextSet.glob(f"*{number}c*")
        known, unknown = every - TextSet.suffix("z"), every - TextSet.suffix(Text.of(ONE))
        assert known.has_some()
        assert not unknown.has_some()
        assert not unknown.is_empty()
        assert (every & TextSet.suffix(Text.of(ONE))).has_some()
        assert (unknown & TextSet.prefix("b")).is_empty()

    def test_no_string_is_surely_in_a_set_with_a_symbol(self) -> None:
        assert "a/x" not in TextSet.glob(Text.of(ONE, "/*"))
        assert "a/x" not in TextSet.glob(Text.of(ONE, "/*")).complement()
        assert "ax" in TextSet.glob(Text.of(ONE, "/*")).complement()

    symbolic = st.lists(st.sampled_from(["a", "b", "*", "?", ONE, TWO]), max_size=5)
    values = ["", "a", "b", "ab", "ba", "c"]

    @given(symbolic, symbolic, st.lists(symbolic, max_size=2))
    @settings(max_examples=500, deadline=None)
    def test_no_values_refute_a_proof(
        self, one: list[str | Symbol], two: list[str | Symbol], denied: list[list[str | Symbol]]
    ) -> None:
        def with_values(pattern: list[str | Symbol], first: str, second: str) -> str:
            return "".join(first if each is ONE else second if each is TWO else str(each) for each in pattern)

        writes, passes = TextSet.glob(Text.of(*one)), TextSet.glob(Text.of(*two))
        for each in denied:
            writes -= TextSet.glob(Text.of(*each))
        found = relation(writes, passes)
        for first, second in itertools.product(self.values, repeat=2):
            spelled = [with_values(each, first, second) for each in (one, two, *denied)]
            written = [
                text
                for text in STRINGS
                if globbed(spelled[0], text) and not any(globbed(each, text) for each in spelled[2:])
            ]
            passing = [text for text in written if globbed(spelled[1], text)]
            if found.extent is Extent.NONE:
                assert not passing
            if found.extent is Extent.ALL:
                assert passing == written


class TestBounds:
    """What nobody sensible writes is answered in bounded time, and never with an error."""

    def test_ten_thousand_characters_and_five_hundred_stars(self) -> None:
        one = "*".join("a" * 19 + chr(98 + number % 20) for number in range(500))
        two = "*".join("a" * 18 + chr(98 + number % 20) for number in range(500))
        with at_most(5):
            assert relation(TextSet.glob(f"*{one}*"), TextSet.glob(f"*{two}*")).extent is Extent.ALL
            assert relation(TextSet.glob(f"*{two}*"), TextSet.glob(f"*{one}*")).extent is Extent.SOME
            assert relation(TextSet.glob(f"{one}x"), TextSet.glob(f"{two}y")).extent is Extent.NONE
            assert relation(TextSet.glob(f"*{one}*"), TextSet.glob("*a*b*")).extent is Extent.ALL

    def test_a_question_too_large_to_search_is_not_known(self) -> None:
        # whether the 41st character from the end is an a: an automaton keeps 41 characters in mind
        writes = TextSet.glob("*a" + "?" * 40)
        passes = TextSet.glob("?" * 42).complement()
        with at_most(5):
            found = relation(writes, passes)
        assert found.extent is Extent.SOME
        assert found.why.startswith("it is not known")
        assert not found.is_certain
        assert not writes.is_subset(passes)

    def test_unions_and_intersections_that_would_multiply_out(self) -> None:
        every = TextSet.any()
        for number in range(40):
            every &= TextSet.glob(f"*{number}a*") | TextSet.glob(f"*{number}b*") | TextSet.exactly(f"c{number}")
        with at_most(5):
            assert relation(TextSet.exactly("x"), every).extent is Extent.NONE
            assert relation(TextSet.prefix("x"), every).extent is not Extent.ALL

    def test_what_cannot_be_multiplied_out_is_searched_as_a_whole(self) -> None:
        chosen, denied = TextSet.glob("?*"), TextSet.none()
        for number in range(13):
            chosen &= TextSet.glob(f"*{number}a*") | TextSet.glob("*z*")
            denied |= TextSet.glob(f"*{number}a*")
        with at_most(10):
            assert (chosen - denied).witness() == "z"
            assert (chosen - denied).has_some()
            assert (chosen - denied - TextSet.glob("*z*")).is_empty()
            last = TextSet.suffix(Text.of(ONE))
            assert not (chosen - denied - last).has_some()
            assert not (chosen - denied - last).is_empty()
            assert (chosen - denied - last - TextSet.glob("*z*")).is_empty()

    def test_many_pieces_that_each_take_long(self) -> None:
        keys = TextSet.none()
        for number in range(300):
            keys |= TextSet.glob(f"*a{'?' * 40}{number}")
        others = keys - TextSet.glob("?" * 42)
        with at_most(10):
            assert relation(others, TextSet.glob("?" * 43).complement() - TextSet.glob("?" * 44)).extent is Extent.SOME
            assert others.witness() is not None

    def test_two_symbols_that_are_written_alike(self) -> None:
        here, there = (TextSet.prefix(Text.of(Symbol("name", f"{stack}/Bucket"))) for stack in ("One", "Two"))
        assert (here | there).witness() == "${Bucket}"

    def test_a_thousand_nested_operations(self) -> None:
        texts = TextSet.prefix("a")
        for number in range(1000):
            texts = (texts - TextSet.prefix(f"a{number}/")) | TextSet.exactly(f"b{number}")
        with at_most(20):
            assert "b7" in texts
            assert "a7/x" not in texts
            assert texts.overlaps(TextSet.exactly("a"))
            assert "..." in str(texts)

    def test_a_thousand_names_against_a_thousand_patterns(self) -> None:
        names = TextSet.exactly(*(f"name-{number}" for number in range(1000)))
        patterns = TextSet.glob(*(f"*-{number}" for number in range(0, 2000, 2)))
        with at_most(5):
            assert relation(names, patterns).extent is Extent.SOME
            assert relation(names, patterns | TextSet.glob("*1", "*3", "*5", "*7", "*9")).extent is Extent.ALL

    def test_a_simple_relation_takes_microseconds(self) -> None:
        writes, passes = TextSet.glob("thumbs/*"), TextSet.glob("uploads/*.png")
        best = min(self.seconds_for_a_thousand(writes, passes) for _ in range(5))
        assert best / 1000 < 200e-6  # about 12 µs when the machine has nothing else to do

    @staticmethod
    def seconds_for_a_thousand(writes: TextSet, passes: TextSet) -> float:
        started = time.process_time()
        for _ in range(1000):
            relation(writes, passes)
        return time.process_time() - started
