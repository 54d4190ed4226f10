"""Reads what of a package.json decides which file an import gets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

MAIN_FIELDS = ("module", "main")  # in esbuild's order, see --main-fields

# A string, or a comment, or a comma before a closing bracket: only the strings are kept.
_NOT_JSON = re.compile(
    r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/|,(?=\s*(?://[^\n]*\n\s*|/\*.*?\*/\s*)*[}\]])', re.DOTALL
)


def json_in(path: str) -> dict[str, Any] | None:
    """Return the content of a JSON file that may have comments, trailing commas and a byte order mark."""
    try:
        text = Path(path).read_text("utf-8-sig")
        content = json.loads(_NOT_JSON.sub(lambda found: found[1] if found[1] is not None else "", text))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def package_name(wanted: str) -> str:
    """Return the package an import names: @scope/name/file -> @scope/name."""
    parts = wanted.split("/")
    return "/".join(parts[:2]) if wanted.startswith("@") else parts[0]


def entrances(package: dict[str, Any], subpath: str) -> list[str]:
    """Return every file of a package that an import of it may mean, relative to the package.

    Args:
        package: The content of package.json.
        subpath: What follows the package's name: "." or "./file".
    """
    found = targets_of(package.get("exports"), subpath)
    if subpath == ".":
        found += [package[field] for field in MAIN_FIELDS if isinstance(package.get(field), str)]
        found.append("index")
    else:
        found.append(subpath)
    return list(dict.fromkeys(found))


def targets_of(exports: object, subpath: str) -> list[str]:
    """Return every target that `exports` names for a subpath, under whatever condition."""
    if not isinstance(exports, dict) or not any(str(key).startswith(".") for key in exports):
        return _strings(exports, "") if subpath == "." else []
    found: list[str] = []
    for key, value in exports.items():
        before, star, after = str(key).partition("*")
        if key == subpath:
            found += _strings(value, "")
        elif star and subpath.startswith(before) and subpath.endswith(after):
            found += _strings(value, subpath[len(before) : len(subpath) - len(after)])
    return list(dict.fromkeys(found))


def _strings(value: object, star: str) -> list[str]:
    if isinstance(value, str):
        return [value.replace("*", star)]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for one in inner for text in _strings(one, star)]
