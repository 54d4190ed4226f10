"""Functions that bring programs of their own: custom runtimes, layers, extensions."""

from __future__ import annotations

import io
import textwrap
import zipfile
from dataclasses import replace
from typing import Any

from constructs_lib.local.executor.function import Function
from tests.local.runtime.functions import function

# A runtime of a few lines: it hands each event to `handle`, which the code below it defines.
RUNTIME = """#!/usr/bin/env python3
import http.client, json, os

HOST = os.environ["AWS_LAMBDA_RUNTIME_API"]
RUNTIME = "/2018-06-01/runtime"

def call(method, path, body=None, headers={}, host=HOST):
    connection = http.client.HTTPConnection(host)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, dict(answer.headers), answer.read()

def serve(handle):
    while True:
        _, headers, event = call("GET", RUNTIME + "/invocation/next")
        request = headers["Lambda-Runtime-Aws-Request-Id"]
        handle(json.loads(event), headers, RUNTIME + "/invocation/" + request)
"""


def programs(files: dict[str, str]) -> bytes:
    """A zip whose files may be executed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    return packed.getvalue()


def runtime(code: str) -> str:
    """A bootstrap in Python."""
    return RUNTIME + textwrap.dedent(code)


def custom(bootstrap: str, name: str, **configuration: Any) -> Function:
    """A function with a runtime of its own."""
    made = function({"bootstrap": bootstrap}, name, Runtime="provided.al2023", **configuration)
    return replace(made, code=programs({"bootstrap": bootstrap}))


def layered(made: Function, *layers: dict[str, str]) -> Function:
    """The function with layers of programs."""
    packed = tuple(programs(each) for each in layers)
    arns = tuple(f"arn:aws:lambda:us-east-1:000000000000:layer:{number}:1" for number in range(len(layers)))
    return replace(made, layers=packed, layer_arns=arns, revision=f"{made.revision}{hash(packed)}")
