"""An app with stages: which stacks belong to which, and one of them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly import AssemblyError, CloudAssembly
from tests.assembly.test_cloud_assembly import stack, write

if TYPE_CHECKING:
    from pathlib import Path


def stage(name: str) -> dict[str, Any]:
    return {
        "type": "cdk:cloud-assembly",
        "properties": {"directoryName": f"assembly-{name}", "displayName": name.replace("-", "/")},
    }


def staged(folder: Path, *names: str, **artifacts: object) -> CloudAssembly:
    for name in names:
        write(folder / f"assembly-{name}", {f"{name}Shop": {**stack(), "displayName": f"{name}/Shop"}})
    return CloudAssembly.read(write(folder, {**{f"assembly-{name}": stage(name) for name in names}, **artifacts}))


def names_of(assembly: CloudAssembly) -> list[str]:
    return [each.name for each in assembly.stacks]


def test_a_stack_knows_its_stage(tmp_path: Path) -> None:
    assembly = staged(tmp_path, "dev", "prod", Shared=stack())
    assert [(each.name, each.stage) for each in assembly.stacks] == [
        ("devShop", "dev"),
        ("prodShop", "prod"),
        ("Shared", ""),
    ]
    assert assembly.stages == ("dev", "prod")


def test_a_stage_is_chosen_with_what_belongs_to_none(tmp_path: Path) -> None:
    assembly = staged(tmp_path, "dev", "prod", Shared=stack())
    chosen = assembly.of_stage("prod")
    assert (names_of(chosen), chosen.stage) == (["prodShop", "Shared"], "prod")


def test_a_stage_in_a_stage_goes_with_it(tmp_path: Path) -> None:
    write(tmp_path / "assembly-Pipe" / "assembly-Pipe-dev", {"PipeDevShop": stack()})
    write(tmp_path / "assembly-Pipe", {"assembly-Pipe-dev": stage("Pipe-dev"), "PipeRoles": stack()})
    assembly = CloudAssembly.read(write(tmp_path, {"assembly-Pipe": stage("Pipe")}))
    assert assembly.stages == ("Pipe",)
    assert names_of(assembly.of_stage("Pipe")) == ["PipeDevShop", "PipeRoles"]


@pytest.mark.parametrize(
    ("stages", "meant"),
    [((), None), (("only",), "only"), (("prod", "dev"), "dev"), (("blue", "green"), "blue")],
)
def test_without_a_name_the_only_stage_is_meant_or_dev_or_the_first(
    tmp_path: Path, stages: tuple[str, ...], meant: str | None
) -> None:
    chosen = staged(tmp_path, *stages, Shared=stack()).of_stage()
    assert chosen.stage == meant
    assert names_of(chosen) == [*([f"{meant}Shop"] if meant else []), "Shared"]


@pytest.mark.parametrize(
    ("stages", "what", "fix"),
    [
        (("dev", "prod"), "the app has no stage 'beta'", "use dev, prod"),
        ((), "the app has no stage 'beta', nor any other", "leave the stage out, or put stacks into a cdk.Stage"),
    ],
)
def test_a_stage_there_is_not(tmp_path: Path, stages: tuple[str, ...], what: str, fix: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        staged(tmp_path, *stages).of_stage("beta")
    assert str(caught.value) == f"{what}\n  at:  {tmp_path / 'manifest.json'}\n  fix: {fix}"
