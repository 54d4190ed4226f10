"""What a handler imports of this library goes into its bundle, and no construct ever does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from constructs_lib.bundling.own_runtime import runtime_files
from constructs_lib.problem import BundlingError
from tests.bundling.conftest import Sandbox
from tests.bundling.wheels_by_hand import make_wheel

WORKER = "functions/orders/worker.py"
HANDLER = "from constructs_lib.runtime import queue_worker\n@queue_worker\ndef handler(record): ...\n"


@pytest.fixture
def project(python_project: Sandbox) -> Sandbox:
    """A project whose requirements bring a Powertools that holds nothing."""
    wheels = python_project.folder / "functions" / "wheels"
    make_wheel(wheels, "aws-lambda-powertools", "1.0.0", {"aws_lambda_powertools.py": ""})
    python_project.write(
        "functions/requirements.txt", "--no-index\n--find-links ./wheels\naws-lambda-powertools==1.0.0\n"
    )
    return python_project


@pytest.mark.parametrize(
    "form",
    [
        "from constructs_lib.runtime import queue_worker",
        "from constructs_lib import runtime",
        "import constructs_lib.runtime",
        "from constructs_lib.runtime.record import Record",
    ],
)
def test_the_runtime_comes_along_however_it_is_imported(project: Sandbox, form: str) -> None:
    project.write(WORKER, f"{form}\ndef handler(e, c): ...\n")
    (asset,) = project.python(WORKER)
    ours = {name for name in asset.files if name.startswith("constructs_lib/")}
    assert ours == set(runtime_files())
    assert {"constructs_lib/__init__.py", "constructs_lib/py.typed", "constructs_lib/runtime/batch.py"} <= ours
    assert all(re.fullmatch(r"constructs_lib/(__init__\.py|py\.typed|runtime/\w+\.py)", name) for name in ours)


def test_a_handler_that_does_not_use_it_stays_without_it(project: Sandbox) -> None:
    project.write(WORKER, "def handler(e, c): ...\n")
    (asset,) = project.python(WORKER)
    assert not any(name.startswith("constructs_lib/") for name in asset.files)


def test_it_is_there_in_a_warm_bundle_too(project: Sandbox) -> None:
    project.write(WORKER, HANDLER)
    (cold,) = project.python(WORKER)
    (warm,) = project.python(WORKER)
    assert warm.files.keys() == cold.files.keys()
    assert "constructs_lib/runtime/__init__.py" in warm.files


def test_the_staged_bundle_handles_a_batch(project: Sandbox, tmp_path: Path) -> None:
    project.write(WORKER, HANDLER)
    folder = project.python(WORKER)[0].stage(tmp_path)
    (folder / "aws_lambda_powertools.py").unlink()  # the one in this environment is the real one
    script = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from orders.worker import handler\n"
        "import constructs_lib\n"
        f"assert constructs_lib.__file__.startswith({str(folder)!r})\n"
        "print(handler({'Records': []}, None))"
    )
    said = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "{'batchItemFailures': []}"


def test_what_the_runtime_needs_must_be_among_the_requirements(python_project: Sandbox) -> None:
    python_project.write(WORKER, HANDLER)
    with pytest.raises(BundlingError) as caught:
        python_project.python(WORKER)
    assert str(caught.value) == (
        '"aws_lambda_powertools" is not installed\n'
        "  at:  functions/orders/worker.py:1:1\n"
        "  fix: add aws-lambda-powertools to functions/requirements.txt, as name==1.2.3"
    )


@pytest.mark.parametrize("form", ["from constructs_lib import DynamoTable", "import constructs_lib.dynamo_table"])
def test_a_construct_in_a_handler_is_refused(project: Sandbox, form: str) -> None:
    project.write(WORKER, f"{form}\ndef handler(e, c): ...\n")
    with pytest.raises(BundlingError) as caught:
        project.python(WORKER)
    assert str(caught.value).endswith(
        "  fix: a function can import constructs_lib.runtime and nothing else of constructs_lib: "
        "constructs belong to the CDK app"
    )


@pytest.mark.parametrize(
    "form",
    [
        "from constructs_lib.runtime import secret_value, with_secret",
        "from constructs_lib.runtime import rotation",
        "from constructs_lib.runtime.secret_values import with_secret",
    ],
)
def test_what_reads_and_rotates_secrets_needs_no_requirement(python_project: Sandbox, form: str) -> None:
    python_project.write(WORKER, f"{form}\ndef handler(e, c): ...\n")
    (asset,) = python_project.python(WORKER)
    assert "constructs_lib/runtime/kept.py" in asset.files
    assert not any(name.startswith("aws_lambda_powertools") for name in asset.files)


@pytest.mark.parametrize("name", ["with_secret", "rotation", "parameters_below"])
def test_they_load_without_powertools_and_without_boto3(tmp_path: Path, name: str) -> None:
    for path, content in runtime_files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        f"from constructs_lib.runtime import {name}\n"
        "print([each for each in ('aws_lambda_powertools', 'boto3', 'aws_cdk') if each in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
