"""What a finding of the recursion rule reads like, and what it cannot tell."""

from __future__ import annotations

from typing import Any

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Finding, Severity, Unknown
from constructs_lib.guards.rules import rule_of
from tests.guards.recursion.parts import Json, allow, att, bucket, mapping, notifying, objects, queue, role, writer


def found(resources: Json) -> list[Finding | Unknown]:
    return list(rule_of("recursion")(Assembly.of({"Shop": {"Resources": resources}})))


def told(keys: str, prefix: str) -> Json:
    way = notifying("Lambda", att("Writer"), prefix=prefix)
    return writer(allow("s3:PutObject", objects(keys))) | bucket(NotificationConfiguration=way)


class TestFindings:
    def only(self, resources: Json) -> Finding:
        [finding] = found(resources)
        assert isinstance(finding, Finding)
        return finding

    def test_a_loop_is_an_error_and_says_how_it_goes_round(self) -> None:
        finding = self.only(told("in/*", "in/"))
        assert finding.severity is Severity.ERROR
        assert str(finding) == (
            "Writer runs itself, without end: Writer -> Bucket -> Writer\n"
            "  at:  Shop/Writer (AWS::Lambda::Function)\n"
            "  fix: let it write somewhere else, or narrow what runs it until the two have nothing in common; "
            'if something else ends it, say what: allow_recursion(Writer, "...")'
        )
        assert finding.evidence == (
            "Writer may s3:PutObject on arn:aws:s3:::${Bucket}/in/* (allowed by WriterRole)",
            "Bucket notifies Writer: all of in/* is in in/*",
        )

    def test_a_risk_is_a_warning_and_has_an_example(self) -> None:
        finding = self.only(told("*", "in/"))
        assert finding.severity is Severity.WARNING
        assert finding.problem == "Writer may run itself: Writer -> Bucket -> Writer"
        assert finding.fix.startswith("Bucket notifies Writer: narrow that; ")
        assert finding.evidence[-1] == "Bucket notifies Writer: some of * is in in/*, for example 'in/'"

    def test_a_guarded_circle_is_a_note_and_has_the_proof(self) -> None:
        finding = self.only(told("out/*", "in/"))
        assert finding.severity is Severity.INFO
        assert finding.problem == "Writer would run itself, if a filter did not prevent it: Writer -> Bucket -> Writer"
        assert finding.fix == "keep it so"
        assert finding.evidence[-1] == "Bucket notifies Writer: nothing in out/* is in in/*"

    def test_two_circles_of_one_function_are_told_apart(self) -> None:
        two = told("*", "in/") | queue() | mapping(att("Queue"))
        two["WriterRole"] = role(allow("s3:PutObject", objects()), allow("sqs:SendMessage", att("Queue")))
        assert {each.id for each in found(two) if isinstance(each, Finding)} == {
            "recursion[Shop/Writer>Shop/Bucket]",
            "recursion[Shop/Writer>Shop/Queue]",
        }


class TestUnknowns:
    def reasons(self, **function: Any) -> list[str]:
        resources = writer(**function) | queue() | mapping(att("Queue"))
        return [each.reason for each in found(resources) if isinstance(each, Unknown)]

    def test_what_an_imported_role_allows_is_not_known(self) -> None:
        arn = "arn:aws:iam::111111111111:role/elsewhere"
        assert self.reasons(Role=arn) == ["its role elsewhere is not in any of the templates"]

    def test_what_an_imported_policy_allows_is_not_known(self) -> None:
        arn = "arn:aws:iam::111111111111:policy/elsewhere"
        assert self.reasons(role_of=role(ManagedPolicyArns=[arn])) == [
            f"what the managed policy {arn} allows is not in any of the templates"
        ]

    def test_what_a_policy_of_aws_allows_is_known_if_it_is_listed(self) -> None:
        start = "arn:aws:iam::aws:policy"
        listed, unlisted = f"{start}/service-role/AWSLambdaBasicExecutionRole", f"{start}/SomethingNew"
        assert self.reasons(role_of=role(ManagedPolicyArns=[listed])) == []
        assert self.reasons(role_of=role(ManagedPolicyArns=[unlisted])) == [
            "what the managed policy SomethingNew allows is not in any of the templates"
        ]

    def test_a_function_that_nobody_runs_is_not_worth_a_word(self) -> None:
        alone = writer(Role="arn:aws:iam::111111111111:role/elsewhere")
        assert found(alone) == []
