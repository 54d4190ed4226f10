from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.testing.work_stack import write_work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def local_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_work(tmp_path_factory.mktemp("work"))


@pytest.fixture
def eventually(eventually: Callable[..., Any]) -> Callable[..., Any]:
    """As the plugin has it, with more patience: the machine may stand still for a while."""
    return partial(eventually, seconds=90)
