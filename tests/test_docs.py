"""The pages of docs/ say what is so: their Python blocks run, in their order, in an app of the page's own.

A block that begins with "```python excerpt" is a part of something larger: it has to be Python, and is not run. Known
to all blocks are `app`, `stack`, `cdk` and every public name of the library; whatever else they need they import.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import constructs_lib

if TYPE_CHECKING:
    import aws_cdk as cdk

ROOT = Path(__file__).parents[1]
# Their blocks are handlers and tests, which tests of their own run.
RUN_ELSEWHERE = {"batch-handlers.md", "testing.md"}
BLOCK = re.compile(r"^```python( excerpt)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [file for file in sorted((ROOT / "docs").glob("*.md")) if "```python" in file.read_text()]


def blocks_of(page: Path) -> list[tuple[bool, str]]:
    """Every block of a page: whether it runs, and its code on the line where it stands, as tracebacks will say."""
    text = page.read_text()
    found = []
    for match in BLOCK.finditer(text):
        above = text.count("\n", 0, match.start(2))
        code = match[2]
        found.append((match[1] is None, "\n" * above + code))
    assert len(found) == text.count("```python"), f"{page.name}: a block is neither ```python nor ```python excerpt"
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_is_python(page: Path) -> None:
    for _, code in blocks_of(page):
        ast.parse(code, page.name)


@pytest.mark.parametrize("page", [each for each in PAGES if each.name not in RUN_ELSEWHERE], ids=lambda page: page.name)
def test_the_python_blocks_of_a_page_run(page: Path, app: cdk.App, stack: cdk.Stack) -> None:
    import aws_cdk  # noqa: PLC0415 - tests that need no CDK must not pay for it

    known: dict[str, Any] = {name: getattr(constructs_lib, name) for name in constructs_lib.__all__}
    known |= {"__name__": "docs", "app": app, "cdk": aws_cdk, "stack": stack}
    for runs, code in blocks_of(page):
        if runs:
            exec(compile(code, str(page), "exec"), known)
    app.synth()
