"""Buckets on the page: their objects, a page of them at a time; one to download, one to upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.local.page.asked import text

if TYPE_CHECKING:
    from constructs_lib.local.page.asked import Asked
    from constructs_lib.local.page.clients import PageClients

MOST_OBJECTS = 200


def objects(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Return a page of a bucket's objects."""
    s3 = clients.client("s3", text(asked, "region"))
    told = {"Bucket": text(asked, "bucket"), "Prefix": text(asked, "prefix", default=""), "MaxKeys": MOST_OBJECTS}
    if token := text(asked, "next", default=""):
        told["ContinuationToken"] = token
    found = s3.list_objects_v2(**told)
    listed = [
        {"key": each["Key"], "bytes": each["Size"], "changed": each["LastModified"].timestamp()}
        for each in found.get("Contents", [])
    ]
    return {"objects": listed, "next": found.get("NextContinuationToken", "")}


def download(clients: PageClients, asked: Asked) -> bytes:
    """Return the content of an object."""
    s3 = clients.client("s3", text(asked, "region"))
    content: bytes = s3.get_object(Bucket=text(asked, "bucket"), Key=text(asked, "key"))["Body"].read()
    return content


def upload(clients: PageClients, asked: Asked, content: bytes) -> dict[str, Any]:
    """Put an object into a bucket."""
    s3 = clients.client("s3", text(asked, "region"))
    kind = text(asked, "type", default="") or "application/octet-stream"
    key = text(asked, "key")
    with clients.trace() as trace:
        s3.put_object(Bucket=text(asked, "bucket"), Key=key, Body=content, ContentType=kind)
    return {"key": key, "bytes": len(content), "trace": trace}
