"""What the functions of a run are granted, kept in its state folder for `permissions`."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from constructs_lib.local.deployed_names import with_nested
from constructs_lib.problem import LocalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from constructs_lib.local.deployed_aws import DeployedAws

FILE = "grants.json"


@dataclass(frozen=True, slots=True)
class Granted:
    """What one function's role allows.

    Args:
        function: The physical name of the function.
        path: Its construct path.
        role: The name of its role.
        allowed: Pairs of an action and a resource, each with wildcards.
        needed: What its configuration needs: an action, a resource or `*`, and what needs it.
    """

    function: str
    path: str
    role: str
    allowed: tuple[tuple[str, str], ...]
    needed: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A deployed resource.

    Args:
        type: Its type, `AWS::SQS::Queue`.
        id: Its physical id.
        path: The path in the app it was defined under.
    """

    type: str
    id: str
    path: str


@dataclass(frozen=True, slots=True)
class PermissionsRecord:
    """The functions of a run with what they are granted, and every resource by its path.

    Args:
        functions: The functions.
        resources: The resources.
    """

    functions: Sequence[Granted] = ()
    resources: Sequence[Known] = ()

    @classmethod
    def of(cls, aws: DeployedAws) -> PermissionsRecord:
        """Ask a running AWS.

        Raises:
            LocalError: It does not answer.
        """
        paths = aws.function_paths()
        functions = [
            Granted(
                function=each["function"],
                path=paths.get(each["function"], each["function"]),
                role=each["role"],
                allowed=tuple(_pairs(each["allowed"])),
                needed=tuple((need["action"], need["resource"], need["by"]) for need in each["needed"]),
            )
            for each in aws.control.ask("grants")
        ]
        resources = [
            Known(each.type, each.physical_id, stack.artifact.construct_path(each.logical_id))
            for stack in with_nested(aws.stacks)
            for each in stack.resources.values()
        ]
        return cls(sorted(functions, key=lambda each: each.path), resources)

    @classmethod
    def read(cls, state: Path) -> PermissionsRecord | None:
        """Read what the last run in a state folder has kept; nothing when there was none."""
        try:
            kept = json.loads((state / FILE).read_bytes())
            functions = [
                Granted(
                    function=each["function"],
                    path=each["path"],
                    role=each["role"],
                    allowed=tuple((action, resource) for action, resource in each["allowed"]),
                    needed=tuple((action, resource, by) for action, resource, by in each["needed"]),
                )
                for each in kept["functions"]
            ]
            return cls(functions, [Known(**each) for each in kept["resources"]])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, state: Path) -> None:
        """Write it into a state folder."""
        kept = {
            "functions": [
                {
                    "function": each.function,
                    "path": each.path,
                    "role": each.role,
                    "allowed": each.allowed,
                    "needed": each.needed,
                }
                for each in self.functions
            ],
            "resources": [{"type": each.type, "id": each.id, "path": each.path} for each in self.resources],
        }
        (state / FILE).write_text(json.dumps(kept))

    @property
    def paths(self) -> Mapping[str, str]:
        """The construct path of every function by its physical name."""
        return {each.function: each.path for each in self.functions}


def keep_permissions(aws: DeployedAws, state: Path) -> PermissionsRecord | None:
    """Keep what is granted as things stand; an AWS that no longer answers leaves what was kept before."""
    with contextlib.suppress(LocalError):
        record = PermissionsRecord.of(aws)
        record.keep(state)
        return record
    return PermissionsRecord.read(state)


def _pairs(allowed: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    pairs = [
        (action, resource)
        for statement in allowed
        for action in statement["actions"]
        for resource in statement["resources"]
    ]
    return list(dict.fromkeys(pairs))
