"""Wheels made here, so that tests of installing them need no registry."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ANYWHERE = "py3-none-any"


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    *,
    requires: Sequence[str] = (),
    tag: str = ANYWHERE,
    scripts: Sequence[str] = (),
) -> Path:
    """Write a wheel that installs `files`."""
    folder.mkdir(parents=True, exist_ok=True)
    spelled = name.replace("-", "_")
    info = f"{spelled}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in requires)
    content = {
        **files,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    if scripts:
        content[f"{info}/entry_points.txt"] = "[console_scripts]\n" + "".join(f"{one} = x:y\n" for one in scripts)
    record = "".join(f"{path},sha256={_sha(text)},{len(text.encode())}\n" for path, text in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    path = folder / f"{spelled}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for where, text in content.items():
            wheel.writestr(where, text)
    return path


def _sha(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
