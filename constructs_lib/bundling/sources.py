"""Tells the local run what each bundle was made of, so that it can make one again when a file is saved.

The file lies in the assembly, beside the bundles, and only in assemblies for this machine: nothing of it is deployed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from constructs_lib.bundling.asset import Asset
from constructs_lib.bundling.machine import Machine
from constructs_lib.bundling.node import NodeEntry
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python import PythonEntry, root_of

FILE = "constructs-lib.bundles.json"  # `local/bundle_sources.py` reads it

Entry = NodeEntry | PythonEntry
KINDS: Mapping[str, type[Entry]] = {"node": NodeEntry, "python": PythonEntry}


def write_sources(assets: Mapping[Entry, Asset], project: Project, outdir: Path) -> None:
    """Write down every bundle for this machine: its folder, its entry and its sources; and the app's own modules."""
    described = {
        "project": str(project.folder),
        "python": sys.executable,
        "app": sorted(_modules_of_app()),
        "bundles": [
            {"folder": asset.folder_name, "entry": entry_as_json(entry), "sources": sources_of(entry, asset, project)}
            for entry, asset in assets.items()
            if not entry.machine.is_lambda
        ],
    }
    (outdir / FILE).write_text(json.dumps(described), "utf-8")


def sources_of(entry: Entry, asset: Asset, project: Project) -> list[str]:
    """Return the project's own files that a bundle was made of."""
    folder = entry.path.parent if isinstance(entry, NodeEntry) else root_of(entry.path, project.folder)
    taken = (folder / name for name, file in asset.files.items() if file.cached is None)
    found = {str(entry.path), *(str(path) for path in taken if path.is_file())}
    found.update(os.path.normpath(project.folder / name) for name in project.cache.own_files(asset.snapshot))
    return sorted(found)


def entry_as_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON has it."""
    kind: Literal["node", "python"] = "node" if isinstance(entry, NodeEntry) else "python"
    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    machine: Machine = values["machine"]
    return {
        **values,
        "kind": kind,
        "path": str(entry.path),
        "machine": {field.name: getattr(machine, field.name) for field in fields(machine)},
    }


def entry_from_json(values: Mapping[str, Any]) -> Entry:
    """Read what `entry_as_json` wrote."""
    told: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in values.items()}
    kind = KINDS[told.pop("kind")]
    told |= {"path": Path(values["path"]), "machine": Machine(**values["machine"])}
    return kind(**told)


def _modules_of_app() -> Iterable[str]:
    """The files of all that this process has imported and nobody installed: the app, and modules of its own."""
    installed = tuple(os.path.realpath(each) + os.sep for each in {sys.prefix, sys.base_prefix})
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py"):
            path = os.path.realpath(file)
            if not path.startswith(installed) and "site-packages" not in path:
                yield path
