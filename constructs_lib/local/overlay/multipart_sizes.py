"""S3 joins parts of 5 MiB and more, and a last one of any size.

Stock joins parts of any size, so that an upload which S3 refuses at its end works here.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

LEAST_BYTES = 5 * 1024 * 1024  # of every part but the last
PART_NUMBER = re.compile(rb"<PartNumber>\s*(\d+)\s*</PartNumber>")
TOO_SMALL = "Your proposed upload is smaller than the minimum allowed size"


def _wrap(stock: Any) -> Any:
    def complete_multipart_upload(
        bucket_name: str, key: str, body: bytes, query_params: Any, headers: Any = None
    ) -> Any:
        s3 = base("services.s3")
        upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId")) or {}
        is_meant = (upload.get("bucket"), upload.get("key")) == (bucket_name, key)
        stored = upload.get("parts") or {}
        numbers = sorted(int(each) for each in PART_NUMBER.findall(body)) if is_meant else []
        are_there = all(each in stored for each in numbers)
        if are_there and any(stored[each]["size"] < LEAST_BYTES for each in numbers[:-1]):
            return s3._error("EntityTooSmall", TOO_SMALL, HTTPStatus.BAD_REQUEST, f"/{bucket_name}/{key}")
        return stock(bucket_name, key, body, query_params, headers)

    return complete_multipart_upload


PATCHES = (
    Patch(
        "services.s3",
        "_complete_multipart_upload",
        ("bucket_name", "key", "body", "query_params", "headers"),
        _wrap,
    ),
)
