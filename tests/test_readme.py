"""The README says what is so: its output is what the command prints, its commands run, its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest

from constructs_lib import DynamoTable, PropError, SecureFunction, Waived
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def shown_run() -> list[str]:
    """What the README says `make run` prints."""
    block = README.split("    $ make run\n", 1)[1].split("\n\n", 1)[0]
    return [line.removeprefix("    ") for line in block.splitlines()]


def pattern_of(line: str) -> str:
    """A line of the README as a pattern: times, ports and what is left out as … may differ."""
    pattern = re.escape(line)
    pattern = re.sub(r"\d+\\\.\d\\ s$", r"\\d+\\.\\d s", pattern)
    pattern = re.sub(r"127\\\.0\\\.0\\\.1:\d+", r"127\\.0\\.0\\.1:\\d+", pattern)
    return pattern.replace("…", ".+")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the command that `make run` calls prints until it is ready."""
    program = Path(sys.executable).parent / "constructs-lib"
    command = [".venv/bin/constructs-lib"] if program.resolve() == (ROOT / ".venv/bin/constructs-lib").resolve() else []
    state = tmp_path_factory.mktemp("state")
    options = ["--stage", "dev", "--port", str(free_port()), "--state", str(state), "--watch"]
    process = subprocess.Popen(
        [*(command or [str(program)]), "local", *options],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("ready "):
                break
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=90)
    assert process.returncode == 0, "\n".join([*lines, rest])
    return lines


def test_make_run_prints_what_the_readme_shows(printed: list[str]) -> None:
    shown = shown_run()
    assert len(printed) == len(shown), "\n".join(printed)
    for said, line in zip(printed, shown, strict=True):
        assert re.fullmatch(pattern_of(line), said), f"README: {line}\nprinted: {said}"


# Collects for each command line in one process, which loads the CDK once.
COLLECT = """import json, sys, pytest
codes = [int(pytest.main(["--collect-only", "-q", *arguments])) for arguments in json.loads(sys.argv[1])]
print(json.dumps(codes))
"""


def test_the_proofs_select_tests() -> None:
    commands = [shlex.split(each) for each in re.findall(r"`\.venv/bin/pytest ([^`]+)`", README)]
    assert len(commands) >= 7
    assert [each for each in commands if not (ROOT / each[0]).exists()] == []
    chosen = [each for each in commands if "-k" in each]
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, json.dumps(chosen)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout.splitlines()[-1])
    assert codes == [0] * len(chosen), done.stdout


def test_the_refusal_it_shows_is_the_one_it_gives(stack: cdk.Stack) -> None:
    users = DynamoTable(stack, "Users", partition_key="id")
    function = SecureFunction(stack, "Report", entry="lambda_src/greeting/greet.ts")
    mistyped: tuple[str, ...] = ("PutItems",)
    with pytest.raises(PropError) as caught:
        users.grant(function, *mistyped)  # type: ignore[arg-type] # the mistake is the point
    start = README.index("    'PutItems'")
    shown = "\n".join(line.removeprefix("    ") for line in README[start:].split("\n\n", 1)[0].splitlines())
    assert str(caught.value).startswith(shown.removesuffix("..."))


def test_the_loop_it_shows_is_found() -> None:
    def at(path: str, kind: str, **properties: object) -> dict[str, object]:
        return {"Type": kind, "Properties": properties, "Metadata": {"aws:cdk:path": f"Shop/{path}/Resource"}}

    write = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": {"Fn::Sub": "${Pictures.Arn}/*"}}
    told = {"Event": "s3:ObjectCreated:*", "Function": {"Fn::GetAtt": ["Thumbnail", "Arn"]}}
    resources = {
        "Pictures": at("Pictures", "AWS::S3::Bucket", NotificationConfiguration={"LambdaConfigurations": [told]}),
        "Role": at("Thumbnail/Role", "AWS::IAM::Role", Policies=[{"PolicyDocument": {"Statement": [write]}}]),
        "Thumbnail": at("Thumbnail", "AWS::Lambda::Function", Role={"Fn::GetAtt": ["Role", "Arn"]}),
    }
    [found] = check(Assembly.of({"Shop": {"Resources": resources}}), only=["recursion"]).findings
    said = [*str(found).splitlines(), *(f"  why: {each}" for each in found.evidence)]
    start = README.index("    Shop/Thumbnail runs itself")
    shown = [line.removeprefix("    ") for line in README[start:].split("\n\n", 1)[0].splitlines()]
    assert len(said) == len(shown)
    for line, expected in zip(said, shown, strict=True):
        assert line.startswith(expected.removesuffix("..."))


def test_the_waiver_it_shows_works(stack: cdk.Stack) -> None:
    line = next(each for each in README.splitlines() if "Waived(" in each).strip()
    table = eval(line, {"DynamoTable": DynamoTable, "Waived": Waived, "self": stack})
    assert isinstance(table, DynamoTable)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if not target.startswith("https://"):
            assert (document.parent / target).exists(), f"{document}: {target}"


def test_every_decision_page_is_listed() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", (ROOT / "docs/decisions/README.md").read_text()))
    assert listed == {file.name for file in (ROOT / "docs/decisions").glob("*.md")} - {"README.md"}
