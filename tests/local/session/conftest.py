from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constructs_lib.local import LocalAws
from tests.local.session.example_app import write_example
from tests.local.session.warm_api import Warm, deploy_warm

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The two example stacks on one embedded AWS; tests add stacks of their own, and change none of these."""
    with LocalAws.from_assembly(write_example(tmp_path_factory.mktemp("example"))) as running:
        yield running


@pytest.fixture(scope="session")
def warm(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    """An API whose requests may take the short way; what a test changes of it, it puts back."""
    return deploy_warm(aws, tmp_path_factory.mktemp("warm"))
