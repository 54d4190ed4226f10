"""The example app in its three stages: `cdk deploy "dev/*"` for AWS, `make run` for localhost.

`-c stage=dev` synthesizes that one alone.
"""

import aws_cdk as cdk
from constructs import Construct

from constructs_lib import Defaults, Problem, PropError
from examples.greeting import Greeting
from examples.ledger import Ledger
from examples.media import Media
from examples.operations import OnCall, Overview
from examples.orders import Orders
from examples.users import Users

STAGES = {"dev": Defaults.dev(), "staging": Defaults.staging(), "prod": Defaults.prod()}


def compose(scope: Construct) -> None:
    """Put the example stacks into an app or a stage, one story each."""
    Greeting(scope, "Greeting")
    Ledger(scope, "Ledger")
    Media(scope, "Media")
    Orders(scope, "Orders")
    Users(scope, "Users")


def compose_stages(app: cdk.App) -> None:
    """Put every stage into an app, or the one that the context asks for."""
    only = app.node.try_get_context("stage")
    if only is not None and only not in STAGES:
        known = ", ".join(STAGES)
        raise PropError(Problem(f"there is no stage {only!r}", "-c stage=...", f"use {known}, or leave it out for all"))
    for name, defaults in STAGES.items():
        if only in {None, name}:
            stage = defaults.apply(cdk.Stage(app, name))
            compose(stage)
            if defaults.alarms:
                OnCall(stage, "OnCall", of=stage)
                Overview(stage, "Overview", of=stage)


if __name__ == "__main__":
    example_app = cdk.App(analytics_reporting=False)  # the version of Python must not reach a template
    compose_stages(example_app)
    example_app.synth()
