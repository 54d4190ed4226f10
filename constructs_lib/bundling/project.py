"""The folder that is bundled from: the one cdk.json is in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from constructs_lib.bundling.cache import FOLDER, Cache
from constructs_lib.bundling.fingerprint import Files
from constructs_lib.bundling.process import Launcher, launch


@dataclass
class Project:
    """Where to bundle from, where to keep what was bundled, and how tools are started.

    Args:
        folder: The folder of cdk.json; entries are relative to it.
        launcher: Starts esbuild, uv and npm.
    """

    folder: Path
    launcher: Launcher = launch
    cache: Cache = field(init=False)
    files: Files = field(init=False)

    def __post_init__(self) -> None:
        """Use the cache in the project's own folder."""
        self.folder = self.folder.resolve()
        self.cache = Cache(self.folder / FOLDER)
        self.files = Files()

    @classmethod
    def current(cls, launcher: Launcher = launch) -> Project:
        """Return the project of the current folder."""
        return cls(Path.cwd(), launcher)

    def relative(self, path: Path | str) -> str:
        """Return a path as users write it: relative to the project, with forward slashes."""
        try:
            return Path(os.path.relpath(path, self.folder)).as_posix()
        except ValueError:  # another drive (Windows)
            return Path(path).as_posix()

    def look_again(self) -> None:
        """Forget what was read of the disk: it may have changed since."""
        self.files = Files()
        self.cache = Cache(self.cache.folder)
