"""Reads what `cdk synth` wrote: stacks, templates, assets. Imports no construct, so it serves any CDK app."""

from constructs_lib.assembly.asset_manifest import AssetManifest, FileAsset
from constructs_lib.assembly.cloud_assembly import CloudAssembly, StackArtifact
from constructs_lib.assembly.json_document import AssemblyError

__all__ = ["AssemblyError", "AssetManifest", "CloudAssembly", "FileAsset", "StackArtifact"]
