"""Labelled systems over every way in which something can run itself, each beside its safe twins."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Verdict
from tests.guards.recursion import edges
from tests.guards.recursion.topology import Topology
from tests.guards.recursion.verdicts import found_in, worst_in

KINDS = sorted(each.name for each in pkgutil.iter_modules(edges.__path__))


def _labelled() -> Iterator[tuple[str, Topology]]:
    for kind in KINDS:
        for each in importlib.import_module(f"{edges.__name__}.{kind}").TOPOLOGIES:
            yield kind, each


LABELLED = list(_labelled())


@pytest.mark.parametrize("topology", [pytest.param(each, id=f"{kind}: {each.name}") for kind, each in LABELLED])
def test_says_of_a_topology_what_aws_does(topology: Topology) -> None:
    assert worst_in(Assembly.of(topology.stacks)) == topology.expected


def test_says_of_no_circle_that_it_is_guarded_when_it_is_not() -> None:
    for kind, each in LABELLED:
        found = set(found_in(Assembly.of(each.stacks)))
        unsafe = {runs for verdict, runs in found if verdict is not Verdict.GUARDED}
        guarded = {runs for verdict, runs in found if verdict is Verdict.GUARDED}
        assert not unsafe & guarded, f"{kind}: {each.name}"


def test_every_kind_has_circles_and_safe_twins() -> None:
    for kind in KINDS:
        verdicts = {frozenset(verdict for verdict, _ in each.expected) for of, each in LABELLED if of == kind}
        assert any(each & {Verdict.LOOP, Verdict.RISK} for each in verdicts), kind
        assert any(not each & {Verdict.LOOP, Verdict.RISK} for each in verdicts), kind


def test_every_topology_has_a_name_of_its_own() -> None:
    names = Counter((kind, each.name) for kind, each in LABELLED)
    assert [name for name, count in names.items() if count > 1] == []
