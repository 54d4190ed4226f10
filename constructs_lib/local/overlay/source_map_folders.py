"""Where the bundles of deployed functions have their source maps, as whoever deployed them tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from constructs_lib.local.executor.source_maps import SourceMaps
from constructs_lib.local.overlay.control import command

maps = SourceMaps()


@command("source-maps")
def look_in(told: dict[str, Any]) -> object:
    """Look into these folders from now on."""
    maps.look_in([Path(each) for each in told.get("folders", [])])
    return {}
