"""Measures what answers on localhost: python -m benchmarks.local [--requests N]

One handler, one request, one machine, one run: the local run with every role enforced, serverless-offline, and Node's
own HTTP server that calls the handler. From start to the first answer, the time of a warm request, how many a second
for 32 clients, what memory is held before and after the requests, and after as many again. Ratios are to
serverless-offline.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.local.load import send
from benchmarks.local.servers import Server, local_run, plain_node, serverless_offline

CLIENTS = 32
WARM_UP = 300
CACHE = Path(".cache/benchmarks/serverless-offline")


@dataclass
class Row:
    """What one server needed."""

    name: str
    start: float
    p50: float
    p99: float
    per_second: float
    before: float
    after: float
    later: float


def measure(server: Server, requests: int) -> Row:
    """Measure one running server."""
    send(server.url, requests=WARM_UP)
    send(server.url, requests=WARM_UP, clients=CLIENTS)  # as many environments as there will be clients
    before = server.memory_mib()
    alone = send(server.url, requests=requests // 4)
    crowd = send(server.url, requests=requests - requests // 4, clients=CLIENTS)
    after = server.memory_mib()
    send(server.url, requests=requests, clients=CLIENTS)
    return Row(
        server.name,
        server.seconds,
        alone.percentile(0.5),
        alone.percentile(0.99),
        crowd.per_second,
        before,
        after,
        server.memory_mib(),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="requests for each (default: %(default)s)")
    requests = parser.parse_args().requests
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        servers = (partial(local_run, work), partial(serverless_offline, work, CACHE), partial(plain_node, work))
        for running in servers:
            with running() as server:
                rows.append(measure(server, requests))
    peer = rows[1]
    print(f"{requests} requests, {CLIENTS} clients where more than one; in brackets: times serverless-offline's\n")
    columns = ("first answer", "warm p50", "p99", "answers/s", "MiB before", "MiB after", "as many again")
    print(f"{'':26}" + "".join(f"{each:>18}" for each in columns))
    for row in rows:
        cells = [
            f"{row.start:6.2f} s ({row.start / peer.start:.2f})",
            f"{row.p50:6.2f} ms ({row.p50 / peer.p50:.2f})",
            f"{row.p99:6.2f} ms ({row.p99 / peer.p99:.2f})",
            f"{row.per_second:7.0f} ({row.per_second / peer.per_second:.2f})",
            f"{row.before:6.0f}",
            f"{row.after:6.0f} ({row.after / row.before:.2f} x)",
            f"{row.later:6.0f} ({row.later / row.after:.2f} x)",
        ]
        print(f"{row.name:26}" + "".join(f"{each:>18}" for each in cells))


if __name__ == "__main__":
    main()
