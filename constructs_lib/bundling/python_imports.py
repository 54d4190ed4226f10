"""Finds the local files a Python handler needs, by reading its imports without running it."""

from __future__ import annotations

import ast
import math
import operator
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from constructs_lib.bundling.fingerprint import Files, Snapshot
from constructs_lib.bundling.project import Project
from constructs_lib.problem import Problem

Version = tuple[int, int]

# Modules that came or went: https://docs.python.org/3/whatsnew/ 3.11 to 3.14.
_ADDED: dict[Version, tuple[str, ...]] = {(3, 11): ("tomllib",), (3, 14): ("annotationlib", "compression")}
_REMOVED: dict[Version, tuple[str, ...]] = {
    (3, 12): ("asynchat", "asyncore", "distutils", "imp", "smtpd"),
    (3, 13): (
        *("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis"),
        *("nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"),
    ),
}


def standard_library(target: Version) -> frozenset[str]:
    """Return the top-level modules of a Python version, whichever version this is."""
    names = set(sys.stdlib_module_names)
    for version, added in _ADDED.items():
        names = names | set(added) if target >= version else names - set(added)
    for version, removed in _REMOVED.items():
        names = names - set(removed) if target >= version else names | set(removed)
    return frozenset(names)


@dataclass(frozen=True)
class Import:
    """One import statement's one module.

    Args:
        module: Its absolute dotted name.
        names: What is taken from it; each may be a submodule.
        where: File, line and column.
        optional: Whether the code goes on without it.
    """

    module: str
    names: tuple[str, ...]
    where: str
    optional: bool


@dataclass
class Closure:
    """The local files a handler needs, and what else it imports.

    Args:
        files: Local files, relative to the root, with their content.
        outside: Imports that are not local.
        problems: Local imports that lead nowhere, and files that are not Python.
        seen: What on the disk decided this.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    outside: list[Import] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: Snapshot = field(default_factory=Snapshot)


class LocalImports:
    """Follows imports below one root folder, the one that becomes /var/task."""

    def __init__(self, root: Path, target: Version, project: Project) -> None:
        """Follow imports below `root`, reading the source as Python `target`."""
        self._root = root
        self._target = target
        self._project = project
        self._files: Files = project.files
        self._closure = Closure()

    def closure(self, starts: Iterable[str]) -> Closure:
        """Return what these files, relative to the root, need."""
        waiting = list(starts)
        while waiting:
            name = waiting.pop()
            if name in self._closure.files:
                continue
            content = (self._root / name).read_bytes()
            self._closure.files[name] = content
            path = self._project.relative(self._root / name)
            digest = self._files.digest(str(self._root / name))
            if digest is not None:
                self._closure.seen.files[path] = digest
            waiting.extend(self._packages_above(name))
            if name.endswith(".py"):
                for found in self._imports(name, content):
                    waiting.extend(self._follow(found))
        self._closure.outside.sort(key=lambda found: found.where)
        return self._closure

    def _imports(self, name: str, content: bytes) -> list[Import]:
        where = self._project.relative(self._root / name)
        try:
            with warnings.catch_warnings(action="ignore"):
                tree = ast.parse(content, feature_version=min(self._target, sys.version_info[:2]))
            reader = _Reader(where, list(Path(name).parent.parts), self._target)
            reader.visit(tree)
        except RecursionError:
            what = "the source is nested too deeply to be read"
            self._closure.problems.append(Problem(what, f"{where}:1:1", "split its longest expression into several"))
            return []
        except (SyntaxError, ValueError) as error:
            line, column = (max(getattr(error, place, None) or 1, 1) for place in ("lineno", "offset"))
            newer = self._target > sys.version_info[:2]
            self._closure.problems.append(
                Problem(
                    getattr(error, "msg", None) or str(error),
                    f"{where}:{line}:{column}",
                    "mend the syntax"
                    + (f", or synthesize with Python {'.'.join(map(str, self._target))}" if newer else ""),
                )
            )
            return []
        self._closure.problems.extend(reader.problems)
        return reader.found

    def _packages_above(self, name: str) -> Iterator[str]:
        for above in Path(name).parents[:-1]:
            yield from self._existing(f"{above.as_posix()}/__init__.py")

    def _existing(self, name: str) -> Iterator[str]:
        path = self._root / name
        if self._files.exists(str(path)):
            yield name
        else:
            self._closure.seen.absent.add(self._project.relative(path))

    def _follow(self, found: Import) -> Iterator[str]:
        top = found.module.partition(".")[0]
        if not self._is_local(top):
            self._closure.outside.append(found)
            if self._is_folder(top) and "." in found.module and any(self._module(found.module)):
                self._closure.problems.append(self._hidden(top, found))
            return
        module = list(self._module(found.module))
        if not module and not self._is_folder(found.module):
            if not found.optional:
                self._closure.problems.append(self._lost(found))
            return
        yield from module
        for name in found.names:
            yield from self._module(f"{found.module}.{name}")

    def _is_local(self, top: str) -> bool:
        """Tell whether Python would take a module from the bundle.

        A folder without `__init__.py` gives way to any real module of that name, and is none without Python files.
        """
        if any(self._module(top)):
            return True
        if top in standard_library(self._target) or not self._is_folder(top):
            return False
        folder = str(self._root / top)
        sources = self._files.matches(folder, "**/*.py")
        if not sources:
            self._closure.seen.globs[f"{self._project.relative(folder)}\0**/*.py"] = sources
        return bool(sources)

    def _hidden(self, top: str, found: Import) -> Problem:
        return Problem(
            f'"{found.module}" is hidden: Python takes the {top} of its standard library before a folder'
            " without __init__.py",
            found.where,
            f"rename the folder {self._project.relative(self._root / top)}",
        )

    def _is_folder(self, module: str) -> bool:
        path = self._root.joinpath(*module.split("."))
        if self._files.names(str(path)) is None:
            self._closure.seen.absent.add(self._project.relative(path))
            return False
        return True

    def _module(self, module: str) -> Iterator[str]:
        """Give the file of a module and of the packages it is in, as Python's own finder prefers them."""
        place = module.replace(".", "/")
        package = list(self._existing(f"{place}/__init__.py"))
        found = package or list(self._existing(f"{place}.py"))
        for name in found:
            yield from self._packages_above(name)
            yield name

    def _lost(self, found: Import) -> Problem:
        place = self._project.relative(self._root.joinpath(*found.module.split(".")))
        return Problem(
            f'no module "{found.module}" (searched: {place}.py, {place}/)', found.where, "correct the import"
        )


class _Reader(ast.NodeVisitor):
    """Collects the imports of one file."""

    def __init__(self, where: str, package: list[str], target: Version) -> None:
        self._where = where
        self._target = target
        self._package = package
        self._optional = False
        self.found: list[Import] = []
        self.problems: list[Problem] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, (), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module if node.module is not None else ""
        if node.level:
            above = self._package[: len(self._package) - (node.level - 1)]
            if node.level > len(self._package):
                self.problems.append(
                    Problem(
                        "a relative import reaches above the root of the bundle",
                        self._at(node),
                        "import it by its absolute name, or move the root (its requirements.txt) up",
                    )
                )
                return
            module = ".".join([*above, *([module] if module else [])])
        self._add(module, tuple(alias.name for alias in node.names if alias.name != "*"), node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
        first = given[0].value if given and isinstance(given[0], ast.Constant) else None
        if called in {"import_module", "__import__"} and isinstance(first, str) and not first.startswith("."):
            self._add(first, (), node)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        test = node.test
        name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
        holds = False if name == "TYPE_CHECKING" else _holds(test, self._target)
        if holds is None:
            self.generic_visit(node)
        for child in node.body if holds else node.orelse if holds is False else ():
            self.visit(child)

    def visit_With(self, node: ast.With) -> None:
        outer = self._optional
        for item in node.items:
            self.visit(item)
            self._optional = self._optional or _suppresses_import_error(item.context_expr)
        for child in node.body:
            self.visit(child)
        self._optional = outer

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        outer = self._optional
        self._optional = outer or any(_catches_import_error(handler.type) for handler in node.handlers)
        for child in node.body:
            self.visit(child)
        for handler in node.handlers:  # the other way round is optional too: try: import tomllib / except: import tomli
            self.visit(handler)
        self._optional = outer
        for child in (*node.orelse, *node.finalbody):
            self.visit(child)

    visit_TryStar = visit_Try  # noqa: N815 - the name ast calls it by

    def _add(self, module: str, names: tuple[str, ...], node: ast.expr | ast.stmt) -> None:
        self.found.append(Import(module, names, self._at(node), self._optional))

    def _at(self, node: ast.expr | ast.stmt) -> str:
        return f"{self._where}:{node.lineno}:{node.col_offset + 1}"


def _catches_import_error(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple):
        return any(_catches_import_error(one) for one in caught.elts)
    return getattr(caught, "id", "") in {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def _suppresses_import_error(called: ast.expr) -> bool:
    if not isinstance(called, ast.Call):
        return False
    name = called.func.attr if isinstance(called.func, ast.Attribute) else getattr(called.func, "id", "")
    return name == "suppress" and any(_catches_import_error(one) for one in called.args)


_COMPARISONS: dict[type[ast.cmpop], Callable[[tuple[object, ...], tuple[object, ...]], bool]] = {
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def _holds(test: ast.expr, target: Version) -> bool | None:
    """Return the outcome of a test of `sys.version_info` against a literal; None for every other test."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in _COMPARISONS:
        return None
    try:
        asked = ast.literal_eval(test.comparators[0])
    except ValueError:
        return None
    left = ast.unparse(test.left).removeprefix("sys.")
    wanted = asked if isinstance(asked, tuple) else (asked,)
    if not all(type(part) is int for part in wanted):
        return None
    # The real tuple goes on after the minor version, with what no one knows before it runs.
    whole: dict[str, tuple[object, ...]] = {
        "version_info": (*target, math.inf),
        "version_info[:2]": target,
        "version_info[0]": target[:1],
        "version_info[1]": target[1:],
        "version_info.major": target[:1],
        "version_info.minor": target[1:],
    }
    if left not in whole or (left == "version_info" and len(wanted) > len(target)):
        return None
    return bool(_COMPARISONS[type(test.ops[0])](whole[left], wanted))
