"""Puts the assets of a stack into their bucket: zipped so that equal content gives equal bytes, and only once."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import zipfile
from typing import TYPE_CHECKING

from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constructs_lib.assembly import AssetManifest, FileAsset
    from constructs_lib.local.aws_clients import AwsClients

BOOTSTRAP_BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold; CDK uses it, too
FASTEST = 1  # the zip never leaves this machine


class AssetUpload:
    """Uploads assets to the buckets their manifests name, and makes the buckets.

    Args:
        clients: Where to.
        account: The account that `${AWS::AccountId}` stands for.
    """

    def __init__(self, clients: AwsClients, account: str) -> None:
        """Start with no bucket known to stand."""
        self._clients = clients
        self._account = account
        self._buckets: set[tuple[str, str]] = set()

    def upload(self, manifest: AssetManifest, region: str) -> int:
        """Upload what is not there yet, and return how many files that were.

        Container images stay where they are: nothing runs them here, and what wants one says so when it is called.
        """
        return sum(self._upload_file(file, region) for file in manifest.files)

    def put_text(self, text: str, name: str, region: str) -> str:
        """Upload a text to the bootstrap bucket and return the URL it is found at."""
        bucket = self._filled(BOOTSTRAP_BUCKET, region)
        self._make_bucket(bucket, region)
        self._clients.client("s3", region).put_object(Bucket=bucket, Key=name, Body=text.encode())
        return f"{self._clients.endpoint}/{bucket}/{name}"

    def _upload_file(self, file: FileAsset, stack_region: str) -> bool:
        region = stack_region if file.region is None else self._filled(file.region, stack_region)
        bucket, key = self._filled(file.bucket, region), self._filled(file.key, region)
        self._make_bucket(bucket, region)
        s3 = self._clients.client("s3", region)
        if s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount", 0):
            return False  # keys are hashes of the content
        s3.put_object(Bucket=bucket, Key=key, Body=packed(file))
        return True

    def _filled(self, text: str, region: str) -> str:
        return (
            text.replace("${AWS::AccountId}", self._account)
            .replace("${AWS::Region}", region)
            .replace("${AWS::Partition}", "aws")
        )

    def _make_bucket(self, bucket: str, region: str) -> None:
        if (bucket, region) in self._buckets:
            return
        s3 = self._clients.client("s3", region)
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        stands = (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists)
        with contextlib.suppress(*stands):
            s3.create_bucket(Bucket=bucket, **where)
        self._buckets.add((bucket, region))


def remove_stand_ins(clients: AwsClients, account: str, region: str) -> None:
    """Remove what stands in for `cdk bootstrap` when deploying directly, since the real one wants to make it itself."""
    s3 = clients.client("s3", region)
    bucket = BOOTSTRAP_BUCKET.replace("${AWS::AccountId}", account).replace("${AWS::Region}", region)
    with contextlib.suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=each["Key"])
        s3.delete_bucket(Bucket=bucket)
    ssm = clients.client("ssm", region)
    with contextlib.suppress(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name=BOOTSTRAP_PARAMETER)


def packed(file: FileAsset) -> bytes:
    """Return the bytes to upload for an asset.

    Raises:
        LocalError: Something in the asset cannot be read.
    """
    try:
        if file.packaging == "file":
            return file.source.read_bytes()
        return zipped(file.source)
    except OSError as error:
        problem = Problem(
            what=f"asset {file.asset_id} cannot be read: {error.strerror or error}",
            where=str(error.filename or file.source),
            fix="synthesize again, or make the file readable",
        )
        raise LocalError(problem) from error


def zipped(folder: Path) -> bytes:
    """Zip a folder so that equal names, modes and bytes always give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=FASTEST) as archive:
        for path in sorted(_files_below(folder), key=lambda each: each.relative_to(folder).as_posix()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            executable = path.stat().st_mode & stat.S_IXUSR
            entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file, links followed as CDK follows them, save those that lead back to a folder on their own way."""
    pending = [(folder, frozenset({folder.resolve()}))]
    while pending:
        current, ancestors = pending.pop()
        with os.scandir(current) as entries:
            for entry in entries:
                path = current / entry.name
                if not entry.is_dir():
                    yield path
                elif path.resolve() not in ancestors:
                    pending.append((path, ancestors | {path.resolve()}))
