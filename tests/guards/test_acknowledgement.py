"""Acknowledgements in templates, and those CDK wrote beside them; test_plugin.py writes the latter by CDK itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import Report, check, run
from constructs_lib.guards.finding import Finding, Severity, Verdict, finding
from constructs_lib.guards.recorded import acknowledgement
from constructs_lib.guards.rule import Rule
from constructs_lib.guards.rules import rule_of
from tests.guards.apps import VISIBILITY, acknowledged, breaks, impatient, patient, queues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REASON = "handlers are idempotent"
NEEDED = "acknowledgement-is-needed"


def checked(template: dict[str, Any], *more: str) -> Report:
    return check(Assembly.of({"Shop": template}), only=[VISIBILITY, NEEDED, *more])


def said(report: Report) -> list[tuple[str, str, str]]:
    return [(each.severity.value, each.where, each.problem) for each in report.findings]


def loops(*details: str, at: str = "A", through: tuple[str, ...] = ()) -> Rule:
    """A rule `recursion` that finds these loops at one queue."""

    def check(assembly: Assembly) -> Iterator[Finding]:
        by_path = {each.path: each for each in assembly.resources}
        for detail in details:
            others = [by_path[each] for each in through]
            yield finding(by_path[at], problem=f"loop {detail}", fix="break it", detail=detail, through=others)

    return Rule("recursion", Severity.ERROR, check)


def looped(rule: Rule, *ids: str, at: str = "A") -> Report:
    resources: dict[str, Any] = {name: {"Type": "AWS::SQS::Queue"} for name in "ABC"}
    resources[at]["Metadata"] = acknowledged(*({"id": each, "reason": REASON} for each in ids))
    return run([rule, rule_of(NEEDED)], Assembly.of({"Shop": {"Resources": resources}}))


class TestInTemplates:
    @pytest.mark.parametrize(
        "template",
        [
            impatient(acknowledged({"id": VISIBILITY, "reason": REASON})),
            impatient(acknowledged({"id": f"ServerlessGuards::{VISIBILITY}", "reason": REASON})),
            impatient(Metadata=acknowledged({"id": VISIBILITY, "reason": REASON})),
        ],
        ids=["at the resource", "by the id that CDK shows", "for the whole template"],
    )
    def test_the_finding_stays_in_the_report_with_its_reason(self, template: dict[str, Any]) -> None:
        report = checked(template)
        assert (report.findings, report.errors) == ((), ())
        assert [(each.finding.rule, each.by.reason) for each in report.acknowledged] == [(VISIBILITY, REASON)]
        assert (report.stats["errors"], report.stats["acknowledged"]) == (0, 1)

    def test_at_another_resource_it_does_not(self) -> None:
        template = impatient()
        template["Resources"]["Other"] = {
            "Type": "AWS::SQS::Queue", "Metadata": acknowledged({"id": VISIBILITY, "reason": REASON}),
        }  # fmt: skip
        report = checked(template)
        assert [each.rule for each in report.findings] == [VISIBILITY, NEEDED]

    def test_in_another_stack_it_does_not(self) -> None:
        quiet = {"Metadata": acknowledged({"id": VISIBILITY, "reason": REASON}), "Resources": {}}
        report = check(Assembly.of({"Shop": impatient(), "Other": quiet}), only=[VISIBILITY])
        assert len(report.errors) == 1

    @pytest.mark.parametrize("reason", ["", "   ", None, 3])
    def test_without_a_reason_it_is_an_error_itself(self, reason: object) -> None:
        report = checked(impatient(acknowledged({"id": VISIBILITY, "reason": reason})))
        assert said(report) == [
            ("error", "Shop/Queue (AWS::SQS::Queue)", f"{VISIBILITY} is acknowledged without a reason"),
            ("error", "Shop/Queue (AWS::SQS::Queue) VisibilityTimeout", report.findings[1].problem),
        ]

    def test_one_that_nothing_needs_is_a_warning(self) -> None:
        template = patient()
        template["Resources"]["Queue"]["Metadata"] = acknowledged({"id": VISIBILITY, "reason": REASON})
        [found] = checked(template).findings
        assert (found.severity, found.fix) == (Severity.WARNING, "remove the acknowledgement")
        assert str(found).startswith(f"{VISIBILITY} is acknowledged, and nothing of it is found here\n")

    def test_one_of_a_rule_that_was_not_run_is_not_judged(self) -> None:
        template = patient()
        template["Resources"]["Queue"]["Metadata"] = acknowledged({"id": VISIBILITY, "reason": REASON})
        assert check(Assembly.of({"Shop": template}), only=[NEEDED]).findings == ()
        assert check(Assembly.of({"Shop": template}), skip=[NEEDED], only=[VISIBILITY]).findings == ()

    def test_one_of_a_rule_that_failed_is_not_judged(self) -> None:
        template = patient()
        template["Resources"]["Queue"]["Metadata"] = acknowledged({"id": VISIBILITY, "reason": REASON})
        report = run([breaks(VISIBILITY), rule_of(NEEDED)], Assembly.of({"Shop": template}))
        assert [each.rule for each in report.findings if each.rule == NEEDED] == []

    def test_a_mistyped_id_is_told_with_the_nearest_one(self) -> None:
        [_, found] = checked(impatient(acknowledged({"id": f"{VISIBILITY}s", "reason": REASON}))).findings
        assert found.problem == f"there is no rule '{VISIBILITY}s': did you mean {VISIBILITY}?"

    @pytest.mark.parametrize(
        "metadata",
        [
            {"constructs-lib": 3},
            {"constructs-lib": {"acknowledge": None}},
            {"constructs-lib": {"acknowledge": VISIBILITY}},
            {"constructs-lib": {"acknowledge": [3, None, [], {"id": ["x"]}, {"id": VISIBILITY, "reason": ["y"]}]}},
            {"constructs-lib": []},
        ],
    )
    def test_what_makes_no_sense_acknowledges_nothing(self, metadata: dict[str, Any]) -> None:
        report = checked(impatient(metadata))
        assert VISIBILITY in {each.rule for each in report.errors}
        assert report.acknowledged == ()


class TestOneOfSeveral:
    def test_an_id_with_its_detail_is_for_that_one(self) -> None:
        report = looped(loops("A>B", "A>C"), "recursion[A>B]")
        assert [each.problem for each in report.findings] == ["loop A>C"]

    def test_the_bare_id_is_for_the_only_one(self) -> None:
        report = looped(loops("A>B"), "recursion")
        assert (report.findings, len(report.acknowledged)) == ((), 1)

    def test_the_bare_id_is_for_none_of_two_and_says_so(self) -> None:
        report = looped(loops("A>B", "A>C"), "recursion")
        assert report.acknowledged == ()
        assert [each.problem for each in report.errors] == ["loop A>B", "loop A>C"]
        [found] = report.of(Severity.WARNING)
        assert found.problem == "recursion is acknowledged once, and 2 of it are found here"
        assert found.fix == "acknowledge each that is right by its own id: recursion[A>B], recursion[A>C]"

    @pytest.mark.parametrize("only", [["recursion"], ["recursion", NEEDED]])
    def test_it_is_for_none_of_two_whether_or_not_that_is_told(self, only: list[str]) -> None:
        rules = [loops("A>B", "A>C"), *([rule_of(NEEDED)] if NEEDED in only else [])]
        resources = {"A": {"Type": "AWS::SQS::Queue", "Metadata": acknowledged({"id": "recursion", "reason": REASON})}}
        assert len(run(rules, Assembly.of({"Shop": {"Resources": resources}})).errors) == 2

    def test_an_id_with_a_star_is_for_all_of_a_rule(self) -> None:
        report = looped(loops("A>B", "A>C"), "recursion[*]")
        assert (report.findings, len(report.acknowledged)) == ((), 2)

    @pytest.mark.parametrize(
        ("named", "problem"),
        [
            (["A>B", "A>C"], "recursion[*] is acknowledged once, and 2 of it are found here"),
            (["A>B"], "recursion[*] would speak for every loop that comes to be here"),
        ],
    )
    def test_but_not_for_loops_that_have_a_verdict(self, named: list[str], problem: str) -> None:
        def check(assembly: Assembly) -> Iterator[Finding]:
            for found in loops(*named).check(assembly):
                assert isinstance(found, Finding)
                yield replace(found, verdict=Verdict.LOOP)

        report = looped(Rule("recursion", Severity.ERROR, check), "recursion[*]")
        assert (len(report.errors), report.acknowledged) == (len(named), ())
        [told] = report.of(Severity.WARNING)
        assert told.problem == problem
        assert told.fix.endswith("by its own id: " + ", ".join(f"recursion[{each}]" for each in named))

    def test_the_bare_id_is_for_what_has_no_detail(self) -> None:
        def check(assembly: Assembly) -> Iterator[Finding]:
            yield finding(assembly.resources[0], problem="plain", fix="f")
            yield finding(assembly.resources[0], problem="detailed", fix="f", detail="x")

        report = looped(Rule("recursion", Severity.ERROR, check), "recursion")
        assert [each.problem for each in report.findings] == ["detailed"]

    def test_what_is_harmless_does_not_make_two_of_one(self) -> None:
        def check(assembly: Assembly) -> Iterator[Finding]:
            yield from loops("A>B").check(assembly)  # type: ignore[misc] # this rule has no unknowns
            yield finding(assembly.resources[0], problem="p", fix="f", detail="A>C", severity=Severity.INFO)

        report = looped(Rule("recursion", Severity.ERROR, check), "recursion")
        assert [each.finding.problem for each in report.acknowledged] == ["loop A>B"]
        assert [each.severity for each in report.findings] == [Severity.INFO]

    def test_any_part_of_the_loop_will_do(self) -> None:
        report = looped(loops("A>B", through=("B",)), "recursion", at="B")
        assert (report.findings, len(report.acknowledged)) == ((), 1)
        assert len(looped(loops("A>B", through=("B",)), "recursion", at="C").errors) == 1


class TestBesideTemplates:
    def test_files_that_make_no_sense_are_no_acknowledgements(self, tmp_path: Path) -> None:
        (tmp_path / "Shop.template.json").write_text(json.dumps(impatient()))
        (tmp_path / "manifest.json").write_text(
            json.dumps(
                {
                    "version": "53.0.0",
                    "artifacts": {
                        "Shop": {
                            "type": "aws:cloudformation:stack",
                            "properties": {"templateFile": "Shop.template.json"},
                            "metadata": {
                                "/Shop": [3, {"type": "aws:cdk:acknowledged-rules", "data": [1]}],
                                "/Shop/Queue": {"not": "a list"},
                            },
                            "additionalMetadataFile": "gone.json",
                        }
                    },
                }
            )
        )
        (tmp_path / "gone.json").write_text("{}")
        (tmp_path / "validation-report.json").write_text('{"pluginReports": [{"suppressedViolations": [7, {}]}, 3]}')
        report = check(Assembly.read(tmp_path), only=[VISIBILITY])
        assert (len(report.errors), report.acknowledged) == (1, ())

    @pytest.mark.parametrize("recorded", ["AwsSolutions::SQS3", "no-namespace", "CloudFormation-Validate::E3012"])
    def test_the_word_of_another_tool_is_not_ours(self, recorded: str) -> None:
        assert acknowledgement("Shop/Queue", recorded, REASON) is None

    @pytest.mark.parametrize(
        "recorded", ["Annotation::AwsSolutions-SQS3", "Annotation::AwsSolutions-IAM5[Resource::*]"]
    )
    def test_what_has_no_namespace_is_ours_only_by_the_name_of_a_rule(self, recorded: str) -> None:
        word = acknowledgement("Shop", recorded, REASON)
        assert word is not None
        report = check(queues("A"), acknowledgements=[word])
        assert report.of(Severity.WARNING) == ()
        ours = acknowledgement("Shop", f"Annotation::{VISIBILITY}", REASON)
        assert ours is not None
        assert len(check(queues("A"), only=[VISIBILITY, NEEDED], acknowledgements=[ours]).findings) == 1
