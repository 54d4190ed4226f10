from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local.deploy import DeployedStack, Resource
from constructs_lib.local.deployed_names import BUCKET, FUNCTION, QUEUE, named
from constructs_lib.problem import LocalError
from tests.local.session.example_app import ExampleApp

if TYPE_CHECKING:
    from pathlib import Path

PATHS = {
    "Create": ("AWS::Lambda::Function", "Users/Create/Function/Resource", "users-create"),
    "Other": ("AWS::Lambda::Function", "Admin/Users/Create/Function/Resource", "admin-create"),
    "Sales": ("AWS::Lambda::Function", "Orders/CountSales/Function/Function/Resource", "count"),
    "Sole": ("AWS::Lambda::Function", "Orders/Place/Function/Resource", "place"),
    "Queue": ("AWS::SQS::Queue", "Orders/Intake/Queue/Resource", "http://127.0.0.1:9/000000000000/intake"),
    "Dead": ("AWS::SQS::Queue", "Orders/Intake/DeadLetters/Resource", "http://127.0.0.1:9/000000000000/dead.fifo"),
}


@pytest.fixture
def stacks(tmp_path: Path) -> list[DeployedStack]:
    app = ExampleApp(tmp_path)
    resources: dict[str, Any] = {
        name: {"Type": kind, "Properties": {}, "Metadata": {"aws:cdk:path": path}}
        for name, (kind, path, _) in PATHS.items()
    }
    app.add_stack("Shop", {"Resources": resources})
    artifact = CloudAssembly.read(tmp_path).stacks[0]
    standing = {name: Resource(name, physical_id, kind) for name, (kind, _, physical_id) in PATHS.items()}
    return [DeployedStack(artifact, "eu-west-1", "created", {}, standing, 0.0)]


class TestNamed:
    @pytest.mark.parametrize(
        ("told", "name"),
        [
            ("Users/Create", "users-create"),  # and not the one whose path ends so
            ("Admin/Users/Create", "admin-create"),
            ("/Place/", "place"),
            ("place", "place"),
            ("CountSales", "count"),
            ("Orders/CountSales", "count"),
            ("Admin", "admin-create"),
        ],
    )
    def test_by_path_by_its_end_by_what_holds_it_and_by_name(
        self, stacks: list[DeployedStack], told: str, name: str
    ) -> None:
        found = named(stacks, FUNCTION, told)
        assert (found.name, found.region) == (name, "eu-west-1")

    def test_a_queue_is_known_by_its_name_and_not_by_its_url_alone(self, stacks: list[DeployedStack]) -> None:
        assert named(stacks, QUEUE, "dead.fifo").path == "Orders/Intake/DeadLetters"
        assert named(stacks, QUEUE, "Intake").physical_id == "http://127.0.0.1:9/000000000000/intake"

    def test_what_could_be_several_is_not_guessed(self, stacks: list[DeployedStack]) -> None:
        with pytest.raises(LocalError) as caught:
            named(stacks, FUNCTION, "Create")
        assert str(caught.value) == (
            "2 functions are called Create\n  at:  Shop\n"
            "  fix: name one by its path or name: Users/Create (users-create), Admin/Users/Create (admin-create)"
        )

    def test_the_nearest_name_is_offered(self, stacks: list[DeployedStack]) -> None:
        with pytest.raises(LocalError, match=r"^no deployed queue is called Dead: did you mean dead.fifo\?"):
            named(stacks, QUEUE, "Dead")

    def test_there_is_none_of_its_kind(self, stacks: list[DeployedStack]) -> None:
        with pytest.raises(LocalError) as caught:
            named(stacks, BUCKET, "Files")
        assert str(caught.value) == (
            "no deployed bucket is called Files\n  at:  Shop\n  fix: the app has no bucket; add one, and deploy it"
        )
