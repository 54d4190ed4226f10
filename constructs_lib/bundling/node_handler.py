"""Refuses a Node entry without the function that Lambda would call."""

from __future__ import annotations

import re
from typing import Any

from constructs_lib.bundling.nearest import nearest
from constructs_lib.bundling.project import Project
from constructs_lib.problem import Problem

SHOWN = 30  # characters of a value that a message repeats

_STAR = re.compile(r"""^\s*export\s*\*\s*from\s*["'](?P<from>[^"']+)["']""", re.MULTILINE)
_BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# A number, a string, an array or a word: none of them can be called.
_WORDS = r"true\b|false\b|null\b|undefined\b"
_VALUE = rf"""(?P<value>[-+]?\d[\w.]*|"[^"\n]*"|'[^'\n]*'|`[^`$]*`|\[[^\[\]\n]*\]|{_WORDS})\s*(?:;|$)"""


def handler_problem(name: str, source: str, bundle: str, inputs: dict[str, Any], project: Project) -> Problem | None:
    """Return what is wrong with the export Lambda would call, if anything.

    Args:
        name: The name of the export.
        source: The entry, as esbuild's metafile names it.
        bundle: The bundled code.
        inputs: The inputs of esbuild's metafile.
        project: Where the sources are.
    """
    # CommonJS does not say what it exports until it runs.
    if inputs[source].get("format") == "cjs" or _reexports_commonjs(source, inputs, project, set()):
        return None
    # esbuild ends a CommonJS bundle of an ES module with a list of its exports, for Node to read without running it.
    listed = bundle.rpartition("0&&(module.exports={")[2].partition("}")[0] if "0&&(module.exports={" in bundle else ""
    exports = [one.partition(":")[0].strip('" ') for one in listed.split(",") if one.strip()]
    if name == "default" and "default:" in bundle:  # which that list leaves out
        exports.append(name)
    if name in exports:
        return _not_callable(name, source, project)
    if any(one.startswith("...") for one in exports):
        return None
    said = f"it exports: {', '.join(sorted(exports))}" if exports else "it exports nothing by name"
    return Problem(f'no export "{name}" ({said})', f"{source}:1:1", _fix(name, exports))


def _fix(name: str, exports: list[str]) -> str:
    last = name.rpartition(".")[2]
    if "." in name:
        return f'handler="{last}": the file is what entry names'
    meant = nearest(name, exports)
    fix = "export default ..." if name == "default" else f"export const {name} = ..."
    if meant is not None or len(exports) == 1:
        fix += f', or handler="{meant if meant is not None else exports[0]}"'
    return fix


def _text(source: str, project: Project) -> str:
    try:
        text = (project.folder / source).read_text("utf-8", "replace")
    except OSError:
        return ""
    return _BLOCK_COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)


def _reexports_commonjs(source: str, inputs: dict[str, Any], project: Project, seen: set[str]) -> bool:
    """Tell whether a module hands on everything of a CommonJS one, directly or through others."""
    if source in seen or source not in inputs:
        return False
    seen.add(source)
    wanted = {found["from"] for found in _STAR.finditer(_text(source, project))}
    for found in inputs[source]["imports"]:
        if found.get("original") in wanted and found["path"] in inputs:
            target = found["path"]
            if inputs[target].get("format") == "cjs" or _reexports_commonjs(target, inputs, project, seen):
                return True
    return False


def _not_callable(name: str, source: str, project: Project) -> Problem | None:
    declared = (
        rf"^\s*export\s+default\s+{_VALUE}"
        if name == "default"
        else rf"^\s*export\s+(?:const|let|var)\s+{re.escape(name)}\s*(?::[^=\n]*)?=\s*{_VALUE}"
    )
    text = _text(source, project)
    found = re.search(declared, text, re.MULTILINE)
    if found is None:
        return None
    line = text.count("\n", 0, found.start("value")) + 1
    column = found.start("value") - text.rfind("\n", 0, found.start("value"))
    shown = found["value"] if len(found["value"]) <= SHOWN else "a value"
    function = "async (event) => { ... }"
    fix = f"export default {function}" if name == "default" else f"export const {name} = {function}"
    return Problem(f'"{name}" is {shown}, not a function', f"{source}:{line}:{column}", fix)
