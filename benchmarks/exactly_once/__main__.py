"""Prints, for each way to write the function, in how many of the seeds every message was handled exactly once."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.exactly_once.node_functions import NodeFunctions
from benchmarks.exactly_once.python_functions import PythonFunctions
from benchmarks.exactly_once.queue_model import Functions, QueueModel, Verdict
from benchmarks.exactly_once.story import story_of

VARIANTS = {
    "plain": "plain handler",
    "batch": "Powertools batch",
    "stock": "Powertools batch and idempotency",
    "beside": "queue_worker, effect beside",
    "key": "queue_worker, effect by key",
    "commit": "queue_worker, effect committed",
}
PROMISED = ("key", "commit")  # the variants that must hold in every seed
LANGUAGES: dict[str, Callable[[], PythonFunctions | NodeFunctions]] = {"python": PythonFunctions, "node": NodeFunctions}


def verdicts(functions: Functions, variant: str, seeds: range) -> list[Verdict]:
    """Run one variant through some seeds."""
    return [QueueModel(story_of(seed), functions).run(variant) for seed in seeds]


@contextmanager
def functions_in(language: str) -> Iterator[Functions]:
    """Start the functions of a language."""
    functions = LANGUAGES[language]()
    try:
        yield functions
    finally:
        functions.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exactly_once", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--language", choices=LANGUAGES, action="append")
    parser.add_argument("--variant", choices=VARIANTS, action="append")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    title = f"seeds {seeds.start} to {seeds.stop - 1}"
    print(f"{title:46}  exactly  effects  dead letters   doubled  lost")
    broken: list[str] = []
    for language in asked.language or LANGUAGES:
        with functions_in(language) as functions:
            for variant in asked.variant or VARIANTS:
                begin = time.monotonic()
                found = verdicts(functions, variant, seeds)
                both = [each.effects_are_exact and each.dead_letters_are_exact for each in found]
                print(
                    f"{language:8}{VARIANTS[variant]:38}{share(both):>9}"
                    f"{share([each.effects_are_exact for each in found]):>9}"
                    f"{share([each.dead_letters_are_exact for each in found]):>14}"
                    f"{sum(each.doubled for each in found):>10}{sum(each.lost for each in found):>6}"
                    f"   {time.monotonic() - begin:.0f} s",
                    flush=True,
                )
                if variant in PROMISED:
                    broken += [
                        f"{language} {variant} seed {seed}" for seed, ok in zip(seeds, both, strict=True) if not ok
                    ]
    if broken:
        print(f"broken: {', '.join(broken[:20])}", file=sys.stderr)
    return 1 if broken else 0


def share(results: list[bool]) -> str:
    """Return how many are true, in percent, rounded down so that 100 % means all."""
    return f"{int(1000 * sum(results) / len(results)) / 10:g} %"


if __name__ == "__main__":
    sys.exit(main())
