"""Any CloudFormation or SAM template, JSON or YAML, from anybody: read, or refused with its file and line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.data_file import place, read_document, refusal
from constructs_lib.assembly.template_document import Document, MalformedTextError
from constructs_lib.assembly.template_include import include_local_files
from constructs_lib.assembly.template_loops import write_out_loops
from constructs_lib.assembly.template_shape import take_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.assembly.json_document import AssemblyError

SUFFIXES = {".json", ".yaml", ".yml", ".template"}
MEND = "mend the template: CloudFormation would refuse it too"


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One template.

    Args:
        path: The file it was read from.
        stack_name: The file's name without its suffixes; several files are one app, and a file's name is its stack.
        template: The template, functions in their long form. Every resource is an object with a type.
        lines: The line each resource begins at, by its logical id.
        unread: Parts of the template that are not known before it is deployed, each with the reason.
        origins: The SAM resource that each generated one comes from, by logical id.
    """

    path: Path
    stack_name: str
    template: dict[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    def source(self, logical_id: str) -> str:
        """Return the file, and the line where it is known, of a resource."""
        line = self.lines.get(logical_id)
        return f"{self.path}:{line}" if line else str(self.path)

    def error(self, *wrong: tuple[str, str | None], fix: str) -> AssemblyError:
        """Return an error about this template, to be raised: what is wrong, and with which resource."""
        return refusal([(what, self.source(key) if key else str(self.path)) for what, key in wrong], fix)


def read_template(path: Path | str) -> TemplateFile:
    """Read a template.

    Raises:
        AssemblyError: The file cannot be read, is neither JSON nor YAML, or is no template.

    Example:
        >>> read_template("shop.template.json").stack_name
        'shop'
    """
    path = Path(path)
    document = read_document(path)
    unread = include_local_files(document.value, path) if document.may_include else {}
    lines = {**document.lines, **_lines_of_loops(document, path)}
    shape = take_shape(document.value)
    if shape.wrong:
        places = [(what, place(path, lines.get(key) if key else None)) for what, key in shape.wrong]
        raise refusal(places, MEND)
    return TemplateFile(
        path=path,
        stack_name=stack_name_of(path),
        template=document.value,
        lines=lines,
        unread={**unread, **shape.unread},
    )


def _lines_of_loops(document: Document, path: Path) -> dict[str, int]:
    try:
        made = write_out_loops(document.value)
    except MalformedTextError as error:
        raise refusal([(error.what, str(path))], MEND) from error
    return {key: document.lines[loop] for key, loop in made.items() if loop in document.lines}


def stack_name_of(path: Path) -> str:
    """Return the name of the stack that a template's file stands for."""
    name = path.name
    while (suffix := Path(name).suffix) in SUFFIXES:
        name = name.removesuffix(suffix)
    return name
