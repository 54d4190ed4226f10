"""The guards against the public tools, and what they cost: python -m benchmarks.guards [--home FOLDER] [--without NAME]

Every tool is asked about the same templates in the same run: a hardened app, the same app with each of some two hundred
single faults, and a stack of sixteen classic mistakes with each of them mended. A tool has seen a fault when it says
anything of the template with it that it does not say of the one without, whatever that is: hints and experimental rules
of the others count, of ours only errors and warnings. cfn-lint and checkov get environments of their own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.guards import faults, growth, peers

if TYPE_CHECKING:
    from benchmarks.guards.faults import Case
    from benchmarks.guards.peers import Answers, Tool

SIZES = (100, 1_000, 10_000, 50_000)
GOALS = {100: 0.25, 10_000: 1.0}
OURS = "ours"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--home", type=Path, help="where cfn-lint and checkov are installed, and stay (default: a temporary folder)"
    )
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="leave tools of this name out")
    parser.add_argument("--only", choices=["faults", "cost"], help="only one of the two")
    parser.add_argument("--cost-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        work = Path(made)
        if arguments.cost_of is not None:
            _print_cost(growth.cost_of(growth.write_app(work / "app", arguments.cost_of)))
            return
        if arguments.only != "cost":
            home = arguments.home or work / "tools"
            asked = peers.tools(home, without=arguments.without)
            _compare(work, asked)
        if arguments.only != "faults":
            _measure()


def _compare(work: Path, tools: list[Tool]) -> None:
    single, classic = work / "faults", work / "traps"
    for folder in (single, classic):
        folder.mkdir()
    cases = [*faults.write_faults(single), *faults.write_traps(classic)]
    answers: dict[str, Answers] = {}
    took: dict[str, float] = {}
    for tool in tools:
        began = time.perf_counter()
        try:
            answers[tool.name] = {**tool.ask(single), **tool.ask(classic)}
        except peers.NotHereError as error:
            print(f"{tool.name} is left out: {error}", flush=True)
        took[tool.name] = time.perf_counter() - began
    _print_table(cases, answers, took)


def _print_table(cases: list[Case], answers: dict[str, Answers], took: dict[str, float]) -> None:
    seen = {name: {case.wrong + case.right for case in cases if case.is_seen(told)} for name, told in answers.items()}
    together = {each for name, cases_seen in seen.items() if name != OURS for each in cases_seen}
    seen |= {"all public tools together": together}
    single_faults = [case for case in cases if case.right == faults.BASE]
    groups = {"single faults": single_faults}
    for case in cases:
        groups.setdefault(case.topic, []).append(case)
    print(f"\n| faults seen | {' | '.join(groups)} | said of the hardened app | time, ours = 1 |")
    print(f"|---|{'---:|' * (len(groups) + 2)}")
    for name, found in seen.items():
        counts = [
            f"{sum(case.wrong + case.right in found for case in group)} of {len(group)}" for group in groups.values()
        ]
        of_base = str(sum(answers[name][faults.BASE].values())) if name in answers else ""
        ratio = f"{took[name] / took[OURS]:.1f}" if name in took and OURS in took else ""
        print(f"| {name} | {' | '.join(counts)} | {of_base} | {ratio} |")
    _print_lists(cases, seen, answers)


def _print_lists(cases: list[Case], seen: dict[str, set[str]], answers: dict[str, Answers]) -> None:
    """What ours misses, and each classic mistake with who names it."""
    missed = [case.says for case in cases if OURS in seen and case.wrong + case.right not in seen[OURS]]
    print(f"\nnot seen by ours: {', '.join(missed) or 'nothing'}")
    print("\n| classic mistake | seen by |\n|---|---|")
    for case in cases:
        if case.wrong == faults.ALL:
            names = [name for name in answers if case.wrong + case.right in seen[name]]
            print(f"| {case.says} | {', '.join(names) or 'nobody'} |")


def _measure() -> None:
    """Each size in a process of its own, which has read no template before."""
    print("\n| resources | reading | judging | together | goal | dearest rules |\n|---:|---:|---:|---:|---:|---|")
    for size in SIZES:
        command = [sys.executable, "-m", "benchmarks.guards", "--cost-of", str(size)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(done.stdout, end="", flush=True)


def _print_cost(cost: growth.Cost) -> None:
    both = cost.reading + cost.judging
    goal = f"{GOALS[cost.resources]:.2f} s" if cost.resources in GOALS else ""
    dearest = ", ".join(f"{name} {100 * share / cost.judging:.0f} %" for name, share in cost.dearest)
    print(
        f"| {cost.resources:,} | {cost.reading:.3f} s | {cost.judging:.3f} s | {both:.3f} s | {goal} | {dearest} |",
    )


if __name__ == "__main__":
    main()
