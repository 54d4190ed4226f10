"""What the bundles of a synthesized app were made of, where the app's packager has written that down.

Our own constructs do, for assemblies that are run on this machine (`bundling/sources.py`). Assemblies without it run as
well; a saved file then means that the app is synthesized again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE = "constructs-lib.bundles.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """One bundle.

    Args:
        asset: The name of its folder in the assembly, as the templates know it.
        folder: The folder that holds what was last made of it.
        entry: What the packager has to be told to make it again.
        sources: The files it was made of.
    """

    asset: str
    folder: Path
    entry: Mapping[str, Any]
    sources: frozenset[Path]

    @property
    def path(self) -> Path:
        """The file of the handler."""
        return Path(self.entry["path"])


@dataclass(frozen=True, slots=True)
class BundleSources:
    """Every bundle of an assembly, and what the app itself is made of.

    Args:
        project: The folder that is bundled from.
        python: The Python the app runs with.
        app: The Python modules of the app.
        bundles: The bundles.
    """

    project: Path
    python: str
    app: frozenset[Path]
    bundles: tuple[Bundle, ...]

    @classmethod
    def read(cls, assembly: Path) -> Self | None:
        """Read what an assembly says; none when it says nothing."""
        try:
            told = json.loads((assembly / FILE).read_bytes())
            bundles = tuple(
                Bundle(each["folder"], assembly / each["folder"], each["entry"], _paths(each["sources"]))
                for each in told["bundles"]
            )
            return cls(Path(told["project"]), told["python"], _paths(told["app"]), bundles)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def files(self) -> frozenset[Path]:
        """Every file that anything was made of."""
        return self.app.union(*(each.sources for each in self.bundles))


def _paths(names: Iterable[str]) -> frozenset[Path]:
    return frozenset(Path(name) for name in names)
