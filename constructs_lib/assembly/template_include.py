"""What a template includes from files beside it, by `AWS::Include`; what it includes from S3 stays as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.data_file import read_document_beside, refusal
from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.template_document import INCLUDE, MalformedTextError, printed, refuse_deep_nesting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_INCLUDED = 100  # files; they are small, and nobody includes more
MAX_BYTES = 1024 * 1024  # of one file


def include_local_files(template: Any, path: Path) -> dict[str, str]:
    """Put the files that a template includes from its own folder in their places.

    Includes are not nested, as in CloudFormation: what a file includes in turn stays as it is written.

    Args:
        template: What was read, which is changed.
        path: The template's file.

    Returns:
        The files that could not be read, each with the reason.

    Raises:
        AssemblyError: There are too many of them, or all together are nested too deeply.
    """
    unread: dict[str, str] = {}
    found = list(_includes(template))
    if len(found) > MAX_INCLUDED:
        raise refusal([(f"more than {MAX_INCLUDED} files are included", str(path))], "include fewer files")
    for parent, name in found:
        try:
            parent.update(_included(path.parent, name, set(parent)))
        except AssemblyError as error:
            unread[printed(f"AWS::Include {name}")] = error.problems[0].what
        else:
            del parent[INCLUDE]
    if found:
        try:
            refuse_deep_nesting(template)
        except MalformedTextError as error:
            raise refusal([(error.what, str(path))], "include what is nested less deeply") from error
    return unread


def _includes(template: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object that includes a file of this machine, and the file's name."""
    level = [template]
    while level:
        parent = level.pop()
        if isinstance(parent, dict):
            name = _local_file(parent[INCLUDE]) if INCLUDE in parent else None
            if name:
                yield parent, name
            level += [each for each in parent.values() if each.__class__ is dict or each.__class__ is list]
        elif isinstance(parent, list):
            level += [each for each in parent if each.__class__ is dict or each.__class__ is list]


def _local_file(transform: Any) -> str | None:
    if not isinstance(transform, dict) or transform.get("Name") != "AWS::Include":
        return None
    parameters = transform.get("Parameters")
    location = parameters.get("Location") if isinstance(parameters, dict) else None
    return location if isinstance(location, str) and "://" not in location else None


def _included(folder: Path, name: str, taken: set[str]) -> dict[str, Any]:
    value = read_document_beside(folder, name, limit=MAX_BYTES).value
    if not isinstance(value, dict):
        raise refusal([("the file holds no object", name)], "include an object")
    return {key: each for key, each in value.items() if key not in taken}
