"""Nested stacks of an assembly: which file is the template of one, and which construct paths are its own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from constructs_lib.assembly.json_document import AssemblyError, JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from constructs_lib.assembly.resource import Resource

ASSET_PATH = "aws:asset:path"  # metadata of a nested stack that tells its file, when the CDK CLI has synthesized it
NESTED_RESOURCE = re.compile(
    r"(.+)\.NestedStack/[^/]+"
)  # beside the construct `Shop/Mail`, its resource in the stack above
ASSET_ID = re.compile(r"\b[0-9a-f]{64}\b")  # what the address of a template ends with, however it is put together


def construct_of(stack: Resource) -> str:
    """Return the construct path of a nested stack, beside which its resource stands; empty when that is not told."""
    match = NESTED_RESOURCE.fullmatch(stack.path)
    return "" if match is None else match[1]


def template_files(
    stacks: Iterable[Resource], folder: Path, by_construct: Mapping[str, str]
) -> Iterator[tuple[Resource, str]]:
    """Tell each nested stack whose template the assembly holds, with the name of its file.

    Args:
        stacks: The resources that are nested stacks.
        folder: The folder of the template they stand in.
        by_construct: The files of templates by the construct paths of their stacks, as far as the assembly tells.
    """
    assets: Mapping[str, str] | None = None
    for stack in stacks:
        told = by_construct.get(construct_of(stack))
        if told is None:
            told = stack.metadata.get(ASSET_PATH)
        if not isinstance(told, str):
            assets = _files_of_assets(folder) if assets is None else assets
            asset = ASSET_ID.search(json.dumps(stack.raw.get("TemplateURL")))
            told = None if asset is None else assets.get(asset[0])
        if told is not None:
            yield stack, told


def by_template(own: str, paths: Iterable[tuple[str, str]], templates: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return construct paths by the file of their template and their logical id, which repeats between templates.

    Those of a nested stack whose file is not told are found under the construct path of that stack.

    Args:
        own: The file of the template of the stack itself.
        paths: The construct path and the logical id of each of its resources, those of nested stacks among them.
        templates: The file of the template of each stack by its construct path.
    """
    found: dict[str, dict[str, str]] = {own: {}}
    told = list(paths)
    nested = [match[1] for path, _ in told if (match := NESTED_RESOURCE.fullmatch(path)) is not None]
    files = {**{each: each for each in nested}, **templates}
    for path, logical_id in told:
        parts = path.split("/")
        above = ("/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
        file = next((files[each] for each in above if each in files), own)
        found.setdefault(file, {})[logical_id] = path
    return found


def _files_of_assets(folder: Path) -> Mapping[str, str]:
    """The files of all assets of a folder, whether or not they are there."""
    found: dict[str, str] = {}
    for manifest in sorted(folder.glob("*.assets.json")):
        try:
            files = JsonObject.read(manifest).values.get("files")
        except AssemblyError:
            continue
        for asset_id, asset in files.items() if isinstance(files, dict) else ():
            source = asset.get("source") if isinstance(asset, dict) else None
            if isinstance(source, dict) and isinstance(source.get("path"), str):
                found[asset_id] = source["path"]
    return found
