from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.code_swap import CodeSwap, CodeUser, code_users
from tests.local.session.example_app import ExampleApp, function

if TYPE_CHECKING:
    from constructs_lib.local import LocalAws

SAY = "def handler(event, context):\n    return 'first'\n"


@pytest.fixture(scope="module")
def users(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CodeUser]:
    """Two functions of one asset, and one with a version; beside the stacks that others look at."""
    app = ExampleApp(tmp_path_factory.mktemp("swap"))
    code = app.code(SAY)
    inline = {"ZipFile": SAY}
    app.add_stack(
        "Swap",
        {
            "Resources": {
                **function(code, "index.handler", statement=None, path="Swap/One"),
                **function(code, "index.handler", statement=None, path="Swap/Two"),
                **function(code, "index.handler", statement=None, path="Swap/Published"),
                **function(inline, "index.handler", statement=None, path="Swap/Inline"),
                "Version": {
                    "Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "SwapPublished"}},
                },
            }
        },
    )  # fmt: skip
    before = aws.stacks
    aws.redeploy(app.folder)
    found = {each.path: each for each in code_users(aws.stacks)}
    aws.stacks = before
    return found


def said(aws: LocalAws, user: CodeUser) -> bytes:
    answer: bytes = aws.client("lambda").invoke(FunctionName=user.name)["Payload"].read()
    return answer


class TestCodeUsers:
    def test_are_the_functions_whose_code_is_an_asset(self, users: dict[str, CodeUser]) -> None:
        assert users.keys() == {"Swap/One", "Swap/Two", "Swap/Published"}
        assert len({each.asset.source for each in users.values()}) == 1

    def test_whose_versions_are_called_are_told_from_others(self, users: dict[str, CodeUser]) -> None:
        assert {path for path, each in users.items() if each.is_versioned} == {"Swap/Published"}


class TestCodeSwap:
    def test_only_those_who_are_named_run_the_other_code(
        self, aws: LocalAws, users: dict[str, CodeUser], tmp_path: Path
    ) -> None:
        one, two = users["Swap/One"], users["Swap/Two"]
        (tmp_path / "index.py").write_text(SAY.replace("first", "second"))
        swap = CodeSwap(aws.clients, tmp_path)
        swap.swap([one], tmp_path)
        assert (said(aws, one), said(aws, two)) == (b'"second"', b'"first"')
        assert (tmp_path / "swapped.json").read_text() == f'[["us-east-1", "{one.name}"]]'

    @pytest.mark.parametrize("content", ["", "{", "[1]", "[[1, 2, 3]]", "3"])
    def test_what_was_written_down_and_damaged_counts_as_nothing(
        self, aws: LocalAws, tmp_path: Path, content: str
    ) -> None:
        (tmp_path / "swapped.json").write_text(content)
        CodeSwap(aws.clients, tmp_path).restore(aws.stacks)
