from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check, run
from constructs_lib.guards.finding import Severity
from constructs_lib.guards.rules import rule_ids, rule_of
from constructs_lib.guards.selection import RuleNameError, selected
from tests.guards.apps import VISIBILITY, breaks, complains, impatient, patient, queues, wonders
from tests.test_architecture import CONSTRUCTS, files_in, imports_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class TestRunning:
    def test_says_what_breaks_a_rule(self) -> None:
        report = check(Assembly.of({"Shop": impatient()}), only=[VISIBILITY])
        assert [(each.rule, each.where) for each in report.errors] == [
            (VISIBILITY, "Shop/Queue (AWS::SQS::Queue) VisibilityTimeout")
        ]

    def test_says_nothing_of_what_keeps_it(self) -> None:
        report = check(Assembly.of({"Shop": patient()}), only=[VISIBILITY])
        assert (report.findings, report.unknowns, report.failures) == ((), (), ())

    def test_says_what_cannot_be_told(self) -> None:
        [said] = run([wonders("w")], queues("A")).unknowns
        assert (said.rule, said.what, said.reason) == ("w", "whether A is a queue", "nobody said so")

    def test_the_worst_comes_first_then_the_order_of_paths(self) -> None:
        rules = [complains("b-info", Severity.INFO), complains("a-warning", Severity.WARNING), complains("c-error")]
        said = [(each.rule, each.resource.path) for each in run(rules, queues("Z", "A")).findings]
        assert said == [
            ("c-error", "A"), ("c-error", "Z"),
            ("a-warning", "A"), ("a-warning", "Z"),
            ("b-info", "A"), ("b-info", "Z"),
        ]  # fmt: skip

    def test_what_is_said_twice_is_reported_once(self) -> None:
        assert len(run([complains("c"), complains("c")], queues("A")).findings) == 1

    def test_counts_what_was_looked_at_and_what_was_found(self) -> None:
        rules = [complains("e"), complains("w", Severity.WARNING), wonders("u")]
        assert run(rules, queues("A", "B")).stats == {
            "stacks": 1, "resources": 2, "rules": 3, "errors": 2, "warnings": 2, "infos": 0, "acknowledged": 0,
            "unknown": 2,
        }  # fmt: skip

    def test_what_could_not_be_read_is_unknown(self) -> None:
        assembly = Assembly.of({"Shop": {"Resources": {"Odd": 3}}})
        assert assembly.problems
        [said] = run([], assembly).unknowns
        assert (said.rule, said.resource.path, said.what) == ("assembly", "Shop", assembly.problems[0].what)


class TestRulesThatFail:
    def test_the_others_are_heard_and_nothing_found_is_lost(self) -> None:
        report = run([breaks("b"), complains("c")], queues("A"))
        assert [(each.rule, each.problem) for each in report.findings] == [
            ("b", "this much was found"), ("c", "A is a queue"),
        ]  # fmt: skip

    def test_the_failure_names_the_rule_its_line_and_the_way_on(self) -> None:
        [failure] = run([breaks("b")], queues("A")).failures
        assert failure.what == "the rule failed inside: KeyError: 'VisibilityTimeout'"
        assert failure.where.startswith("b (tests.guards.apps:")
        assert failure.fix == "this is an error of constructs-lib: report it, and go on with --skip b"


class TestSelection:
    @pytest.mark.parametrize(
        ("only", "skip", "wanted"),
        [
            ((), (), rule_ids()),
            ((VISIBILITY,), (), (VISIBILITY,)),
            ((VISIBILITY,), (VISIBILITY,), ()),
            ((), (VISIBILITY,), tuple(each for each in rule_ids() if each != VISIBILITY)),
        ],
    )
    def test_runs_what_is_asked_for_less_what_is_left_out(
        self, only: Sequence[str], skip: Sequence[str], wanted: tuple[str, ...]
    ) -> None:
        assert selected(only, skip) == wanted

    def test_a_mistyped_name_is_told_with_the_nearest_one(self) -> None:
        with pytest.raises(RuleNameError) as caught:
            check(queues(), only=["queue-visibility-covers-timeuot"], skip=["zzz"])
        assert str(caught.value) == (
            "there is no rule 'queue-visibility-covers-timeuot': did you mean queue-visibility-covers-timeout?\n"
            "  at:  only\n"
            "  fix: see all rules with `constructs-lib check --list`\n"
            "there is no rule 'zzz'\n"
            "  at:  skip\n"
            "  fix: see all rules with `constructs-lib check --list`"
        )

    def test_every_file_of_the_folder_is_a_rule_under_its_own_name(self) -> None:
        assert len(rule_ids()) > 1
        assert [rule_of(each).id for each in rule_ids()] == list(rule_ids())


def test_checking_needs_no_cdk() -> None:
    source = (
        "import sys\n"
        "from constructs_lib.assembly.model import Assembly\n"
        "from constructs_lib.guards.check import check\n"
        "check(Assembly.of({'Shop': {'Resources': {}}}))\n"
        "sys.stdout.write(' '.join(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert {"aws_cdk", "jsii", "boto3"} & set(ended.stdout.split()) == set()


def test_only_the_doors_that_cdk_opens_know_cdk() -> None:
    doors = {"allow_recursion", "plugin", "testing"}
    forbidden = {"constructs_lib.wiring", "constructs_lib.bundling", "constructs_lib.local"}
    forbidden |= {f"constructs_lib.{name}" for name in CONSTRUCTS}
    for file in files_in("guards"):
        banned = forbidden if file.stem in doors else forbidden | {"aws_cdk", "constructs", "jsii"}
        for name in imports_of(file):
            assert not any(name == each or name.startswith(f"{each}.") for each in banned), f"{file} imports {name}"
