"""What the public template validator says, beside what our rules say."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.cli import main
from constructs_lib.guards.check import Others, check, run
from constructs_lib.guards.finding import Finding, Severity, Unknown
from constructs_lib.guards.public_rules import public_rules
from constructs_lib.guards.report.as_sarif import document_of
from constructs_lib.guards.rules import rule_of
from tests.guards.apps import acknowledged, complains, queues

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = "acknowledgement-is-needed"
NO_SUCH_PROPERTY = "cfn:F3002"


def typo(**metadata: Any) -> dict[str, Any]:
    """A queue with a property that no queue has."""
    return {"Resources": {"Emails": {"Type": "AWS::SQS::Queue", "Properties": {"Delay": 3}, **metadata}}}


def other(severity: Severity = Severity.ERROR, at: tuple[str, ...] = ("Name",)) -> tuple[Assembly, Others]:
    """What another tool says of a queue."""
    assembly = queues("A")
    said = Finding(assembly.resources[0], "it is said", "do so", at=at, rule="cfn:X1", rule_severity=severity)
    return assembly, Others((said,), answers_for=lambda rule_id: rule_id.startswith("cfn:"))


class TestAsking:
    def test_its_findings_come_under_its_ids_with_a_prefix(self) -> None:
        assembly = Assembly.of({"Shop": typo()})
        found = [each for each in public_rules(assembly, (), ()).said if isinstance(each, Finding)]
        assert [(each.rule, each.severity, each.where) for each in found] == [
            (NO_SUCH_PROPERTY, Severity.ERROR, "Shop/Emails (AWS::SQS::Queue) Delay")
        ]

    def test_a_good_template_is_not_talked_about(self) -> None:
        assert public_rules(queues("A"), (), ()).said == ()

    def test_it_is_not_asked_when_only_rules_of_ours_are(self) -> None:
        asked = public_rules(Assembly.of({"Shop": typo()}), [NEEDED], ())
        assert (asked.said, asked.answers_for(NO_SUCH_PROPERTY)) == ((), False)

    def test_one_of_its_rules_can_be_asked_for_or_left_out(self) -> None:
        assembly = Assembly.of({"Shop": typo()})
        assert len(public_rules(assembly, [NO_SUCH_PROPERTY], ()).said) == 1
        assert public_rules(assembly, ["cfn:E3012"], ()).said == ()
        assert public_rules(assembly, (), [NO_SUCH_PROPERTY]).said == ()

    def test_where_it_is_not_installed_that_is_unknown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cloudformation_validate", None)
        [said] = public_rules(Assembly.of({"A": typo(), "B": typo()}), (), ()).said
        assert isinstance(said, Unknown)
        assert (said.rule, said.what) == ("cfn", "what the public template validator finds")
        assert said.reason.startswith("cloudformation-validate is not installed here")


class TestMerging:
    @pytest.mark.parametrize("ours", [("Name",), ("Name", "Of"), ("Name", "Of", "It")])
    def test_what_ours_say_of_the_same_property_is_said_once(self, ours: tuple[str, ...]) -> None:
        assembly, others = other(at=("Name", "Of"))
        report = run([complains("c", at=ours)], assembly, others=others)
        assert [each.rule for each in report.findings] == ["c"]

    @pytest.mark.parametrize(
        ("severity", "at"), [(Severity.ERROR, ("Other",)), (Severity.ERROR, ()), (Severity.WARNING, ("Name",))]
    )
    def test_what_ours_do_not_say_or_say_less_loudly_is_kept(self, severity: Severity, at: tuple[str, ...]) -> None:
        assembly, others = other()
        report = run([complains("c", severity, at=at)], assembly, others=others)
        assert sorted(each.rule for each in report.findings) == ["c", "cfn:X1"]

    def test_it_can_be_acknowledged_like_any_other(self) -> None:
        template = typo(Metadata=acknowledged({"id": NO_SUCH_PROPERTY, "reason": "a property of tomorrow"}))
        assembly = Assembly.of({"Shop": template})
        report = check(assembly, only=[NEEDED], others=public_rules(assembly, (), ()))
        assert (report.findings, len(report.acknowledged)) == ((), 1)

    def test_an_acknowledgement_it_does_not_need_is_told_when_it_was_asked(self) -> None:
        metadata = {"Metadata": acknowledged({"id": "cfn:E9999", "reason": "for once"})}
        assembly = Assembly.of({"Shop": {"Resources": {"A": {"Type": "AWS::SQS::Queue", **metadata}}}})
        [found] = run([rule_of(NEEDED)], assembly, others=public_rules(assembly, (), ())).findings
        assert found.problem == "cfn:E9999 is acknowledged, and nothing of it is found here"
        assert run([rule_of(NEEDED)], assembly).findings == ()

    def test_sarif_names_its_rules(self) -> None:
        assembly, others = other()
        [described] = document_of(run([], assembly, others=others), version="1.2.3")["runs"][0]["tool"]["driver"][
            "rules"
        ]
        assert described == {"id": "cfn:X1"}


class TestCommand:
    @pytest.mark.parametrize(("arguments", "code"), [((), 1), (("--no-public",), 0)])
    def test_it_is_asked_unless_told_otherwise(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
    ) -> None:
        (tmp_path / "Shop.json").write_text(json.dumps(typo()))
        assert main(["check", *arguments, "--format", "json", str(tmp_path / "Shop.json")]) == code
        rules = {each["rule"] for each in json.loads(capsys.readouterr().out)["findings"]}
        assert (NO_SUCH_PROPERTY in rules) is (code == 1)
