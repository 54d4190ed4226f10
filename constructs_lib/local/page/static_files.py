"""The files the browser loads: all of them known before the first is asked for, so that no path can lead elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@cache
def static_files() -> dict[str, tuple[str, bytes]]:
    """Return the type and the content of every file, by its path on the page."""
    files = [each for each in sorted(FOLDER.rglob("*")) if each.suffix in TYPES]
    found = {f"/{each.relative_to(FOLDER).as_posix()}": (TYPES[each.suffix], each.read_bytes()) for each in files}
    found["/"] = found["/index.html"]
    return found
