"""Gives deployed functions other code without touching their stack, and puts back what the stack says.

The next invocation runs the new code; the executor ends environments of any other. A stack does not know of it, so what
has been swapped is written down in the state folder, and every deployment ends with the code the templates name.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from constructs_lib.local.asset_upload import packed, zipped
from constructs_lib.local.deployed_names import FUNCTION, with_nested

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from constructs_lib.assembly import FileAsset
    from constructs_lib.local.aws_clients import AwsClients
    from constructs_lib.local.deploy import DeployedStack, Resource

VERSION = "AWS::Lambda::Version"
SWAPPED_FILE = "swapped.json"


@dataclass(frozen=True, slots=True)
class CodeUser:
    """A deployed function, and the asset it runs.

    Args:
        path: Its construct path.
        name: Its name in AWS.
        region: Its region.
        asset: The asset that its template names.
        is_versioned: Whether versions of it are published, which keep their code.
    """

    path: str
    name: str
    region: str
    asset: FileAsset
    is_versioned: bool


def code_users(stacks: Sequence[DeployedStack]) -> Iterator[CodeUser]:
    """Return every deployed function whose code is an asset."""
    for stack in with_nested(stacks):
        assets = {file.key: file for manifest in stack.artifact.assets for file in manifest.files}
        versioned = {_function_of(stack, each) for each in stack.of_type(VERSION)}
        for each in stack.of_type(*FUNCTION.types):
            code = _properties(stack, each).get("Code")
            key = code.get("S3Key") if isinstance(code, dict) else None
            asset = assets.get(key) if isinstance(key, str) else None
            if asset is not None:
                path = stack.path_of(each)
                yield CodeUser(path, each.physical_id, stack.region, asset, each.logical_id in versioned)


class CodeSwap:
    """Swaps the code of functions of one run.

    Args:
        clients: Where they are deployed.
        state: The state folder, where what has been swapped is written down.
    """

    def __init__(self, clients: AwsClients, state: Path) -> None:
        """Start with what an earlier run may have left."""
        self._clients = clients
        self._file = state / SWAPPED_FILE

    def swap(self, users: Sequence[CodeUser], folder: Path) -> None:
        """Have these functions run what a folder holds."""
        self._keep(self._kept() | {(user.region, user.name) for user in users})  # before, not after: we may be killed
        content = zipped(folder)
        for user in users:
            self._update(user, content)

    def restore(self, stacks: Sequence[DeployedStack]) -> None:
        """Have every swapped function run what its template names."""
        kept = self._kept()
        if not kept:
            return
        for user in code_users(stacks):
            if (user.region, user.name) in kept:
                self._update(user, packed(user.asset))
        self._file.unlink(missing_ok=True)

    def _update(self, user: CodeUser, content: bytes) -> None:
        client = self._clients.client("lambda", user.region)
        client.update_function_code(FunctionName=user.name, ZipFile=content)

    def _kept(self) -> set[tuple[str, str]]:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return {(region, name) for region, name in json.loads(self._file.read_bytes())}
        return set()

    def _keep(self, swapped: set[tuple[str, str]]) -> None:
        self._file.write_text(json.dumps(sorted(swapped)))


def _function_of(stack: DeployedStack, version: Resource) -> str:
    """The logical id of the function a version is of."""
    name = _properties(stack, version).get("FunctionName")
    return str(name.get("Ref", "")) if isinstance(name, dict) else ""


def _properties(stack: DeployedStack, resource: Resource) -> dict[str, Any]:
    properties = stack.artifact.resources.get(resource.logical_id, {}).get("Properties")
    return properties if isinstance(properties, dict) else {}
