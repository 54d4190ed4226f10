"""Turns what esbuild prints into problems with a place and a fix."""

from __future__ import annotations

import re
from pathlib import Path

from constructs_lib.bundling.nearest import nearest
from constructs_lib.bundling.package_json import json_in, package_name
from constructs_lib.bundling.project import Project
from constructs_lib.problem import Problem

NODE_SUFFIXES = frozenset({".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"})

_START = re.compile(r"^\S+ \[(?P<kind>ERROR|WARNING)\] (?P<message>.*?)(?: \[(?P<id>[a-z-]+)\])?$")
_PLACE = re.compile(r"^ {4}(?P<file>.+?):(?P<line>\d+):(?P<column>\d+):$")
_SOURCE_LINE = re.compile(r"^ {4,}\d+ │ (?P<text>.*)$")
_UNRESOLVED = re.compile(r'^Could not resolve "(?P<import>.+)"$')
_NO_EXPORT = re.compile(r'^No matching export in "(?P<file>.+)" for import "(?P<name>.+)"$')
_MEANT = re.compile(r'^ {2}Did you mean to import "(?P<name>.+)" instead\?$')
_TOP_LEVEL_AWAIT = re.compile(r"^Top-level await is ")
_NO_LOADER = re.compile(r'^No loader is configured for "(?P<suffix>.+)" files: (?P<file>.+)$')

_COMPUTED = "is computed, so nothing is bundled for it: name the modules it may be, or add them with include=[...]"
_NOTES = {  # what esbuild's warnings mean here, by their ids
    "unsupported-require-call": f"what this require() loads {_COMPUTED}",
    "unsupported-dynamic-import": f"what this import() loads {_COMPUTED}",
    "empty-import-meta": "a bundle is CommonJS: of import.meta it only has url, dirname and filename",
}


class _Message:
    """One error or warning as esbuild printed it."""

    def __init__(self, text: str, kind: str, name: str | None) -> None:
        self.text = text
        self.kind = kind
        self.name = name
        self.notes: list[str] = []
        self.file: str | None = None
        self.line = 0
        self.byte_column = 0
        self.source = ""

    def read(self, line: str) -> None:
        place = _PLACE.match(line)
        source = _SOURCE_LINE.match(line)
        if place is not None and self.file is None:
            self.file, self.line, self.byte_column = place["file"], int(place["line"]), int(place["column"])
        elif source is not None and not self.source:
            self.source = source["text"].strip()
        else:
            self.notes.append(line)

    def where(self, project: Project) -> str:
        if self.file is None:
            return project.relative(project.folder)
        return f"{self.file}:{self.line}:{self._column(project)}"

    def _column(self, project: Project) -> int:
        """Count characters from 1, as editors do; esbuild counts bytes from 0."""
        try:
            line = (project.folder / str(self.file)).read_bytes().split(b"\n")[self.line - 1]
        except (OSError, IndexError):
            return self.byte_column + 1
        return len(line[: self.byte_column].decode("utf-8", "replace")) + 1


def problems_in(stderr: str, project: Project) -> list[Problem]:
    """Return every error in esbuild's output, in its order, each once."""
    problems = [_problem(message, project) for message in _messages(stderr) if message.kind == "ERROR"]
    if not problems:
        said = stderr.strip().splitlines()
        problems = [Problem(f"esbuild failed: {said[-1] if said else 'it said nothing'}", ".", "run it again")]
    return list(dict.fromkeys(problems))


def warnings_in(stderr: str, project: Project) -> dict[str, list[str]]:
    """Return every warning in esbuild's output, as a note, by the file it is about."""
    notes: dict[str, list[str]] = {}
    for message in _messages(stderr):
        if message.kind == "WARNING" and message.file is not None:
            said = _NOTES.get(str(message.name), message.text)
            notes.setdefault(message.file, []).append(f"{message.where(project)}: {said}")
    return {file: list(dict.fromkeys(about)) for file, about in notes.items()}


def _messages(stderr: str) -> list[_Message]:
    messages: list[_Message] = []
    for line in stderr.splitlines():
        start = _START.match(line)
        if start is not None:
            messages.append(_Message(start["message"], start["kind"], start["id"]))
        elif messages:
            messages[-1].read(line)
    return messages


def _problem(message: _Message, project: Project) -> Problem:
    where = message.where(project)
    unresolved = _UNRESOLVED.match(message.text)
    if unresolved is not None:
        return _unresolved(unresolved["import"], message, project)
    no_export = _NO_EXPORT.match(message.text)
    if no_export is not None:
        meant = next((found["name"] for note in message.notes if (found := _MEANT.match(note))), None)
        fix = f'did you mean "{meant}"?' if meant else f"export {no_export['name']} there, or import another name"
        return Problem(f'"{no_export["file"]}" has no export "{no_export["name"]}"', where, fix)
    no_loader = _NO_LOADER.match(message.text)
    if no_loader is not None:
        return Problem(
            f'a "{no_loader["suffix"]}" file cannot be bundled: {no_loader["file"]}',
            where,
            "read it at run time, and add it to the bundle with include=[...]",
        )
    if _TOP_LEVEL_AWAIT.match(message.text):
        return Problem(
            "await outside of a function: a bundle is CommonJS, which cannot wait while it is loaded",
            where,
            "keep the promise (const ready = start()), and await it in the handler"
            if "node_modules/" not in str(message.file)
            else "use a version of the package that does not wait while it is loaded",
        )
    what = message.text[:1].lower() + message.text[1:]
    fix = f"mend the syntax: {message.source}" if message.source else "mend the file"
    return Problem(what, where, fix)


def _unresolved(wanted: str, message: _Message, project: Project) -> Problem:
    importer = project.folder / str(message.file)
    what = f'"{wanted}" cannot be resolved'
    if wanted.startswith("."):
        target = importer.parent / wanted
        meant = _nearest_module(target)
        if meant is None:
            return Problem(what, message.where(project), f"create {project.relative(target)}, or correct the import")
        prefix = wanted[: len(wanted) - len(target.name)]
        return Problem(what, message.where(project), f'did you mean "{prefix}{meant}"?')
    name = package_name(wanted)
    if wanted.startswith(("@/", "~", "#", "/")):
        fix = "add it to paths in tsconfig.json (or imports in package.json), or correct the import"
        return Problem(what, message.where(project), fix)
    if _installed(name, importer.parent):
        return Problem(what, message.where(project), f"{name} is installed, but has no such file or export: correct it")
    declared = _declared(importer.parent)
    if name in declared:
        return Problem(what, message.where(project), "npm install (package.json names it, but it is not installed)")
    meant = nearest(name, declared)
    hint = f' (or did you mean "{meant}"?)' if meant else ""
    return Problem(what, message.where(project), f"npm install {name}{hint}")


def _nearest_module(target: Path) -> str | None:
    try:
        names = [path.name for path in target.parent.iterdir() if path.is_dir() or path.suffix in NODE_SUFFIXES]
    except OSError:
        return None
    stems = {Path(name).stem: name for name in names}
    meant = nearest(target.name, [*names, *stems])
    return None if meant is None else Path(stems.get(meant, meant)).stem


def _installed(name: str, folder: Path) -> bool:
    return any((above / "node_modules" / name).is_dir() for above in (folder, *folder.parents))


def _declared(folder: Path) -> set[str]:
    for above in (folder, *folder.parents):
        if (above / "package.json").is_file():
            package = json_in(str(above / "package.json")) or {}
            fields = (package.get(field) for field in ("dependencies", "devDependencies"))
            return {name for field in fields if isinstance(field, dict) for name in field}
    return set()
