"""`constructs-lib openapi`: writes the document of an app that was synthesized."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs_lib.assembly.model import Assembly
from constructs_lib.openapi.document import document_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line.

    Args:
        paths: The assembly, or template files.
        api: The construct path of an API, or of a stack or stage; empty for all.
        title: The title of the document; empty for the paths of its APIs.
        version: The version of the document.
    """

    paths: list[Path]
    api: str = ""
    title: str = ""
    version: str = "1"


def run(request: Request) -> int:
    """Write the document, as JSON, which is YAML too.

    Raises:
        ProblemError: There is no app to read, or no single document of it.
    """
    assembly = Assembly.read(*request.paths)
    document = document_of(assembly, api=request.api, title=request.title, version=request.version)
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return 0
