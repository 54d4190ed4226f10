"""`cdk bootstrap` and `cdk deploy "dev/*"`, as the README says them, by the real CLI."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk

from app import STAGES, compose
from constructs_lib.local import LocalAws
from constructs_lib.local.cdk_cli import _environment, cli_program, node_program
from examples.greeting import Greeting


def nothing(app: cdk.App) -> None:
    cdk.CfnWaitConditionHandle(cdk.Stack(app, "Nothing"), "Nothing")


def stages(app: cdk.App) -> None:
    """All examples in dev, and one beside them in prod."""
    compose(STAGES["dev"].apply(cdk.Stage(app, "dev")))
    Greeting(STAGES["prod"].apply(cdk.Stage(app, "prod")), "Greeting")


def test_the_real_cdk_bootstraps_and_deploys_the_stacks_of_one_stage(
    synthesize: Callable[[Callable[[cdk.App], object]], Path], tmp_path: Path
) -> None:
    app = synthesize(stages)
    with LocalAws.from_assembly(synthesize(nothing), via="cdk") as aws:
        options = ["--require-approval", "never", "--app", str(app)]
        done = subprocess.run(
            [str(node_program()), str(cli_program()), "deploy", "dev/*", *options],
            cwd=tmp_path,
            env=_environment(aws.clients, tmp_path / "cdk"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        names = {stack["StackName"] for stack in aws.client("cloudformation").describe_stacks()["Stacks"]}
        examples = {f"dev-{name}" for name in ("Greeting", "Ledger", "Media", "Orders", "Users")}
        assert names == {"CDKToolkit", "Nothing", *examples}
        assert aws.call("POST", "/greet", json={"name": "Ada"}).status == 200
        user = {"id": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}
        assert aws.call("POST", "/users", json=user, signed=True).status == 201
        assert aws.call("POST", "/users", json=user).status == 403
