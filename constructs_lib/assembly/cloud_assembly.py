"""A synthesized cloud assembly: its stacks in the order they must be deployed, and their templates."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.asset_manifest import AssetManifest
from constructs_lib.assembly.json_document import AssemblyError, JsonObject
from constructs_lib.assembly.nested_templates import by_template
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANIFEST = "manifest.json"
STACK = "aws:cloudformation:stack"
ASSETS = "cdk:asset-manifest"
NESTED = "cdk:cloud-assembly"
LOGICAL_ID = "aws:cdk:logicalId"  # metadata that tells which construct a logical id stands for
TEMPLATE_FILE = "aws:cdk:templateFile"  # metadata that tells which construct the stack of a template is
PATH = "aws:cdk:path"  # the same, in the template itself
ENVIRONMENT = re.compile(r"aws://(?P<account>[^/]+)/(?P<region>[^/]+)")
DEV = "dev"  # the stage that is meant where none is named
NOT_AN_ASSEMBLY = "name the folder that `cdk synth` writes (cdk.out), which holds manifest.json"


@dataclass(frozen=True, slots=True)
class StackArtifact:
    """One stack of an assembly.

    Args:
        artifact_id: Its id in the manifest.
        name: The name CloudFormation knows it by.
        path: Its construct path, as the user would say it.
        account: The account it is bound to. Default: any.
        region: The region it is bound to. Default: any.
        template_path: The file its template was read from.
        template: The template.
        parameters: Values for the template's parameters.
        tags: Tags of the stack.
        assets: What has to be uploaded first.
        bootstrap_parameter: The SSM parameter whose value is the version of the bootstrap stack, if it needs one.
        depends_on: The artifact ids of the stacks that must stand first.
        paths: The construct paths of its resources by logical id, as far as the assembly tells.
        nested_paths: The same for the stacks nested in it, by the files of their templates.
        nested_templates: The files of their templates by the construct paths of the stacks.
        stage: The construct path of the stage it belongs to; empty outside of all stages.
    """

    artifact_id: str
    name: str
    path: str
    account: str | None
    region: str | None
    template_path: Path
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    assets: tuple[AssetManifest, ...]
    bootstrap_parameter: str | None
    depends_on: tuple[str, ...]
    paths: Mapping[str, str]
    nested_paths: Mapping[str, Mapping[str, str]]
    nested_templates: Mapping[str, str]
    stage: str = ""

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The template's resources by logical id; what is not an object is left out."""
        resources = self.template["Resources"]
        return {key: value for key, value in resources.items() if isinstance(value, dict)}

    def construct_path(self, logical_id: str) -> str:
        """Return the path a user knows a resource by; its logical id when nothing says more."""
        metadata = self.resources.get(logical_id, {}).get("Metadata")
        told = metadata.get(PATH) if isinstance(metadata, dict) else None
        path = told if isinstance(told, str) else self.paths.get(logical_id, logical_id)
        return path.removesuffix("/Resource").removesuffix("/Default")


@dataclass(frozen=True, slots=True)
class CloudAssembly:
    """What one synthesis wrote.

    Args:
        folder: The folder it stands in.
        stacks: Every stack, also those of nested assemblies, each after the stacks it depends on.
        stage: The stage these were chosen by. Default: all are here.
    """

    folder: Path
    stacks: tuple[StackArtifact, ...]
    stage: str | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """The construct paths of the stages that have stacks, in the order of the assembly."""
        return tuple(dict.fromkeys(each.stage for each in self.stacks if each.stage))

    def of_stage(self, stage: str | None = None) -> CloudAssembly:
        """One stage alone, with the stacks that belong to none.

        Args:
            stage: Its construct path. Default: the only one; of several `dev`, or else the first.

        Raises:
            AssemblyError: There is no such stage.
        """
        stages = self.stages
        if stage is None and not stages:
            return self
        chosen = (DEV if DEV in stages else stages[0]) if stage is None else stage
        if chosen not in stages:
            raise AssemblyError(
                Problem(
                    what=f"the app has no stage {chosen!r}" + ("" if stages else ", nor any other"),
                    where=str(self.folder / MANIFEST),
                    fix=f"use {', '.join(stages)}" if stages else "leave the stage out, or put stacks into a cdk.Stage",
                )
            )
        return CloudAssembly(self.folder, tuple(each for each in self.stacks if each.stage in {"", chosen}), chosen)

    @classmethod
    def read(cls, folder: Path | str, *, deployable: bool = True) -> CloudAssembly:
        """Read an assembly.

        Args:
            folder: The folder that `cdk synth` wrote.
            deployable: Whether it is to be deployed, so that all it uploads must be there, and no stack be empty. Who
                only looks at templates asks for less, and gets no assets.

        Raises:
            AssemblyError: It is missing, broken, or lacks values that only a lookup can fill in.

        Example:
            >>> [stack.name for stack in CloudAssembly.read("cdk.out").stacks]
            ['Greeting', 'Users']
        """
        root = Path(folder).absolute()
        return cls(root, tuple(_stacks_of(root, root, (), deployable, "")))


def _stacks_of(
    folder: Path, root: Path, parents: tuple[Path, ...], deployable: bool, stage: str
) -> Iterator[StackArtifact]:
    manifest = JsonObject.read(folder / MANIFEST, fix=NOT_AN_ASSEMBLY)
    if folder.resolve() in parents:
        raise manifest.error("the assembly contains itself")
    manifest.require("version", str)
    _refuse_missing_lookups(manifest)
    artifacts = manifest.objects("artifacts")
    for artifact_id in _in_order(manifest, artifacts):
        artifact = artifacts[artifact_id]
        kind = artifact.require("type", str)
        if kind == STACK:
            yield replace(_stack(artifact_id, artifact, artifacts, root, deployable), stage=stage)
        elif kind == NESTED:
            properties = artifact.object("properties")
            name = properties.require("directoryName", str)
            inside = stage or properties.get("displayName", str, artifact_id)  # a stage in a stage goes with it
            yield from _stacks_of(
                _inside(root, folder, name, artifact), root, (*parents, folder.resolve()), deployable, inside
            )


def _in_order(manifest: JsonObject, artifacts: Mapping[str, JsonObject]) -> Iterator[str]:
    """Every artifact after those it depends on, otherwise in the order of the manifest."""
    graph = {key: list(artifact.strings("dependencies")) for key, artifact in artifacts.items()}
    for key, needed in graph.items():
        for each in needed:
            if each not in artifacts:
                raise manifest.error(f"artifact {key} depends on {each}, which the manifest does not have")
    try:
        return iter(tuple(TopologicalSorter(graph).static_order()))
    except CycleError as error:
        raise manifest.error(f"artifacts depend on each other in a circle: {' -> '.join(error.args[1])}") from error


def _stack(
    artifact_id: str, artifact: JsonObject, artifacts: Mapping[str, JsonObject], root: Path, deployable: bool
) -> StackArtifact:
    properties = artifact.object("properties")
    folder = artifact.path.parent
    template_path = _inside(root, folder, properties.require("templateFile", str), artifact)
    template = JsonObject.read(template_path) if deployable else _read_to_look_at(template_path)
    if deployable or template.values.get("Resources") is not None:
        template.require("Resources", dict)
    metadata = _metadata(artifact, root)
    templates = {path: data for path, kind, data in metadata if kind == TEMPLATE_FILE}
    logical_ids = ((path, data) for path, kind, data in metadata if kind == LOGICAL_ID)
    paths = by_template(template_path.name, logical_ids, templates)
    environment = artifact.get("environment", str, "aws://unknown-account/unknown-region")
    match = ENVIRONMENT.fullmatch(environment)
    if match is None:
        raise artifact.error(f"stack {artifact_id} has the environment {environment!r}, not aws://<account>/<region>")
    depends_on = artifact.strings("dependencies")
    assets = [key for key in depends_on if artifacts[key].values.get("type") == ASSETS]
    return StackArtifact(
        artifact_id=artifact_id,
        name=properties.get("stackName", str, artifact_id),
        path=artifact.get("displayName", str, artifact_id).partition(" (")[0],
        account=_known(match["account"]),
        region=_known(match["region"]),
        template_path=template_path,
        template=template.values if "Resources" in template.values else {**template.values, "Resources": {}},
        parameters=_texts(properties, "parameters"),
        tags=_texts(properties, "tags"),
        assets=tuple(
            AssetManifest.read(
                _inside(root, folder, artifacts[key].object("properties").require("file", str), artifact)
            )
            for key in (assets if deployable else ())
        ),
        bootstrap_parameter=_bootstrap_parameter(properties, *(artifacts[key].object("properties") for key in assets)),
        depends_on=tuple(key for key in depends_on if artifacts[key].values.get("type") == STACK),
        paths=paths.pop(template_path.name),
        nested_paths=paths,
        nested_templates=templates,
    )


def _read_to_look_at(path: Path) -> JsonObject:
    """A template that is not deployed from here may be anybody's: it is read like any other file of a stranger."""
    from constructs_lib.assembly.data_file import read_document  # noqa: PLC0415 - the local run needs none of it

    return JsonObject({"template": read_document(path).value}, path).object("template")


def _metadata(artifact: JsonObject, root: Path) -> list[tuple[str, str, str]]:
    """Construct path, kind and text of what the metadata of a stack says, in the manifest or in a file of its own."""
    sources = [artifact.object("metadata")]
    more = artifact.get("additionalMetadataFile", str, "")
    if more:
        sources.append(JsonObject.read(_inside(root, artifact.path.parent, more, artifact)))
    return [
        (path.removeprefix("/"), str(entry.get("type")), entry["data"])
        for source in sources
        for path, entries in source.values.items()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("data"), str)
    ]


def _bootstrap_parameter(*properties: JsonObject) -> str | None:
    names = (each.get("bootstrapStackVersionSsmParameter", str, "") for each in properties)
    return next((name for name in names if name), None)


def _texts(properties: JsonObject, name: str) -> Mapping[str, str]:
    values = properties.object(name)
    return {key: values.require(key, str) for key in values.values}


def _known(text: str) -> str | None:
    return None if text.startswith("unknown-") else text


def _inside(root: Path, folder: Path, name: str, artifact: JsonObject) -> Path:
    """The path of a file the manifest names; an assembly has no business outside its own folder."""
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError) as error:
        raise artifact.error(f"{artifact.key} names a file that cannot exist: {name!r}") from error
    if not inside:
        raise artifact.error(f"{artifact.key} names a file outside the assembly: {name}")
    return path


def _refuse_missing_lookups(manifest: JsonObject) -> None:
    missing = manifest.get("missing", list, [])
    keys = [str(each.get("key", each)) if isinstance(each, dict) else str(each) for each in missing]
    if keys:
        raise AssemblyError(
            *(
                Problem(
                    what=f"the app asks for a value that is looked up in a real account: {key}",
                    where=str(manifest.path),
                    fix="run `cdk synth` once with credentials, which writes the value to cdk.context.json",
                )
                for key in keys
            )
        )
