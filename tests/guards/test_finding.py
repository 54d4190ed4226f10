from __future__ import annotations

import pytest

from constructs_lib.guards.finding import Finding, Place, Severity, Verdict, finding, unknown
from constructs_lib.guards.rule import Rule, rule
from tests.guards.apps import complains, queues

ASSEMBLY = queues("Emails")
[EMAILS] = ASSEMBLY.resources


class TestFindings:
    def test_it_reads_as_three_lines(self) -> None:
        made = finding(
            EMAILS, problem="visibility (30 s) is too short", fix="raise it to 60 s", at=["VisibilityTimeout"]
        )
        assert str(made) == (
            "visibility (30 s) is too short\n"
            "  at:  Shop/Emails (AWS::SQS::Queue) VisibilityTimeout\n"
            "  fix: raise it to 60 s"
        )

    def test_a_construct_path_is_not_repeated_after_the_stack(self) -> None:
        template = {
            "Resources": {"Q1": {"Type": "AWS::SQS::Queue", "Metadata": {"aws:cdk:path": "Shop/Emails/Resource"}}}
        }
        [queue] = type(ASSEMBLY).of({"prod-shop": template}).resources
        assert finding(queue, problem="p", fix="f").where == "Shop/Emails (AWS::SQS::Queue)"

    def test_a_stack_or_a_parameter_can_be_what_it_is_about(self) -> None:
        [stack] = ASSEMBLY.stacks
        assert finding(Place(stack), problem="p", fix="f").where == "Shop (Stack)"
        assert finding(Place(stack, "Parameter", "Key"), problem="p", fix="f").where == "Shop/Key (Parameter)"

    def test_its_id_tells_two_of_one_rule_apart(self) -> None:
        assert Finding(EMAILS, "p", "f", rule="recursion").id == "recursion"
        assert Finding(EMAILS, "p", "f", rule="recursion", detail="Shop/A>Shop/B").id == "recursion[Shop/A>Shop/B]"

    @pytest.mark.parametrize(
        ("detail", "kept"), [("a b", "a-b"), ("s3:{Put}*", "s3:-Put-*"), ("x[0]", "x-0-"), ("a::b", "a::b")]
    )
    def test_a_detail_keeps_to_what_cdk_takes_in_an_id(self, detail: str, kept: str) -> None:
        assert finding(EMAILS, problem="p", fix="f", detail=detail).detail == kept

    def test_an_unknown_says_what_and_why(self) -> None:
        made = unknown(EMAILS, what="whether it is drained", reason="the function is elsewhere")
        assert str(made) == (
            "whether it is drained\n  at:  Shop/Emails (AWS::SQS::Queue)\n  why: the function is elsewhere"
        )


class TestRules:
    def test_it_names_its_findings_and_says_how_bad_they_are(self) -> None:
        [made] = complains("no-queues", Severity.WARNING)(ASSEMBLY)
        assert isinstance(made, Finding)
        assert (made.rule, made.severity) == ("no-queues", Severity.WARNING)

    def test_a_finding_may_be_less_bad_than_its_rule(self) -> None:
        [made] = complains("loops", severity=Severity.ERROR)(ASSEMBLY)
        assert isinstance(made, Finding)
        assert made.severity is Severity.ERROR

        def check(_: object) -> list[Finding]:
            return [finding(EMAILS, problem="p", fix="f", severity=Severity.INFO, verdict=Verdict.GUARDED)]

        [guarded] = Rule("loops", Severity.ERROR, check)(ASSEMBLY)
        assert isinstance(guarded, Finding)
        assert (guarded.severity, guarded.verdict) == (Severity.INFO, Verdict.GUARDED)

    def test_its_id_is_the_name_of_its_file(self) -> None:
        @rule(severity=Severity.ERROR)
        def check(_: object) -> list[Finding]:
            return []

        assert check.id == "test-finding"

    def test_its_docstring_falls_into_summary_and_sections(self) -> None:
        @rule(severity=Severity.ERROR)
        def check(_: object) -> list[Finding]:
            """A queue is
            a queue.

            Why it matters: it
            is so.

            Refuses: all else.
            Accepts: queues: long ones.
            """
            return []

        assert check.summary == "A queue is a queue."
        assert check.sections == {
            "Why it matters": "it\nis so.",
            "Refuses": "all else.",
            "Accepts": "queues: long ones.",
        }
        assert check.markdown == (
            "A queue is a queue.\n\n**Why it matters:** it is so.\n\n**Refuses:** all else.\n\n"
            "**Accepts:** queues: long ones."
        )
