"""Makes single bundles again, for the local run: a process that has everything loaded, and is told what to do by lines.

Each line it reads is one JSON object, `{"project": ..., "outdir": ..., "entries": [...]}` with entries as `sources.py`
writes them; each line it answers has, in the same order, what became of them: `{"folder": ..., "sources": [...]}` or
`{"problems": [{"what": ..., "where": ..., "fix": ...}]}`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from constructs_lib.bundling.asset import Asset
from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python import PythonEntry, bundle_python
from constructs_lib.bundling.sources import Entry, entry_from_json, sources_of
from constructs_lib.problem import BundlingError, Problem


def main() -> None:
    """Answer lines until there are no more."""
    for line in sys.stdin:
        told = json.loads(line)
        answer = rebuild([entry_from_json(each) for each in told["entries"]], told["project"], told["outdir"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def rebuild(entries: Sequence[Entry], folder: str, outdir: str) -> list[dict[str, Any]]:
    """Bundle these entries as they are now; one that fails keeps no other from its bundle."""
    project = Project(Path(folder))
    try:
        assets: list[Asset | BundlingError] = list(_bundled(entries, project))
    except (BundlingError, OSError):
        assets = [_tried(entry, project) for entry in entries]
    return [_told(entry, asset, project, Path(outdir)) for entry, asset in zip(entries, assets, strict=True)]


def _bundled(entries: Sequence[Entry], project: Project) -> list[Asset]:
    node = [entry for entry in entries if isinstance(entry, NodeEntry)]
    python = [entry for entry in entries if isinstance(entry, PythonEntry)]
    made: dict[Entry, Asset] = dict(zip(node, bundle_node(node, project), strict=True))
    made |= dict(zip(python, bundle_python(python, project), strict=True))
    return [made[entry] for entry in entries]


def _tried(entry: Entry, project: Project) -> Asset | BundlingError:
    project.look_again()
    where = project.relative(entry.path)
    if not entry.path.is_file():
        return BundlingError(
            Problem("the file of the handler is gone", where, "put it back, or take the function out of its stack")
        )
    try:
        return _bundled([entry], project)[0]
    except BundlingError as error:
        return error
    except OSError as error:  # a file went away, or came, while it was being read
        return BundlingError(Problem(f"the handler cannot be bundled: {error}", where, "save it once more"))


def _told(entry: Entry, asset: Asset | BundlingError, project: Project, outdir: Path) -> dict[str, Any]:
    if isinstance(asset, BundlingError):
        return {"problems": [{"what": each.what, "where": each.where, "fix": each.fix} for each in asset.problems]}
    return {"folder": str(asset.stage(outdir)), "sources": sources_of(entry, asset, project)}


if __name__ == "__main__":
    main()
