"""What the recursion rule says of random systems, against what happens when everything is tried, one by one.

    python -m benchmarks.recursion                              # 20,000 systems, for the night
    python -m benchmarks.recursion --systems 500 --seed 70000

Prints the seeds, how many circles of each kind there were, and every disagreement made as small as it gets.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.guards.recursion.disagreements import disagreements
from tests.guards.recursion.oracle import verdicts
from tests.guards.recursion.random_system import random_system

SYSTEMS = 20_000


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--systems", type=int, default=SYSTEMS, help="how many (default: %(default)s)")
    arguments.add_argument("--seed", type=int, default=0, help="the first one's (default: %(default)s)")
    told = arguments.parse_args()
    seeds = range(told.seed, told.seed + told.systems)
    began = time.monotonic()
    found = 0
    for each in disagreements(seeds):
        found += 1
        print(each, flush=True)
    counts = Counter(verdict for seed in seeds for verdict in verdicts(random_system(seed)).values())
    print(f"systems        {told.systems:,} (seeds {seeds.start} to {seeds.stop - 1})")
    print(f"circles        {', '.join(f'{counts[each]:,} {each}' for each in ('LOOP', 'RISK', 'GUARDED'))}")
    print(f"disagreements  {found}")
    print(f"time           {time.monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
