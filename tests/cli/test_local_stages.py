"""An app with stages on localhost: one of them runs, and it is said which."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from constructs_lib.assembly import AssemblyError
from constructs_lib.local.running import RunningAws
from constructs_lib.local.session import LocalAws
from constructs_lib.local.synth import synth_environment
from tests.cli.local_process import LocalProcess
from tests.cli.staged_app import APP, STAGES, write_stages

if TYPE_CHECKING:
    from collections.abc import Mapping

TEST = """
def test_the_stage_that_was_asked_for_is_deployed(local_app):
    assert list(local_app.outputs) == ["prod-Shop"]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "seconds.txt").write_text("30")
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "python app.py"}))
    return tmp_path


def seconds_of(aws: LocalAws | RunningAws, outputs: Mapping[str, Mapping[str, str]], stack: str) -> str:
    url = outputs[stack]["QueueUrl"]
    asked = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    return str(asked["Attributes"]["VisibilityTimeout"])


class TestCommand:
    def test_dev_runs_where_no_stage_is_named_and_the_others_are_told(self, shop: Path) -> None:
        with LocalProcess(shop, "--port", "0") as local:
            local.ready()
            assert "stage    dev  (--stage chooses another: prod)" in local.lines
            assert [line.split()[1] for line in local.lines if line.startswith("deploy")] == ["dev/Shop"]
            aws = RunningAws.find(shop / ".local")
            assert (aws.record.stage, list(aws.outputs)) == ("dev", ["dev-Shop"])
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")

    def test_another_runs_when_it_is_named_and_what_is_saved_is_taken_up_in_it(self, shop: Path) -> None:
        with LocalProcess(shop, "--stage", "prod", "--watch", "--port", "0") as local:
            local.ready()
            assert [line for line in local.lines if line.startswith("stage")] == []  # the app made no other
            assert [line.split()[1] for line in local.lines if line.startswith("deploy")] == ["prod/Shop"]
            (shop / "seconds.txt").write_text("40")
            assert local.line_with("deploy ").startswith("deploy   prod/Shop  updated")
            aws = RunningAws.find(shop / ".local")
            assert seconds_of(aws, aws.outputs, "prod-Shop") == "40"
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")


class TestSession:
    def test_a_version_that_is_deployed_later_is_of_the_same_stage(self, tmp_path: Path) -> None:
        with LocalAws.from_assembly(write_stages(tmp_path / "one", *STAGES), stage="prod") as aws:
            aws.redeploy(write_stages(tmp_path / "two", *STAGES, seconds=40))
            assert list(aws.outputs) == ["prod-Shop"]
            assert seconds_of(aws, aws.outputs, "prod-Shop") == "40"

    def test_a_stage_there_is_not_starts_nothing(self, tmp_path: Path) -> None:
        assembly = write_stages(tmp_path, *STAGES)
        with pytest.raises(AssemblyError) as caught:
            LocalAws.from_assembly(assembly, stage="beta")
        assert str(caught.value) == (
            f"the app has no stage 'beta'\n  at:  {assembly / 'manifest.json'}\n  fix: use dev, prod"
        )


class TestContext:
    def test_the_app_is_told_the_stage_that_is_asked_for(self, shop: Path) -> None:
        told = synth_environment(shop, shop / "cdk.out", "us-east-1", "prod")["CDK_CONTEXT_JSON"]
        assert json.loads(told)["stage"] == "prod"

    def test_and_nothing_of_stages_where_none_is(self, shop: Path) -> None:
        assert "stage" not in json.loads(synth_environment(shop, shop / "cdk.out", "us-east-1")["CDK_CONTEXT_JSON"])


class TestPlugin:
    def test_deploys_the_stage_that_its_option_names(self, shop: Path) -> None:
        (shop / "test_shop.py").write_text(TEST)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--local-stage", "prod", str(shop)],
            cwd=shop,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "1 passed" in done.stdout, done.stdout
