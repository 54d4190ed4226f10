"""Kills the embedded AWS and its handlers at random under load: python -m benchmarks.local_chaos [--kills N] [--seed S]

Six clients create items without a pause; each is told whether its item was created. Meanwhile handlers are killed, and
at times the embedded AWS itself, or it is stopped in order; it is started again on the same state. Nobody may wait in
vain, no process may outlive its run, and what was promised is there, or was announced lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.local_chaos.app import synthesize
from benchmarks.local_chaos.torment import torment


def main() -> int:
    """Print what happened; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often to kill (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides what and when (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        assembly = synthesize(Path(folder) / "cdk.out")
        tally = torment(assembly, Path(folder) / "state", kills=arguments.kills, seed=arguments.seed)
    print(f"killed: {tally.handlers} handlers, {tally.servers} times the embedded AWS; {tally.orderly} orderly stops")
    print(f"{tally.created} items created, {tally.failed} requests failed and said so\n")
    broken = {
        "promised items that are gone, unannounced": len(tally.lost),
        "kills of the embedded AWS the next start said nothing of": tally.unannounced,
        "answers somebody waited for in vain": tally.hung,
        "processes left behind": len(tally.orphans),
        "messages nobody worked on": len(tally.unworked),
    }
    for what, count in broken.items():
        print(f"{count:5}  {what}")
    return int(any(broken.values()))


if __name__ == "__main__":
    sys.exit(main())
