from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.said_problems import problems_in
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path

TWO = (
    Problem("timeout (30 s) is too short", "Orders/Emails (QueueWorker)", "leave it out"),
    Problem("no handler", "Orders/Ship (SecureFunction)", "write one:\n    touch ship.ts"),
)
RAISE = f"raise PropError(*{TWO!r})"


def said(folder: Path, *lines: str) -> str:
    """What a Python program says whose last act is this."""
    program = folder / "app.py"
    program.write_text("\n".join(["from constructs_lib.problem import Problem, PropError", *lines]))
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stdout + done.stderr


class TestFound:
    def test_what_a_program_raised(self, tmp_path: Path) -> None:
        assert problems_in(said(tmp_path, RAISE)) == list(TWO)

    def test_what_it_raised_from_another_error(self, tmp_path: Path) -> None:
        text = said(tmp_path, "try:", "    1 / 0", "except ZeroDivisionError as error:", f"    {RAISE} from error")
        assert "ZeroDivisionError" in text
        assert problems_in(text) == list(TWO)

    def test_what_it_raised_inside_of_a_lazy_value(self, tmp_path: Path) -> None:
        text = said(
            tmp_path,
            "import aws_cdk as cdk, jsii",
            "@jsii.implements(cdk.IStableStringProducer)",
            "class Producer:",
            "    def produce(self):",
            f"        {RAISE}",
            f"app = cdk.App(outdir={str(tmp_path / 'out')!r})",
            "cdk.CfnResource(cdk.Stack(app, 'S'), 'R', type='A::B::C', properties={'P': cdk.Lazy.string(Producer())})",
            "app.synth()",
        )
        assert "Resolution error: " in text
        assert problems_in(text) == list(TWO)

    def test_what_it_printed_before_it_gave_up(self) -> None:
        assert problems_in("\n".join(["bundling 3 functions", "", *map(str, TWO)])) == list(TWO)

    def test_one_that_is_said_twice_once(self) -> None:
        assert problems_in(f"{TWO[0]}\n\n{TWO[0]}\n") == [TWO[0]]

    def test_words_of_several_lines(self) -> None:
        text = textwrap.dedent("""\
            Traceback (most recent call last):
              File "app.py", line 1, in <module>
                raise PropError(
            constructs_lib.problem.PropError: Error: one
            and two
              at:  A/B
              fix: mend it
            """)
        assert problems_in(text) == [Problem("Error: one\nand two", "A/B", "mend it")]


class TestNotFound:
    def test_a_problem_that_was_not_the_reason(self, tmp_path: Path) -> None:
        assert problems_in(said(tmp_path, f"print({str(TWO[0])!r})", "1 / 0")) == []

    @pytest.mark.parametrize("text", ["", "\n", "  at:  x", "  at:  x\n  fix: y", "x\n  at:  y\n", "x\n  fix: y\n"])
    def test_less_than_three_lines(self, text: str) -> None:
        assert problems_in(text) == []
