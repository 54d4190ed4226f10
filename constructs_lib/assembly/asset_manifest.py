"""What an assembly wants uploaded before its stacks can stand: files and folders, each with its bucket and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from constructs_lib.assembly.json_document import JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileAsset:
    """One file or folder, and one place it is wanted at.

    Args:
        asset_id: The id of the asset in its manifest.
        source: The file or folder on this machine.
        packaging: Whether it is uploaded as it is, or zipped.
        bucket: The bucket's name; may hold `${AWS::AccountId}` and `${AWS::Region}`.
        key: The object's key.
        region: The region of the bucket, when the manifest names one.
        manifest: The file that says so.
    """

    asset_id: str
    source: Path
    packaging: Literal["file", "zip"]
    bucket: str
    key: str
    region: str | None
    manifest: Path


@dataclass(frozen=True, slots=True)
class AssetManifest:
    """The assets of one stack.

    Args:
        path: The manifest's file.
        files: Every file asset, once per destination.
        images: The ids of container images.
    """

    path: Path
    files: tuple[FileAsset, ...]
    images: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> AssetManifest:
        """Read a manifest.

        Raises:
            AssemblyError: It cannot be read, or asks for something that only the CDK CLI can do.
        """
        document = JsonObject.read(path)
        files = [
            file for asset_id, asset in document.objects("files").items() for file in _destinations(asset_id, asset)
        ]
        return cls(path, tuple(files), tuple(document.objects("dockerImages")))


def _destinations(asset_id: str, asset: JsonObject) -> Iterator[FileAsset]:
    source = asset.object("source")
    if "executable" in source.values:
        raise asset.error(
            f"asset {asset_id} is made by a program of its own", fix="bundle it when synthesizing, not when deploying"
        )
    packaging = source.get("packaging", str, "file")
    if packaging not in {"file", "zip"}:
        raise asset.error(f"asset {asset_id} wants to be packaged as {packaging!r}; known are 'file' and 'zip'")
    # An asset may stand outside the assembly: nested assemblies share their parent's, and staging can be turned off.
    path = asset.path.parent / source.require("path", str)
    if not _exists(path):
        raise asset.error(f"asset {asset_id} is missing: {path}")
    for destination in asset.objects("destinations").values():
        region = destination.get("region", str, "")
        yield FileAsset(
            asset_id=asset_id,
            source=path,
            packaging="zip" if packaging == "zip" else "file",
            bucket=destination.require("bucketName", str),
            key=destination.require("objectKey", str),
            region=region or None,
            manifest=asset.path,
        )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name no file system would take
        return False
