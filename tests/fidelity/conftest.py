"""One embedded AWS for all behaviours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.emulator import Emulator, Settings
from tests.fidelity.outside import Outside

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws() -> Iterator[Outside]:
    with Emulator.start(Settings(app_port=0)) as emulator:
        yield Outside(emulator.endpoint, emulator.app_url)
