"""Deploys an assembly to the embedded AWS with the real CDK CLI: bootstrap, then deploy, as to a real account."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.local.asset_upload import remove_stand_ins
from constructs_lib.local.aws_clients import ROOT_KEY
from constructs_lib.local.deploy import TOOLKIT
from constructs_lib.local.synth import end_group, wheel_node
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs_lib.assembly import CloudAssembly
    from constructs_lib.local.aws_clients import AwsClients

CLI = Path("node_modules", "aws-cdk", "bin", "cdk")
TAIL_LINES = 20


def deploy_with_cdk(
    assembly: CloudAssembly, clients: AwsClients, *, cdk_home: Path, report: Callable[[str], None] | None
) -> None:
    """Bootstrap every region of the assembly that is not yet, and deploy all its stacks, or those of its stage.

    Args:
        assembly: What to deploy.
        clients: Where to.
        cdk_home: The folder the CLI keeps what it learns in.
        report: Called with each line the CLI says. Default: an error holds the last of them.

    Raises:
        LocalError: The CLI or Node is missing, or the CLI failed.
    """
    command = [str(node_program()), str(cli_program())]
    account = clients.account()
    environment = _environment(clients, cdk_home)
    regions = {clients.region if stack.region is None else stack.region for stack in assembly.stacks}
    for region in sorted(regions):
        if not _is_bootstrapped(clients, region):
            remove_stand_ins(clients, account, region)
            _run([*command, "bootstrap", f"aws://{account}/{region}"], environment, cdk_home, report)
    if not assembly.stacks:
        return
    chosen = ["--all"] if assembly.stage is None else [stack.path for stack in assembly.stacks]
    options = [*chosen, "--require-approval", "never", "--progress", "events", "--app", str(assembly.folder)]
    _run([*command, "deploy", *options], environment, cdk_home, report)


def cli_program() -> Path:
    """Return the CDK CLI of the nearest node_modules.

    Raises:
        LocalError: It is not installed.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / CLI).is_file():
            return folder / CLI
    problem = Problem(
        what="the CDK CLI is not installed",
        where=f"{here / CLI}, and the folders above",
        fix="npm install --save-dev aws-cdk, or deploy without it: --via direct",
    )
    raise LocalError(problem)


def node_program() -> Path:
    """Return the Node that pip installed, else the one on the path.

    Raises:
        LocalError: There is none.
    """
    found = wheel_node()
    on_path = shutil.which("node")
    if found is None and on_path is not None:
        found = Path(on_path)
    if found is None:
        problem = Problem(
            what="the CDK CLI needs Node, and there is none",
            where="this Python environment, and PATH",
            fix="pip install 'constructs-lib[local]', or deploy without it: --via direct",
        )
        raise LocalError(problem)
    return found


def _is_bootstrapped(clients: AwsClients, region: str) -> bool:
    pages = clients.client("cloudformation", region).get_paginator("list_stacks").paginate()
    return any(
        stack["StackName"] == TOOLKIT and stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        for page in pages
        for stack in page["StackSummaries"]
    )


def _environment(clients: AwsClients, cdk_home: Path) -> dict[str, str]:
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AWS_", "CDK_")) and key.upper() not in {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}
    }
    cdk_home.mkdir(parents=True, exist_ok=True)
    return {
        **inherited,
        "AWS_ENDPOINT_URL": clients.endpoint,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "AWS_REGION": clients.region,
        "AWS_DEFAULT_REGION": clients.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_HOME": str(cdk_home),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "CI": "true",  # plain lines, on standard output
        "NO_COLOR": "1",
    }


def _run(command: list[str], environment: dict[str, str], folder: Path, report: Callable[[str], None] | None) -> None:
    # S603: the program is the CDK CLI, and the arguments are ours
    process = subprocess.Popen(  # noqa: S603
        [*command, "--no-notices", "--no-version-reporting"],
        cwd=folder,  # where no cdk.json is, which would be an app to synthesize
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    said: deque[str] = deque(maxlen=TAIL_LINES)
    try:
        for line in process.stdout or ():
            text = line.rstrip()
            if text and report is not None:
                report(text)
            elif text:
                said.append(text)
        code = process.wait()
    finally:
        end_group(process)
        if process.stdout is not None:
            process.stdout.close()
    if code != 0:
        ending = f"`cdk {command[2]}` ended with exit code {code}"
        problem = Problem(
            what="\n".join([*said, "", ending] if said else [ending]),
            where=" ".join(command),
            fix="mend what the CLI says above, or deploy without it: --via direct",
        )
        raise LocalError(problem)
