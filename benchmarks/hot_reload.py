"""How long it takes from saving a handler to its first new answer: `python -m benchmarks.hot_reload [SAVES]`.

The examples run with `local --watch` in a copy; a Node and a Python handler are saved again and again, and called until
the new answer comes. The shortest and the median time are printed, and what else kept the machine busy meanwhile.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from constructs_lib.local.deployed_names import FUNCTION, named
from constructs_lib.local.running import RunningAws
from tests.cli.local_process import LocalProcess

ROOT = Path(__file__).parents[1]
COPIED = ("app.py", "cdk.json", "package.json", "package-lock.json", "tsconfig.json", "examples", "lambda_src")
LINKED = ("node_modules", ".venv", "constructs_lib")
HANDLERS = {
    "Node": ("Greeting/Greet", "lambda_src/greeting/greet.ts", "Hello, ", '{"body": "{\\"name\\": \\"Ada\\"}"}'),
    "Python": ("Users/ListUsers", "lambda_src/users/list_users.py", "", "{}"),
}
SECONDS = 30.0


def main(saves: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, folder / name)
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        with LocalProcess(folder, "--stage", "dev", "--watch", "--port", "0") as local:
            local.ready()
            aws = RunningAws.find(folder / ".local")
            for language, (function, file, _, event) in HANDLERS.items():
                taken = [_save(aws, function, folder / file, event, number) for number in range(saves)]
                print(
                    f"{language:<7} shortest {min(taken):.2f} s, median {statistics.median(taken):.2f} s "
                    f"({saves} saves; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
                )
            local.signal(2)
            local.end()


def _save(aws: RunningAws, function: str, path: Path, event: str, number: int) -> float:
    """Save a handler that fails at once with a number, and wait for that number."""
    mark = f"save-{number}-"
    original = path.read_text()
    text = f"raise RuntimeError('{mark}')\n" if path.suffix == ".py" else f"throw new Error('{mark}');\n"
    name = named(aws.stacks, FUNCTION, function).name
    client = aws.client("lambda")
    client.invoke(FunctionName=name, Payload=event)
    path.write_text(original + text)
    began = time.monotonic()
    while mark.encode() not in client.invoke(FunctionName=name, Payload=event)["Payload"].read():
        if time.monotonic() - began > SECONDS:
            raise SystemExit(f"{function} does not answer anew")
    taken = time.monotonic() - began
    path.write_text(original)
    while b"save-" in client.invoke(FunctionName=name, Payload=event)["Payload"].read():
        pass
    return taken


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
