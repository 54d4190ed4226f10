from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sarif_kit.validate import validation_errors  # type: ignore[import-untyped] # has no types

from constructs_lib.assembly.model import Assembly
from constructs_lib.cli import main
from constructs_lib.guards.check import Report, check, run
from constructs_lib.guards.finding import Severity, Verdict
from constructs_lib.guards.report.as_sarif import document_of
from constructs_lib.guards.rules import rule_ids, rule_of
from tests.guards.apps import VISIBILITY, acknowledged, breaks, complains, impatient, queues, wonders

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def run_of(report: Report, root: Path | None = None) -> dict[str, Any]:
    """The one run of a report, which keeps to the schema."""
    document = document_of(report, version="1.2.3", root=root)
    assert validation_errors(document) == []
    [only] = document["runs"]
    return dict(only)


class TestResults:
    def test_a_finding_is_a_result_with_its_fix_and_evidence(self) -> None:
        rules = [complains("loops", evidence=["A writes to B"], verdict=Verdict.LOOP, at=["Name"], detail="A>B")]
        [result] = run_of(run(rules, queues("A")))["results"]
        assert result == {
            "ruleId": "loops",
            "ruleIndex": 0,
            "level": "error",
            "kind": "fail",
            "message": {"text": "A is a queue\nfix: make it a topic\nA writes to B"},
            "locations": [
                {
                    "logicalLocations": [{"fullyQualifiedName": "Shop/A.Name", "name": "A", "kind": "resource"}],
                    "message": {"text": "Shop/A (AWS::SQS::Queue)"},
                }
            ],
            "partialFingerprints": {"finding/v1": "Shop/A/loops[A>B]"},
            "properties": {"verdict": "LOOP"},
        }

    def test_levels_follow_severity(self) -> None:
        rules = [complains("e"), complains("w", Severity.WARNING), complains("i", Severity.INFO)]
        results = run_of(run(rules, queues("A")))["results"]
        assert [(each["ruleId"], each["level"], each["kind"]) for each in results] == [
            ("e", "error", "fail"), ("w", "warning", "fail"), ("i", "none", "informational"),
        ]  # fmt: skip

    def test_what_is_unknown_is_open(self) -> None:
        [result] = run_of(run([wonders("w")], queues("A")))["results"]
        assert (result["kind"], result["level"]) == ("open", "none")
        assert result["message"] == {"text": "whether A is a queue: nobody said so"}

    def test_other_parts_of_a_loop_are_related_locations(self) -> None:
        assembly = queues("A", "B")
        [result, _] = run_of(run([complains("c", through=[assembly.resources[1]])], assembly))["results"]
        [related] = result["relatedLocations"]
        assert related["logicalLocations"][0]["fullyQualifiedName"] == "Shop/B"

    def test_what_is_acknowledged_is_suppressed_with_its_reason(self) -> None:
        template = impatient(acknowledged({"id": VISIBILITY, "reason": "idempotent"}))
        [result] = run_of(check(Assembly.of({"Shop": template}), only=[VISIBILITY]))["results"]
        [suppression] = result["suppressions"]
        assert (suppression["kind"], suppression["status"], suppression["justification"]) == (
            "inSource", "accepted", "idempotent",
        )  # fmt: skip

    def test_a_rule_that_failed_makes_the_run_a_failed_one(self) -> None:
        failed = run_of(run([breaks("b")], queues("A")))
        [invocation] = failed["invocations"]
        assert invocation["executionSuccessful"] is False
        [told] = invocation["toolExecutionNotifications"]
        assert told["message"]["text"].startswith("the rule failed inside: KeyError")


class TestPlaces:
    def test_a_resource_is_found_by_file_and_line_from_where_one_stands(self, tmp_path: Path) -> None:
        file = tmp_path / "my app" / "Shop.json"
        file.parent.mkdir()
        file.write_text(json.dumps(impatient(), indent=1))
        report = check(Assembly.read(file), only=[VISIBILITY])
        [result] = run_of(report, root=tmp_path)["results"]
        physical = result["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"] == {"uri": "my%20app/Shop.json", "uriBaseId": "%SRCROOT%"}
        assert physical["region"]["startLine"] > 1
        assert '"Queue"' in file.read_text().splitlines()[physical["region"]["startLine"] - 1]

    def test_a_file_elsewhere_keeps_its_whole_address(self, tmp_path: Path) -> None:
        (tmp_path / "Shop.json").write_text(json.dumps(impatient()))
        report = check(Assembly.read(tmp_path / "Shop.json"), only=[VISIBILITY])
        [result] = run_of(report, root=tmp_path / "elsewhere")["results"]
        address = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert address == {"uri": (tmp_path / "Shop.json").as_uri()}


class TestRules:
    def test_a_rule_brings_its_documentation(self) -> None:
        described = run_of(check(Assembly.of({"Shop": impatient()}), only=[VISIBILITY]))["tool"]["driver"]["rules"]
        rule = rule_of(VISIBILITY)
        [told] = described
        assert told["shortDescription"] == {"text": rule.summary}
        assert told["help"] == {"text": rule.documentation, "markdown": rule.markdown}

    def test_every_rule_can_be_described(self) -> None:
        rules = [complains(rule_id) for rule_id in rule_ids()]
        described = run_of(run(rules, queues("A")))["tool"]["driver"]["rules"]
        assert [each["id"] for each in described] == list(rule_ids())


class TestTheSchema:
    """What the other tests are held against is the schema of OASIS, and it refuses what is not SARIF."""

    def test_refuses_what_it_does_not_know(self) -> None:
        document = document_of(run([complains("c")], queues("A")), version="1.2.3")
        document["runs"][0]["results"][0]["colour"] = "red"
        assert len(validation_errors(document)) == 1


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Shop.json").write_text(json.dumps(impatient()))
    assert main(["check", "--no-public", "--format", "sarif", "--only", VISIBILITY, str(tmp_path / "Shop.json")]) == 1
    document = json.loads(capsys.readouterr().out)
    assert validation_errors(document) == []
    assert [each["ruleId"] for each in document["runs"][0]["results"]] == [VISIBILITY]
