"""Relations of patterns and payloads against counting: every event of a small payload, one by one."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.services import eventbridge  # type: ignore[import-untyped] # it has no types

from constructs_lib.assembly.event_pattern import Extent, Field, Payload, match, match_any

NOTHING = object()  # stands where a field is absent
SCALARS: list[Any] = ["", "a", "b", "ab", "ba", 0, 5, 5.5, True, None]
PLAIN_SCALARS = [each for each in SCALARS if each is not None and not isinstance(each, bool)]
FIELDS = [("x",), ("d", "y"), ("d", "z")]


def scalar_passes(item: Any, value: Any) -> bool:
    """Say the obvious way whether one value of a pattern is met by one of an event."""
    if not isinstance(item, dict):
        return isinstance(item, bool) == isinstance(value, bool) and bool(item == value)
    ((name, operand),) = item.items()
    if name == "anything-but":
        inner = (
            [{key: each} for key, some in operand.items() for each in some] if isinstance(operand, dict) else operand
        )
        return not any(scalar_passes(each, value) for each in inner)
    if name == "numeric":
        signs = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__", "=": "__eq__"}
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and all(
            getattr(float(value), signs[sign])(float(bound))
            for sign, bound in zip(operand[::2], operand[1::2], strict=True)
        )
    if name == "cidr":
        return isinstance(value, str) and "." in value and ipaddress.ip_address(value) in ipaddress.ip_network(operand)
    if not isinstance(value, str):
        return False
    if isinstance(operand, dict):
        return scalar_passes({name: operand["equals-ignore-case"].lower()}, value.lower())
    if name == "wildcard":
        start, *rest = operand.split("*")
        return (
            value == start
            if not rest
            else value.startswith(start)
            and any(
                scalar_passes({"wildcard": "*".join(rest)}, value[cut:]) for cut in range(len(start), len(value) + 1)
            )
        )
    answers: dict[str, bool] = {
        "prefix": value[: len(operand)] == operand,
        "suffix": value[max(0, len(value) - len(operand)) :] == operand,
        "equals-ignore-case": value.lower() == operand.lower(),
    }
    return answers[name]


def event_passes(pattern: dict[str, Any], event: Any) -> bool:
    """Say the obvious way whether an event passes a pattern in which no field stands twice."""
    for key, asked in pattern.items():
        if key == "$or":
            if not any(event_passes(each, event) for each in asked):
                return False
            continue
        inner = event.get(key) if isinstance(event, dict) else None
        if isinstance(asked, dict):
            if not event_passes(asked, inner):
                return False
            continue
        is_there = isinstance(event, dict) and key in event and not isinstance(inner, dict)
        values = [] if not is_there else inner if isinstance(inner, list) else [inner]
        exists = [item["exists"] for item in asked if isinstance(item, dict) and "exists" in item]
        others = [item for item in asked if not (isinstance(item, dict) and "exists" in item)]
        if bool(values) not in exists and not any(scalar_passes(item, value) for item in others for value in values):
            return False
    return True


def items() -> st.SearchStrategy[Any]:
    words = st.sampled_from(["a", "b", "ab", "ba", "A"])
    bounds = st.sampled_from([0, 2, 5, 5.5])
    return st.one_of(
        st.sampled_from(SCALARS),
        st.sampled_from(SCALARS),
        st.builds(lambda name, word: {name: word}, st.sampled_from(["prefix", "suffix", "equals-ignore-case"]), words),
        st.builds(
            lambda name, word: {name: {"equals-ignore-case": word}}, st.sampled_from(["prefix", "suffix"]), words
        ),
        st.sampled_from(["*", "a*", "*b", "a*a", "*a*b*", "a"]).map(lambda text: {"wildcard": text}),
        st.lists(words, min_size=1, max_size=2).map(lambda some: {"anything-but": some}),
        st.lists(bounds, min_size=1, max_size=2).map(lambda some: {"anything-but": some}),
        st.builds(
            lambda name, some: {"anything-but": {name: some}},
            st.sampled_from(["prefix", "suffix", "equals-ignore-case", "wildcard"]),
            st.lists(words, min_size=1, max_size=2),
        ),
        st.builds(lambda sign, bound: {"numeric": [sign, bound]}, st.sampled_from(["<", "<=", ">", ">=", "="]), bounds),
        st.builds(lambda low, more: {"numeric": [">", low, "<=", low + more]}, bounds, st.sampled_from([1, 3])),
        st.booleans().map(lambda wanted: {"exists": wanted}),
    )


def leaves() -> st.SearchStrategy[list[Any]]:
    return st.lists(items(), min_size=1, max_size=3)


def patterns() -> st.SearchStrategy[dict[str, Any]]:
    """Patterns over the fields x, d.y and d.z, with no field twice in one alternative."""
    below = st.one_of(
        st.fixed_dictionaries({"y": leaves()}),
        st.fixed_dictionaries({"y": leaves(), "z": leaves()}),
        st.tuples(leaves(), leaves()).map(lambda pair: {"$or": [{"y": pair[0]}, {"z": pair[1]}]}),
        st.tuples(leaves(), leaves(), leaves()).map(
            lambda three: {"$or": [{"y": three[0], "z": three[1]}, {"y": three[2]}]}
        ),
    )
    return st.one_of(
        st.fixed_dictionaries({"x": leaves()}),
        st.fixed_dictionaries({"x": leaves(), "d": below}),
        st.fixed_dictionaries({"d": below}),
        st.tuples(leaves(), below).map(lambda pair: {"$or": [{"x": pair[0]}, {"d": pair[1]}]}),
    )


Described = tuple[list[Any], bool, bool]


def descriptions(scalars: list[Any]) -> st.SearchStrategy[dict[tuple[str, ...], Described]]:
    """For each field some values, whether it may be absent, and whether it is a list of any of them."""
    values = st.lists(st.sampled_from(scalars), min_size=1, max_size=3, unique_by=repr)
    one = st.tuples(values, st.booleans(), st.booleans())
    return st.fixed_dictionaries(dict.fromkeys(FIELDS, one))


def payload_of(described: dict[tuple[str, ...], Described]) -> Payload:
    fields = {}
    for path, (values, absent, is_list) in described.items():
        found = Field.list_of(values) if is_list else Field.of(values)
        fields[path] = found.or_absent if absent else found
    return Payload(fields)


def events_of(described: dict[tuple[str, ...], Described]) -> Iterator[dict[str, Any]]:
    choices = []
    for values, absent, is_list in described.values():
        options: list[Any] = list(values)
        if is_list:
            options += [list(pair) for size in (1, 2, 3) for pair in itertools.combinations(values, size)]
        choices.append([*options, *([NOTHING] if absent or is_list else [])])
    for chosen in itertools.product(*choices):
        event: dict[str, Any] = {"d": {}}
        for path, value in zip(described, chosen, strict=True):
            if value is not NOTHING:
                (event if len(path) == 1 else event["d"])[path[-1]] = value
        yield event


def test_the_obvious_matcher_agrees_with_the_embedded_event_bridge() -> None:
    @given(patterns(), descriptions(SCALARS))
    @settings(max_examples=200, deadline=None)
    def agrees(pattern: dict[str, Any], described: dict[tuple[str, ...], Described]) -> None:
        compiled = eventbridge._compile_pattern(pattern)
        for event in itertools.islice(events_of(described), 60):
            theirs = any(eventbridge._matches_detail(event, alternative) for alternative in compiled)
            assert event_passes(pattern, event) == theirs

    agrees()


class TestAgainstEnumeration:
    @given(st.lists(patterns(), min_size=1, max_size=3), descriptions(PLAIN_SCALARS))
    @settings(max_examples=500, deadline=None)
    def test_a_relation_is_what_counting_says(
        self, several: list[dict[str, Any]], described: dict[tuple[str, ...], Described]
    ) -> None:
        found = match_any(several, payload_of(described))
        passing = [any(event_passes(each, event) for each in several) for event in events_of(described)]
        expected = Extent.ALL if all(passing) else Extent.SOME if any(passing) else Extent.NONE
        assert found.extent is expected
        assert found.is_certain
        if expected is not Extent.NONE:
            assert any(event_passes(each, found.witness) for each in several)

    @given(patterns(), descriptions(SCALARS), st.sets(st.sampled_from(FIELDS)))
    @settings(max_examples=500, deadline=None)
    def test_no_event_refutes_a_proof(
        self, pattern: dict[str, Any], described: dict[tuple[str, ...], Described], unsaid: set[tuple[str, ...]]
    ) -> None:
        said = {path: each for path, each in described.items() if path not in unsaid}
        found = match(pattern, payload_of(said))
        passing = [event_passes(pattern, event) for event in events_of(described)]
        assert found.extent is not Extent.ALL or all(passing)
        assert found.extent is not Extent.NONE or not any(passing)
