"""The examples of docs/guards.md, executed."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs

from constructs_lib.assembly.model import Assembly
from constructs_lib.cli import _parser
from constructs_lib.guards.check import check
from constructs_lib.guards.rules import rule_ids
from tests.guards.apps import VISIBILITY

PAGE = (Path(__file__).parents[2] / "docs" / "guards.md").read_text(encoding="utf-8").partition("## The rules")[0]
PYTHON = re.findall(r"^```python(?: excerpt)?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^    (constructs-lib check .*)$", PAGE, re.MULTILINE)
[YAML] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("source", PYTHON)
def test_python_runs(stack: cdk.Stack, source: str) -> None:
    queue = sqs.Queue(stack, "Queue")
    known: dict[str, Any] = {"queue": queue, "pictures": queue, "my_app": lambda: cdk.App(analytics_reporting=False)}
    exec(compile(source, "docs/guards.md", "exec"), known)
    for name, value in list(known.items()):
        if name.startswith("test_"):
            value()


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood_and_name_rules_that_exist(command: str) -> None:
    _, *arguments = shlex.split(command.partition(">")[0])
    parsed = _parser().parse_args(arguments)
    named = [*parsed.only, *parsed.skip, *([parsed.explain] if parsed.explain else [])]
    assert set(named) <= set(rule_ids())


def test_metadata_acknowledges(tmp_path: Path) -> None:
    template = textwrap.dedent("""\
        Resources:
          Queue:
            Type: AWS::SQS::Queue
        {metadata}
          Handler:
            Type: AWS::Lambda::Function
            Properties: {{Timeout: 60}}
          Mapping:
            Type: AWS::Lambda::EventSourceMapping
            Properties: {{EventSourceArn: !GetAtt Queue.Arn, FunctionName: !Ref Handler}}
        """)
    (tmp_path / "orders.yaml").write_text(template.format(metadata=textwrap.indent(YAML, "    ")))
    report = check(Assembly.read(tmp_path / "orders.yaml"), only=[VISIBILITY, "acknowledgement-is-needed"])
    assert (report.findings, len(report.acknowledged)) == ((), 1)


def test_there_is_something_to_test() -> None:
    assert (len(PYTHON), len(COMMANDS)) == (4, 5)
