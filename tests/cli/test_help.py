from __future__ import annotations

import subprocess
import sys

import pytest

from constructs_lib.local.command_line import SUMMARIES
from tests.cli.local_process import PROGRAM

HEAVY = {"boto3", "botocore", "aws_cdk", "jsii", "ministack", "hypercorn", "urllib3"}


class TestHelp:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["--help"], ["check", "--help"], ["local", "--help"], ["call", "--help"],
            *(["local", name, "--help"] for name in SUMMARIES),
        ],
    )  # fmt: skip
    def test_says_how_to_use_it(self, arguments: list[str]) -> None:
        ended = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("usage: constructs-lib ")

    def test_of_local_names_its_commands(self) -> None:
        said = subprocess.run([PROGRAM, "local", "--help"], capture_output=True, text=True, check=True).stdout
        assert [name for name in SUMMARIES if f"\n  {name} " not in said] == []

    def test_imports_nothing_that_takes_time(self) -> None:
        source = (
            "import sys\nfrom constructs_lib.cli import main\n"
            "try:\n    main(['--help'])\nexcept SystemExit:\n    sys.stderr.write(' '.join(sys.modules))"
        )
        ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
        assert HEAVY & set(ended.stderr.split()) == set()

    def test_no_command_is_no_use(self) -> None:
        ended = subprocess.run([PROGRAM], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr.startswith("usage: constructs-lib")) == (2, True)
