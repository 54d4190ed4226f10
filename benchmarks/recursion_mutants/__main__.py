"""How many small mistakes in the analyser its labelled systems notice.

    python -m benchmarks.recursion_mutants                      # a sample of 400
    python -m benchmarks.recursion_mutants --mutants 100000     # all of them

Each mistake is made alone, in a process of its own, which then judges the labelled systems of `tests/guards/recursion`
and, if these notice nothing, some random ones. Texts for readers are left alone. Prints the score and what nobody
noticed.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.recursion_mutants.mutations import mistakes_in, mutant
from benchmarks.recursion_mutants.trial import trial
from tests.guards.recursion import edges
from tests.guards.recursion.oracle import verdicts
from tests.guards.recursion.random_system import random_system
from tests.guards.recursion.topology import Topology

ROOT = Path(__file__).parents[2]
ASSEMBLY = ROOT / "constructs_lib/assembly"
# Tables of AWS's policies and actions, and how actions are spelled: not what decides.
LEFT_OUT = {"__init__.py", "aws_managed.py", "action_names.py", "resource_level.py"}
SEED = 1
SYSTEMS = 200


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--mutants", type=int, default=400, help="how many (default: %(default)s)")
    arguments.add_argument("--seed", type=int, default=SEED, help="of the sample (default: %(default)s)")
    told = arguments.parse_args()
    began = time.monotonic()
    every = [(path, number) for path in _analyser() for number in range(mistakes_in(path.read_text()))]
    chosen = random.Random(told.seed).sample(every, min(told.mutants, len(every)))
    sample = [mutant(_module(path), path.read_text(), number) for path, number in chosen]
    topologies = list(_topologies())
    random.Random(told.seed).shuffle(topologies)
    systems = [(system, verdicts(system)) for system in map(random_system, range(SYSTEMS))]
    found: Counter[str] = Counter()
    scores: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(lambda each: trial(each, topologies, systems), sample)
        for each, outcome in zip(sample, outcomes, strict=True):
            found[outcome] += 1
            scores[each.module][bool(outcome)] += 1
            if not outcome:
                print(f"nobody noticed {each} ({found.total()} so far)", flush=True)
    by_topologies, by_oracle = found["topologies"], found["oracle"]
    noticed = by_topologies + by_oracle
    for module, score in sorted(scores.items()):
        print(f"{module:50} {score[True]:3} of {score.total():3}")
    print(f"mistakes       {len(sample):,} of {len(every):,} (seed {told.seed})")
    print(f"noticed        {noticed} ({noticed / len(sample):.1%})")
    print(f"               {by_topologies} by {len(topologies)} labelled systems, {by_oracle} by {SYSTEMS} random ones")
    print(f"time           {time.monotonic() - began:.0f} s")
    return 0


def _analyser() -> Iterator[Path]:
    for folder in ("flow", "policies"):
        yield from (each for each in sorted((ASSEMBLY / folder).glob("*.py")) if each.name not in LEFT_OUT)
    yield from (ASSEMBLY / "arn.py", ASSEMBLY / "text_set.py", ASSEMBLY / "event_pattern.py")
    yield ROOT / "constructs_lib/guards/rules/recursion.py"


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _topologies() -> Iterator[Topology]:
    for kind in pkgutil.iter_modules(edges.__path__):
        yield from importlib.import_module(f"{edges.__name__}.{kind.name}").TOPOLOGIES


if __name__ == "__main__":
    sys.exit(main())
