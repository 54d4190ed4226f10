"""Compares bundling with CDK's NodejsFunction, in one run: python benchmarks/bundling.py [functions]

Each measurement is a whole `app.synth()` in a process of its own, with the AWS SDK inside every bundle, all started
the same way. Prints seconds and ratios; ratios are what to quote.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
HANDLER = """
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
const client = new DynamoDBClient({});
export const handler = async () => client.send(new GetItemCommand({ TableName: "t", Key: { id: { S: "%d" } } }));
"""
APP = """
import sys
import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_, aws_lambda_nodejs as nodejs
kind, count = sys.argv[1], int(sys.argv[2])
app = cdk.App(outdir=sys.argv[3])
stack = cdk.Stack(app, "Shop")
runtime, architecture = lambda_.Runtime.NODEJS_24_X, lambda_.Architecture.ARM_64
if kind == "ours":
    from constructs_lib.bundling.code import BundledCode
for number in range(count):
    entry = f"handlers/f{number}.ts"
    if kind == "theirs":
        nodejs.NodejsFunction(
            stack, f"F{number}", entry=entry, runtime=runtime, architecture=architecture, handler="handler",
            deps_lock_file_path="package-lock.json",
            bundling=nodejs.BundlingOptions(minify=True, bundle_aws_sdk=True),
        )
    else:
        if kind == "ours":
            code = BundledCode(entry, runtime=runtime, architecture=architecture)
        else:
            code = lambda_.Code.from_inline("exports.handler = async () => 1;")
        lambda_.Function(
            stack, f"F{number}", code=code, handler="index.handler", runtime=runtime, architecture=architecture
        )
app.synth()
"""


def _seconds(folder: Path, kind: str, count: int, outdir: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "CDK_VALIDATION": "false"}
    # Under jsii, NodejsFunction finds esbuild on PATH only, or wants Docker; both get the same one.
    tools = (CHECKOUT / "node_modules" / ".bin", Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([*map(str, tools), environment["PATH"]])
    shutil.rmtree(folder / outdir, ignore_errors=True)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "app.py", kind, str(count), outdir],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - started


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "node_modules").symlink_to(CHECKOUT / "node_modules", target_is_directory=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(CHECKOUT / file, folder / file)
        (folder / "handlers").mkdir()
        for number in range(count):
            (folder / "handlers" / f"f{number}.ts").write_text(HANDLER % number)
        (folder / "app.py").write_text(APP)
        _seconds(folder, "nothing", 1, "warm-up")
        rows = [
            ("no bundling at all", _seconds(folder, "nothing", count, "nothing")),
            ("NodejsFunction, first synth", theirs := _seconds(folder, "theirs", count, "theirs")),
            ("NodejsFunction, second synth", theirs_again := _seconds(folder, "theirs", count, "theirs")),
            ("BundledCode, first synth", _seconds(folder, "ours", count, "ours")),
            ("BundledCode, second synth", _seconds(folder, "ours", count, "ours")),
        ]
        handler = folder / "handlers" / "f0.ts"
        handler.write_text(handler.read_text() + "\nconsole.log('edited');\n")
        rows.append(("BundledCode, one handler edited", _seconds(folder, "ours", count, "ours")))
    print(f"{count} functions, the AWS SDK inside each")
    for label, seconds in rows:
        against = theirs if "first" in label else theirs_again
        print(f"  {label:34} {seconds:6.2f} s   {seconds / against:5.2f} x NodejsFunction")


if __name__ == "__main__":
    main()
