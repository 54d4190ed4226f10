from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.local.testing.work_stack import write_work

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def local_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_work(tmp_path_factory.mktemp("work"))
