"""Nested stacks of an assembly, each as a stack by itself: what a user knows the resources in it by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from constructs_lib.assembly.json_document import AssemblyError, JsonObject
from constructs_lib.assembly.nested_templates import ASSET_PATH, NESTED_RESOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly import StackArtifact

NESTED = "AWS::CloudFormation::Stack"


def nested_artifacts(artifact: StackArtifact) -> Iterator[tuple[str, StackArtifact]]:
    """Return what is nested in a stack, by the logical id it has there, as far as the assembly holds the templates.

    Its assets are in the manifests of the stack around it.
    """
    for logical_id, declared in artifact.resources.items():
        if declared.get("Type") != NESTED:
            continue
        match = NESTED_RESOURCE.fullmatch(artifact.construct_path(logical_id))
        construct = "" if match is None else match[1]
        metadata = declared.get("Metadata")
        told = metadata.get(ASSET_PATH) if isinstance(metadata, dict) else None
        file = artifact.nested_templates.get(construct, told)
        if not isinstance(file, str):
            continue
        path = artifact.template_path.parent / file
        try:
            template = JsonObject.read(path)
        except AssemblyError:
            continue
        if isinstance(template.values.get("Resources"), dict):
            paths = artifact.nested_paths.get(path.name) or artifact.nested_paths.get(construct, {})
            yield logical_id, replace(artifact, template_path=path, template=template.values, paths=paths)
