"""`constructs-lib check`, called as its users call it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from shlex import quote
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.cli import main
from constructs_lib.guards.check import check
from constructs_lib.guards.check import run as run_rules
from constructs_lib.guards.check_command import Request, run
from constructs_lib.guards.finding import Severity, Verdict
from constructs_lib.guards.report.as_json import document_of
from constructs_lib.guards.report.as_text import text_of
from constructs_lib.guards.rules import rule_ids, rule_of
from tests.cli.local_process import PROGRAM
from tests.guards.apps import VISIBILITY, acknowledged, breaks, complains, impatient, patient, queues, wonders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(template: dict[str, Any], name: str = "Shop.json") -> str:
        file = tmp_path / name
        file.write_text(json.dumps(template))
        return str(file)

    return write


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["check", "--no-public", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


class TestExitCodes:
    def test_0_when_nothing_is_wrong(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        code, out, err = checked(capsys, write(patient()), "--only", VISIBILITY)
        assert (code, err) == (0, "")
        assert out == "0 errors, 0 warnings, 0 unknown, 0 acknowledged in 1 stack, 3 resources, 1 rule\n"

    def test_1_for_an_error(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        assert checked(capsys, write(impatient()), "--only", VISIBILITY)[0] == 1

    def test_0_for_an_error_that_is_acknowledged(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        file = write(impatient(acknowledged({"id": VISIBILITY, "reason": "idempotent"})))
        assert checked(capsys, file, "--only", VISIBILITY)[0] == 0

    def test_0_for_a_warning(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        file = write(patient() | {"Metadata": acknowledged({"id": VISIBILITY, "reason": "idempotent"})})
        code, out, _ = checked(capsys, file, "--only", VISIBILITY, "--only", "acknowledgement-is-needed")
        assert (code, out.splitlines()[0]) == (0, "WARNINGS")

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            ("{", "Shop.json"),
            ("[]", "Shop.json"),
            ('{"Resources": 3}', "Shop.json"),
            ("\x00\x01", "Shop.json"),
            ("", "Shop.json"),
        ],
    )
    def test_2_for_what_is_no_template(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, what: str
    ) -> None:
        (tmp_path / "Shop.json").write_text(content)
        code, out, err = checked(capsys, str(tmp_path / "Shop.json"))
        assert (code, out) == (2, "")
        first, at, fix = err.splitlines()
        assert (bool(first), at[:7], what in at, fix[:7]) == (True, "  at:  ", True, "  fix: ")

    def test_2_for_a_folder_that_is_no_assembly(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        code, out, err = checked(capsys, str(tmp_path))
        assert (code, out) == (2, "")
        assert err == (
            "there is no such file\n"
            f"  at:  {tmp_path / 'manifest.json'}\n"
            "  fix: name the folder that `cdk synth` writes (cdk.out), which holds manifest.json\n"
        )

    def test_2_for_nothing_to_check(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = checked(capsys)
        assert (code, err.splitlines()[0]) == (2, "there is nothing to check")

    def test_2_for_a_rule_that_does_not_exist_before_anything_is_read(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = checked(capsys, "nowhere", "--only", "queue-visibility-covers-timeouts")
        assert code == 2
        assert err == (
            "there is no rule 'queue-visibility-covers-timeouts': did you mean queue-visibility-covers-timeout?\n"
            "  at:  only\n"
            "  fix: see all rules with `constructs-lib check --list`\n"
        )

    def test_2_for_a_format_that_does_not_exist(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            checked(capsys, "--format", "xml")
        assert caught.value.code == 2


class TestSelection:
    def test_rules_can_be_named_in_one_argument_or_in_several(
        self, capsys: pytest.CaptureFixture[str], write: Write
    ) -> None:
        file = write(impatient())
        together = checked(capsys, file, "--only", f"{VISIBILITY},acknowledgement-is-needed")
        apart = checked(capsys, file, "--only", VISIBILITY, "--only", "acknowledgement-is-needed")
        assert together == apart
        assert together[1].endswith("2 rules\n")

    def test_a_rule_can_be_left_out(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        out = checked(capsys, write(impatient()), "--skip", VISIBILITY)[1]
        assert VISIBILITY not in out

    def test_several_files_are_one_app(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        split = impatient()
        functions = {"Resources": {"Handler": split["Resources"].pop("Handler")}}
        functions["Resources"]["Handler"]["Properties"]["FunctionName"] = "handler"
        split["Resources"]["Mapping"]["Properties"]["FunctionName"] = "handler"
        paths = (write(split, "Queues.json"), write(functions, "Functions.json"))
        code, out, _ = checked(capsys, *paths, "--only", VISIBILITY, "--format", "json")
        [found] = json.loads(out)["findings"]
        assert (code, found["stack"], found["resource"]) == (1, "Queues", "Queue")


class TestText:
    def test_is_what_was_found(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        file = write(impatient())
        report = check(Assembly.read(file), only=[VISIBILITY])
        code, out, err = checked(capsys, file, "--only", VISIBILITY)
        assert (code, out, err) == (1, text_of(report), "")
        assert f"  at:  Shop/Queue (AWS::SQS::Queue) VisibilityTimeout in {file}:1\n" in out

    def test_evidence_verdict_and_what_is_unknown_are_shown(self) -> None:
        rules = [complains("loops", evidence=["A writes to B", "B triggers A"], verdict=Verdict.LOOP), wonders("w")]
        assert text_of(run_rules(rules, queues("A"))) == (
            "ERRORS\n\n"
            "A is a queue\n"
            "  at:  Shop/A (AWS::SQS::Queue)\n"
            "  fix: make it a topic\n"
            "  why: A writes to B\n"
            "  why: B triggers A\n"
            "  id:  loops (LOOP)\n\n"
            "UNKNOWN\n\n"
            "whether A is a queue\n"
            "  at:  Shop/A (AWS::SQS::Queue)\n"
            "  why: nobody said so\n"
            "  id:  w\n\n"
            "1 error, 0 warnings, 1 unknown, 0 acknowledged in 1 stack, 1 resource, 2 rules\n"
        )

    def test_colour_is_for_terminals(self) -> None:
        report = run_rules([complains("c", Severity.WARNING)], queues("A"))
        assert "\x1b" not in text_of(report)
        assert text_of(report, colour=True).startswith("\x1b[33mWARNINGS\x1b[0m\n\n\x1b[1mA is a queue\x1b[0m\n  at:")

    def test_names_from_a_template_give_the_terminal_no_orders(self) -> None:
        text = text_of(run_rules([complains("c")], queues("A\x1b[2J\nERRORS\u202e")))
        assert r"A\x1b[2J\nERRORS\u202e is a queue" in text
        assert set("\x1b\u202e") & set(text) == set()


class TestJson:
    def test_holds_exactly_what_was_found(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        file = write(impatient())
        out = checked(capsys, file, "--only", VISIBILITY, "--format", "json")[1]
        assert json.loads(out) == document_of(check(Assembly.read(file), only=[VISIBILITY]))
        assert document_of(run_rules([complains("c", evidence=["it is"])], queues("A"))) == {
            "findings": [
                {
                    "rule": "c",
                    "severity": "error",
                    "stack": "Shop",
                    "resource": "A",
                    "path": "A",
                    "problem": "A is a queue",
                    "fix": "make it a topic",
                    "evidence": ["it is"],
                }
            ],
            "unknown": [],
            "acknowledged": [],
            "failures": [],
            "stats": {
                "stacks": 1, "resources": 1, "rules": 1, "errors": 1, "warnings": 0, "infos": 0, "acknowledged": 0,
                "unknown": 0,
            },
        }  # fmt: skip

    def test_a_verdict_is_there_for_recursion_only(self) -> None:
        report = run_rules([complains("loops", verdict=Verdict.RISK, detail="A>B"), complains("c")], queues("A"))
        plain, loop = document_of(report)["findings"]
        assert ("verdict" in plain, "id" in plain) == (False, False)
        assert (loop["rule"], loop["id"], loop["verdict"]) == ("loops", "loops[A>B]", "RISK")

    def test_what_is_unknown_acknowledged_or_failed_is_there_too(
        self, capsys: pytest.CaptureFixture[str], write: Write
    ) -> None:
        file = write(impatient(acknowledged({"id": VISIBILITY, "reason": "idempotent"})))
        [kept] = json.loads(checked(capsys, file, "--only", VISIBILITY, "--format", "json")[1])["acknowledged"]
        assert (kept["rule"], kept["reason"]) == (VISIBILITY, "idempotent")
        document = document_of(run_rules([wonders("w"), breaks("b")], queues("A")))
        assert document["unknown"] == [
            {"rule": "w", "stack": "Shop", "resource": "A", "path": "A", "what": "whether A is a queue",
             "reason": "nobody said so"}
        ]  # fmt: skip
        assert [each["problem"] for each in document["failures"]] == [
            "the rule failed inside: KeyError: 'VisibilityTimeout'"
        ]

    def test_the_same_app_is_the_same_text(self, capsys: pytest.CaptureFixture[str], write: Write) -> None:
        file = write(impatient())
        assert checked(capsys, file, "--format", "json") == checked(capsys, file, "--format", "json")


class TestRuleDocumentation:
    def test_explains_a_rule(self, capsys: pytest.CaptureFixture[str]) -> None:
        rule = rule_of(VISIBILITY)
        code, out, _ = checked(capsys, "--explain", VISIBILITY)
        assert (code, out) == (0, f"{VISIBILITY} ({rule.severity.value})\n\n{rule.documentation}\n")
        assert "\nRefuses: " in out

    def test_cannot_explain_what_does_not_exist(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, err = checked(capsys, "--explain", "queue-visibility")
        assert (code, out) == (2, "")
        assert err.startswith("there is no rule 'queue-visibility'")

    def test_lists_every_rule_on_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = checked(capsys, "--list")
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()] == list(rule_ids())


COMMAND = quote(str(PROGRAM))  # the folder may have a space in its name


class TestStreams:
    """What a shell can do to a program's output."""

    def shell(self, command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60, **more)

    def test_a_reader_that_has_seen_enough_is_no_failure(self, write: Write) -> None:
        many = {f"Q{n}": {"Type": "AWS::SQS::Queue", "Metadata": acknowledged({"id": "x"})} for n in range(5_000)}
        command = f"{COMMAND} check --no-public {quote(write({'Resources': many}))} --only acknowledgement-is-needed"
        ended = self.shell(f"{command} | head -1; echo ${{PIPESTATUS[0]}}")
        assert (ended.stdout, ended.stderr) == ("WARNINGS\n0\n", "")

    def test_a_closed_output_is_no_failure(self, write: Write) -> None:
        ended = self.shell(f"{COMMAND} check --no-public {quote(write(impatient()))} --only {VISIBILITY} >&-; echo $?")
        assert (ended.stdout, ended.stderr) == ("1\n", "")

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")  # noqa: PTH110 - a device is no path to walk
    def test_a_full_disk_is_told(self, write: Write) -> None:
        ended = self.shell(
            f"{COMMAND} check --no-public {quote(write(impatient()))} --only {VISIBILITY} >/dev/full; echo $?"
        )
        assert ended.stdout == "2\n"
        assert ended.stderr.startswith(
            "the report cannot be written: No space left on device\n  at:  standard output\n"
        )

    @pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
    def test_a_terminal_gets_colour_unless_it_wants_none(
        self, write: Write, more: dict[str, str], coloured: bool
    ) -> None:
        ours, theirs = pty.openpty()
        command = [str(PROGRAM), "check", "--no-public", write(impatient()), "--only", VISIBILITY]
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"} | more
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            assert subprocess.run(command, stdout=theirs, env=environment, check=False, timeout=60).returncode == 1
            os.close(theirs)
            assert (b"\x1b[" in terminal.read(1_000)) is coloured

    def test_an_output_that_takes_ascii_only_gets_that(self, tmp_path: Path, write: Write) -> None:
        os.rename(write(impatient()), tmp_path / "Größe.json")  # noqa: PTH104 - a name that is no ASCII
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        command = f"{COMMAND} check --no-public {quote(str(tmp_path))}/*.json --only {VISIBILITY}; echo $?"
        ended = self.shell(command, env=environment)
        assert (ended.stdout.splitlines()[-1], ended.stderr) == ("1", "")
        assert r"Gr\xf6\xdfe/Queue" in ended.stdout


def test_an_error_of_ours_is_three_lines_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    hostile: Any = object()  # no path at all: nobody can hand this over, and nothing in us expects it
    assert run(Request(paths=[hostile])) == 2
    what, at, fix = capsys.readouterr().err.splitlines()
    assert what.startswith("the check failed inside: TypeError: ")
    assert at.startswith("  at:  ")
    assert fix == "  fix: this is an error of constructs-lib: report it with what you checked"


def test_the_command_starts_without_the_cdk() -> None:
    source = (
        "import sys\nfrom constructs_lib.cli import main\nmain(['check', '--list'])\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert {"aws_cdk", "jsii", "boto3", "ministack", "samtranslator"} & set(ended.stderr.split()) == set()
