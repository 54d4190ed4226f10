"""The `local upload` command: one file into one bucket."""

from __future__ import annotations

import mimetypes
import sys
from pathlib import Path

from constructs_lib.local.aws_clients import errors_explained
from constructs_lib.local.deployed_names import BUCKET, named
from constructs_lib.local.running import RunningAws
from constructs_lib.local.told_content import file_content
from constructs_lib.problem import LocalError, Problem


def run(state: Path, bucket: str, file: str, key: str | None) -> int:
    """Upload the file, and print the address of the object."""
    name = _key(file, key)
    content = sys.stdin.buffer.read() if file == "-" else file_content(file, "the file")
    aws = RunningAws.find(state)
    found = named(aws.stacks, BUCKET, bucket)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    with errors_explained(aws.endpoint):
        aws.clients.client("s3", found.region).put_object(Bucket=found.name, Key=name, Body=content, ContentType=kind)
    sys.stdout.write(f"s3://{found.name}/{name}\n")
    return 0


def _key(file: str, key: str | None) -> str:
    if key is not None:
        return key
    if file == "-":
        what = "what comes from standard input has no name to go by"
        raise LocalError(Problem(what=what, where="KEY", fix="name the key: upload BUCKET - KEY"))
    return Path(file).name
