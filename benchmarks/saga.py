"""Fails a workflow at every step and every try, and counts what is left behind: python -m benchmarks.saga [--seeds N]

One recipe with branches, a choice, a handler and items runs through an interpreter of Amazon States Language, once for
each step x number of failing tries x seed; a seed orders what runs side by side. Ours undoes (`undo=`), the peer is the
same recipe with Catch and nothing else, as a first draft has it. Prints shares; nothing here is timed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from constructs_lib import choice, each, on, parallel, when
from constructs_lib.workflow_steps.step import Step
from tests.constructs.workflow_world import ITEMS, World, check_undoing, define, do, run

TRIES = [(1, "Boom"), (1, "Lambda.ServiceException"), (3, "Lambda.ServiceException"), (99, "Lambda.ServiceException")]


@dataclass
class Tally:
    runs: int = 0
    failed: int = 0
    clean: int = 0
    ordered: int = 0

    def share(self, count: int) -> str:
        return f"{100 * count / self.failed:5.1f} %"


def recipe(*, undo: bool) -> list[Step]:
    def one(name: str, **options: Any) -> Step:
        return do(name, undo=undo, **options)

    return [
        one("Reserve"),
        parallel("Both", [one("Charge", result="payment"), one("Book")], [one("Check"), one("Pack")]),
        choice(
            "Gift?",
            when("{% $states.input.gift %}", then=[one("Wrap"), one("Card", catch=[on("NoCards", do=[one("Draw")])])]),
            otherwise=[one("Bag")],
        ),
        each("Parcels", items=ITEMS, do=[one("Label"), parallel("Inside", [one("Weigh")], [one("Seal")])]),
        do("Notify", undo=False),  # the last step: nothing after it can fail
    ]


def measure(*, undo: bool, seeds: int) -> Tally:
    tally, steps = Tally(), recipe(undo=undo)
    definition = define(steps)
    for seed in range(seeds):
        for gift in (True, False):
            calm = World()
            run(definition, calm, seed=seed, gift=gift)
            for point in sorted(set(calm.tries)):
                for failing in TRIES:
                    world = World({point: failing})
                    outcome = run(definition, world, seed=seed, gift=gift)
                    tally.runs += 1
                    if outcome.status != "FAILED":
                        continue
                    tally.failed += 1
                    tally.clean += world.left == []
                    try:
                        check_undoing(steps, world, outcome)
                        tally.ordered += world.left == []
                    except AssertionError:
                        pass
    return tally


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=20, help="orders of what runs side by side (default: 20)")
    seeds = arguments.parse_args().seeds
    print(f"seeds 0 to {seeds - 1}; every step x {len(TRIES)} kinds of failing\n")
    print(f"{'':28}{'runs':>8}{'failed':>8}{'no residue':>14}{'in reverse':>14}")
    for name, undo in (("ours, undo= on every step", True), ("the same without undo=", False)):
        tally = measure(undo=undo, seeds=seeds)
        print(
            f"{name:28}{tally.runs:>8}{tally.failed:>8}{tally.share(tally.clean):>14}{tally.share(tally.ordered):>14}"
        )


if __name__ == "__main__":
    main()
