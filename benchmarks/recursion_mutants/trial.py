"""Whether the labelled systems, and then the random ones, notice a mistake: in a process of its own."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from benchmarks.recursion_mutants.mutations import Mutant
from tests.guards.recursion.random_system import System
from tests.guards.recursion.topology import Topology

SECONDS = 60  # longer means that it does not end
KEPT = {"constructs_lib", "constructs_lib.problem", "constructs_lib.guards", "constructs_lib.guards.finding"}
NOTICED, UNNOTICED, BY_ORACLE = 0, 1, 2


class _Mistaken(MetaPathFinder, InspectLoader):
    """Loads one module with a mistake in it."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, fullname: str, _path: object, _target: ModuleType | None = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.mutant.module else None

    def get_source(self, fullname: str) -> str | None:
        return self.mutant.source if fullname == self.mutant.module else None


def trial(mutant: Mutant, topologies: Sequence[Topology], systems: Sequence[tuple[System, dict[str, str]]]) -> str:
    """Return who noticed a mistake: `topologies`, `oracle`, or nobody."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        os._exit(_outcome(mutant, topologies, systems))
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == UNNOTICED:
        return ""
    return "oracle" if os.WIFEXITED(status) and os.WEXITSTATUS(status) == BY_ORACLE else "topologies"


def _outcome(mutant: Mutant, topologies: Sequence[Topology], systems: Sequence[tuple[System, dict[str, str]]]) -> int:
    try:
        for name in [each for each in sys.modules if _is_affected(each)]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Mistaken(mutant))
        # Loaded anew, so that the mistake is in it.
        model = importlib.import_module("constructs_lib.assembly.model")
        judge = importlib.import_module("tests.guards.recursion.verdicts")
        random_systems = importlib.import_module("tests.guards.recursion.system_template")
        for each in topologies:
            if judge.worst_in(model.Assembly.of(each.stacks)) != each.expected:
                return NOTICED
        is_noticed = any(random_systems.said_of(system) != happens for system, happens in systems)
        return BY_ORACLE if is_noticed else UNNOTICED
    except BaseException:  # whatever a mistake raises, it is noticed
        return NOTICED


def _is_affected(name: str) -> bool:
    affected = ("tests.guards.recursion.verdicts", "tests.guards.recursion.system_template")
    return name in affected or (name.startswith("constructs_lib.") and name not in KEPT)
