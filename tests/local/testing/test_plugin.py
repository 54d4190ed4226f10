"""A user's own app, tested in ten lines: in a fresh folder, by a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.local.session.example_app import ExampleApp, table
from tests.local.testing.work_stack import write_work

APP = """
import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb, aws_lambda as lambda_, aws_lambda_event_sources as sources, aws_sqs as sqs

def shop(app):
    stack = cdk.Stack(app, "Shop")
    string = dynamodb.AttributeType.STRING
    orders = dynamodb.Table(stack, "Orders", partition_key=dynamodb.Attribute(name="id", type=string))
    queue = sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.minutes(15))
    worker = lambda_.Function(
        stack, "Worker", runtime=lambda_.Runtime.PYTHON_3_12, handler="index.handler",
        code=lambda_.Code.from_asset("src"), environment={"TABLE": orders.table_name},
    )
    worker.add_event_source(sources.SqsEventSource(queue))
    orders.grant_write_data(worker)
    cdk.CfnOutput(stack, "QueueUrl", value=queue.queue_url)
    cdk.CfnOutput(stack, "Table", value=orders.table_name)
    return app

if __name__ == "__main__":
    shop(cdk.App()).synth()
"""
HANDLER = """
import os, boto3
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
def handler(event, context):
    for record in event["Records"]:
        table.put_item(Item={"id": record["body"]})
"""
TEN_LINES = (Path(__file__).parents[3] / "docs" / "testing.md").read_text().split("```")[1].removeprefix("python\n")
OF_AN_APP = """
import os, pytest
os.environ["CDK_VALIDATION"] = "false"

@pytest.fixture(scope="session")
def local_assembly(tmp_path_factory):
    import aws_cdk as cdk
    from app import shop
    return shop(cdk.App(outdir=str(tmp_path_factory.mktemp("cdk.out"))))
"""
LIGHT = """
import sys
def test_nothing_of_weight_is_imported():
    assert not {"boto3", "botocore", "ministack", "aws_cdk", "jsii"} & set(sys.modules)
"""
FAILING = """
import json
def test_fails(local_app, reset):
    name = next(name for name, path in local_app.function_paths().items() if path == "Work/Recorder")
    told = json.dumps({"for": "x", "fails": True})
    local_app.client("lambda").invoke(FunctionName=name, Payload=told)
    local_app.logs("Work/Recorder", until="REPORT")
    assert False
"""
BROKEN = """
import pathlib, pytest

@pytest.fixture(scope="session")
def local_assembly():
    return pathlib.Path(__file__).parent
"""
OWN_DATA = """
def test_own(local_app, reset):
    dynamodb, table = local_app.client("dynamodb"), local_app.outputs["Data"]["Table"]
    dynamodb.put_item(TableName=table, Item={"id": {"S": "mine"}})
    assert dynamodb.scan(TableName=table)["Count"] == 1
"""


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path = path.with_name(path.name.replace("_json", ".json") if path.name.endswith("_json") else f"{path.name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def begin(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start pytest as a user would, with no plugin but what is installed, and warnings as errors."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AWS_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:randomly", "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [*command, f"--basetemp={folder / 'temporary'}", *arguments],
        cwd=folder,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(folder: Path, *arguments: str) -> str:
    return begin(folder, *arguments).communicate(timeout=120)[0]


def fresh_project(folder: Path) -> Path:
    return write(folder, cdk_json='{"app": "python app.py"}', app=APP, src__index=HANDLER, test_shop=TEN_LINES)


class TestTenLines:
    def test_any_cdk_app_is_tested_also_by_two_sessions_at_once(self, tmp_path: Path) -> None:
        of_cdk_json = begin(fresh_project(tmp_path / "one"))
        of_an_app = begin(write(fresh_project(tmp_path / "two"), conftest=OF_AN_APP))
        for each in (of_cdk_json, of_an_app):
            said, _ = each.communicate(timeout=120)
            assert "2 passed" in said, said
        assert not (tmp_path / "one" / "cdk.out").exists()

    def test_workers_of_one_session_share_a_synthesis_and_nothing_else(self, tmp_path: Path) -> None:
        """As pytest-xdist starts them: each with a folder of its own below a common one."""
        project = write(tmp_path, test_own=OWN_DATA, cdk_json='{"app": "sh once.sh"}')
        data = {"Resources": table(), "Outputs": {"Table": {"Value": {"Ref": "Users"}}}}
        ExampleApp(project / "template").add_stack("Data", data)
        (project / "once.sh").write_text(
            'echo x >> synthesized; mkdir -p "$CDK_OUTDIR"; cp -r template/* "$CDK_OUTDIR"'
        )
        (project / "shared").mkdir()
        workers = [
            begin(project, f"--basetemp={project / 'shared' / name}", PYTEST_XDIST_TESTRUNUID="1")
            for name in ("gw0", "gw1")
        ]
        for each in workers:
            said, _ = each.communicate(timeout=120)
            assert "1 passed" in said, said
        assert (project / "synthesized").read_text() == "x\n"


class TestStart:
    def test_it_is_installed_with_the_package(self) -> None:
        [found] = [each for each in metadata.entry_points(group="pytest11") if each.name == "constructs-lib"]
        assert found.value == "constructs_lib.local.pytest_plugin"

    def test_nothing_is_imported_by_a_session_that_does_not_use_it(self, tmp_path: Path) -> None:
        assert "1 passed" in run(write(tmp_path, test_light=LIGHT))


class TestFailures:
    def test_a_test_that_fails_shows_what_the_functions_logged(self, tmp_path: Path) -> None:
        write_work(tmp_path / "work")
        said = run(write(tmp_path, test_failing=FAILING), "--local-app", "work")
        assert "- logs of functions -" in said
        assert "Work/Recorder  [ERROR] ValueError: as told" in said
        assert "1 failed" in said

    def test_what_cannot_be_deployed_is_an_error_of_three_lines(self, tmp_path: Path) -> None:
        write(tmp_path, test_shop=TEN_LINES, broken__conftest=BROKEN, broken__test_shop=TEN_LINES)
        (tmp_path / "broken" / "manifest.json").write_text("{}")
        said = run(tmp_path, "--local-app", "nowhere", "--import-mode=importlib")
        assert (
            "there is no cdk.json here\n"
            f"  at:  {tmp_path / 'nowhere'}\n"
            "  fix: run in the folder of cdk.json, or name an assembly (cdk.out), or pass --app\n"
        ) in said
        assert f"  at:  {tmp_path / 'broken'}" in said
        assert "Traceback" not in said
        assert "4 errors" in said

    def test_an_environment_without_the_local_extra_is_told_how_to_get_it(self, tmp_path: Path) -> None:
        write(tmp_path, conftest=BROKEN + "import sys\nsys.modules['ministack'] = None\n", test_shop=TEN_LINES)
        said = run(tmp_path)
        assert "ministack is not installed in this environment\n" in said
        assert "\n  fix: pip install 'constructs-lib[local]'\n" in said
        assert "2 errors" in said


class TestEventually:
    def test_it_waits_until_a_condition_holds(self, eventually: object) -> None:
        tries = []

        def condition() -> bool:
            tries.append(1)
            assert len(tries) > 1
            return len(tries) > 2

        assert callable(eventually)
        assert eventually(condition) is True
        assert len(tries) == 3

    def test_it_says_what_did_not_come_to_hold(self, eventually: object) -> None:
        assert callable(eventually)
        with pytest.raises(pytest.fail.Exception, match=r"the condition is \[\] after 0.05 s"):
            eventually(list, seconds=0.05)
        with pytest.raises(AssertionError, match="never"):
            eventually(_never, seconds=0.05)


def _never() -> bool:
    raise AssertionError("never")
