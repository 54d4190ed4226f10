from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.local.page import Page
from tests.local.page.asking import Asking
from tests.local.page.browser import Browser
from tests.local.page.chromium import chromium

ROOT = Path(__file__).parents[3]
THIS_MACHINE = {"constructs-lib:bundle-for": "this-machine", "aws:cdk:enable-path-metadata": True}


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The orders example, and a stack of what it lacks: a schedule, a bucket, dead letters, hostile content."""
    import aws_cdk as cdk  # noqa: PLC0415 - tests that need no CDK must not pay for it

    from examples.orders import Orders  # noqa: PLC0415 - likewise
    from tests.local.page.extras import Extras  # noqa: PLC0415 - likewise

    assembly, state = tmp_path_factory.mktemp("assembly"), tmp_path_factory.mktemp("state")
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = cdk.App(outdir=str(assembly), analytics_reporting=False, context={**context, **THIS_MACHINE})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        Orders(app, "Orders")
        Extras(app, "Extras")
        app.synth()
    with LocalAws.from_assembly(assembly, state=state) as running:
        yield running


@pytest.fixture(scope="session")
def page(aws: LocalAws) -> Iterator[Page]:
    with Page.start(aws) as started:
        yield started


@pytest.fixture(scope="session")
def asking(page: Page) -> Asking:
    """A client that has opened the page."""
    return Asking.opened(page)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = chromium()
    if found is None:
        pytest.skip("no Chromium: there is none on the PATH, and npm brings one for Linux on x64 alone")
    with Browser(found) as started:
        yield started
