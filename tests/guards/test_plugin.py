"""The guards at synth, by CDK itself; and what the other doors make of what it wrote."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs_lib import PropError, SecureFunction, ServerlessGuards, allow_recursion, assert_guarded
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards import GuardWarning
from constructs_lib.guards.check import check
from constructs_lib.guards.finding import Severity
from constructs_lib.guards.recorded import recorded_beside
from constructs_lib.guards.rules import rule_ids
from constructs_lib.guards.selection import RuleNameError
from tests.guards.apps import VISIBILITY

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs import Construct

ID = f"ServerlessGuards::{VISIBILITY}"
ONLY = [VISIBILITY, "acknowledgement-is-needed"]
REASON = "handlers are idempotent"


class Worker:
    """A queue and its function; impatient unless told otherwise."""

    def __init__(self, scope: Construct, visibility: int | None = None) -> None:
        self.queue = sqs.Queue(
            scope,
            "Emails",
            visibility_timeout=None if visibility is None else cdk.Duration.seconds(visibility),
            dead_letter_queue=sqs.DeadLetterQueue(
                max_receive_count=5,
                queue=sqs.Queue(scope, "DeadLetters", retention_period=cdk.Duration.days(14), enforce_ssl=True),
            ),
            enforce_ssl=True,
        )
        self.function = lambda_.Function(
            scope,
            "Send",
            runtime=lambda_.Runtime.NODEJS_24_X,
            handler="index.handler",
            code=lambda_.Code.from_inline("exports.handler = async () => {}"),
            timeout=cdk.Duration.seconds(60),
        )
        self.queue.grant_consume_messages(self.function)
        self.mapping = lambda_.EventSourceMapping(
            scope, "Mapping", target=self.function, event_source_arn=self.queue.queue_arn,
            report_batch_item_failures=True,
        )  # fmt: skip


def acknowledge(construct: Construct, rule_id: str = ID, reason: str = REASON) -> None:
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule_id, reason=reason))


def refusal(app: cdk.App) -> str:
    with pytest.raises(RuntimeError) as caught:
        app.synth()
    return str(caught.value)


def reported(app: cdk.App) -> dict[str, Any]:
    """What CDK's own report says of us."""
    document = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    [report] = [each for each in document["pluginReports"] if each["pluginName"] == "ServerlessGuards"]
    return dict(report)


def of_rule(report: dict[str, Any], kind: str, name: str = VISIBILITY) -> list[dict[str, Any]]:
    return [each for each in report.get(kind) or [] if each["ruleName"].rpartition("::")[2] == name]


def nested(depth: int) -> Any:
    """Lists in lists, deeper than any template may be."""
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.fixture
def guarded(app: cdk.App) -> cdk.App:
    cdk.Validations.of(app).add_plugins(ServerlessGuards())
    return app


class TestAtSynth:
    def test_an_error_ends_the_synthesis_with_path_fix_and_what_to_acknowledge(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        Worker(stack)
        text = refusal(guarded)
        [found] = check(Assembly.read(guarded.outdir), only=[VISIBILITY]).errors
        assert f"ERROR {found.problem}" in text
        assert "\n   Shop/Emails/Resource (" in text
        assert f"\n   Suggested fix: {found.fix}\n" in text
        assert f"\n   Acknowledge with '{ID}'" in text

    def test_what_is_safe_is_synthesized(self, guarded: cdk.App) -> None:
        Worker(cdk.Stack(guarded, "Shop"), visibility=600)
        guarded.synth()
        assert check(Assembly.read(guarded.outdir), only=ONLY).findings == ()

    def test_a_warning_ends_nothing_and_is_in_the_report(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        acknowledge(Worker(stack, visibility=600).queue)
        guarded.synth()
        [found] = of_rule(reported(guarded), "violations", f"acknowledgement-is-needed[{VISIBILITY}]")
        assert (found["severity"], found["suggestedFix"]) == ("warning", "remove the acknowledgement")

    def test_stacks_are_seen_together_and_those_of_stages_too(self, guarded: cdk.App) -> None:
        stage = cdk.Stage(guarded, "Prod")
        queues, workers = cdk.Stack(stage, "Queues"), cdk.Stack(stage, "Workers")
        queue = sqs.Queue(queues, "Emails", enforce_ssl=True)
        worker = Worker(workers, visibility=600)
        queue.grant_consume_messages(worker.function)
        worker.function.add_event_source_mapping("More", event_source_arn=queue.queue_arn)
        assert "\n   Prod/Queues/Emails/Resource (" in refusal(guarded)

    def test_nested_stacks_are_seen(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        Worker(cdk.NestedStack(cdk.NestedStack(stack, "Mail"), "Out"))
        Worker(cdk.NestedStack(stack, "Post"), visibility=600)
        text = refusal(guarded)
        assert "\n   Shop/Mail/Out/Emails/Resource (" in text
        assert "\n   Shop/Post/Emails/Resource (" not in text

    def test_nested_stacks_are_seen_by_what_the_cli_writes_too(self, guarded: cdk.App) -> None:
        guarded.node.set_context("aws:cdk:enable-asset-metadata", True)
        guarded.node.set_context("aws:cdk:enable-path-metadata", True)
        Worker(cdk.NestedStack(cdk.Stack(guarded, "Shop"), "Mail"))
        assert "\n   Shop/Mail/Emails/Resource (" in refusal(guarded)

    def test_an_app_whose_code_was_not_bundled_is_checked(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        SecureFunction(stack, "Greet", entry="lambda_src/greeting/greet.ts")
        Worker(stack)
        assert f"Acknowledge with '{ID}'" in refusal(guarded)

    def test_a_stack_without_resources_hides_no_other(self, guarded: cdk.App) -> None:
        cdk.Stack(guarded, "Empty")
        Worker(cdk.Stack(guarded, "Shop"))
        assert f"Acknowledge with '{ID}'" in refusal(guarded)

    def test_on_a_stage_alone_only_its_stacks_are_checked(self, app: cdk.App) -> None:
        Worker(cdk.Stack(app, "Shop"))
        stage = cdk.Stage(app, "Prod")
        Worker(cdk.Stack(stage, "Shop"))
        cdk.Validations.of(stage).add_plugins(ServerlessGuards())
        text = refusal(app)
        assert "\n   Prod/Shop/Emails/Resource (" in text
        assert "\n   Shop/Emails/Resource (" not in text

    def test_registered_twice_it_speaks_once(self, guarded: cdk.App) -> None:
        cdk.Validations.of(guarded).add_plugins(ServerlessGuards())
        Worker(cdk.Stack(guarded, "Shop"))
        assert refusal(guarded).count(f"Acknowledge with '{ID}'") == 1

    def test_a_second_synthesis_is_checked_again(self, guarded: cdk.App) -> None:
        cdk.Validations.of(guarded).add_plugins(ServerlessGuards())
        Worker(cdk.Stack(guarded, "Shop"))
        first = refusal(guarded)
        with pytest.raises(RuntimeError) as caught:
            guarded.synth(force=True)
        assert str(caught.value) == first

    def test_waits_for_what_is_still_to_be_looked_up(self, app: cdk.App) -> None:
        cdk.Validations.of(app).add_plugins(ServerlessGuards())
        stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111122223333", region="eu-west-1"))
        ec2.Vpc.from_lookup(stack, "Vpc", is_default=True)
        Worker(stack)
        app.synth()

    def test_an_app_that_cannot_be_read_is_synthesized_and_that_is_said(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        cdk.CfnResource(stack, "Deep", type="AWS::SNS::Topic", properties={"Tags": nested(120)})
        guarded.synth()
        [told] = of_rule(reported(guarded), "violations", "assembly")
        assert (told["severity"], told["description"].startswith("nothing of this app was guarded: ")) == (
            "warning",
            True,
        )

    def test_names_itself_and_its_rules_to_cdk(self) -> None:
        plugin = ServerlessGuards()
        assert plugin.name == "ServerlessGuards"
        assert plugin.rule_ids == list(rule_ids())
        assert plugin.version.count(".") == 2


class TestOtherApps:
    def test_constructs_in_nested_stacks_have_their_paths_where_nothing_was_validated(self, tmp_path: Path) -> None:
        app = cdk.App(outdir=str(tmp_path))
        stack = cdk.Stack(app, "Shop")
        for holder in (stack, cdk.NestedStack(stack, "Mail"), cdk.NestedStack(stack, "Post")):
            sqs.CfnQueue(holder, "Emails").override_logical_id("Emails")
        app.synth()
        queues = Assembly.read(tmp_path).of_type("AWS::SQS::Queue")
        assert sorted(each.path for each in queues) == ["Shop/Emails", "Shop/Mail/Emails", "Shop/Post/Emails"]


class TestAcknowledging:
    @pytest.mark.parametrize(
        ("place", "rule_id", "at"),
        [
            (lambda each: each.queue, ID, "Prod/Shop/Emails"),
            (lambda each: each.queue.node.default_child, ID, "Prod/Shop/Emails/Resource"),
            (lambda each: each.queue, VISIBILITY, "Prod/Shop/Emails"),
            (lambda each: cdk.Stack.of(each.queue), ID, "Prod/Shop"),
            (lambda each: cdk.Stage.of(each.queue), VISIBILITY, "Prod"),
            (lambda each: each.queue.node.root, ID, None),
        ],
        ids=["at the construct", "at its resource", "by the bare id", "at the stack", "at the stage", "at the app"],
    )
    def test_the_finding_stays_in_every_report_with_its_reason(
        self,
        guarded: cdk.App,
        place: Callable[[Worker], Construct],
        rule_id: str,
        at: str | None,
    ) -> None:
        worker = Worker(cdk.Stack(cdk.Stage(guarded, "Prod"), "Shop"))
        acknowledge(place(worker), rule_id)
        guarded.synth()

        report = reported(guarded)
        assert of_rule(report, "violations") == []
        [kept] = of_rule(report, "suppressedViolations")
        assert (kept["reason"], kept.get("acknowledgedAt")) == (REASON, at)

        read = check(Assembly.read(guarded.outdir), only=ONLY)
        assert read.findings == ()
        assert [(each.finding.rule, each.by.reason) for each in read.acknowledged] == [(VISIBILITY, REASON)]

    def test_in_a_nested_stack_it_is_honoured(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        here, there = (Worker(cdk.NestedStack(stack, name)) for name in ("Mail", "Post"))
        acknowledge(here.queue)
        text = refusal(guarded)
        assert "Shop/Mail/Emails/Resource (" not in text
        assert "Shop/Post/Emails/Resource (" in text
        acknowledge(cdk.Stack.of(there.queue))
        guarded.synth(force=True)
        assert check(Assembly.read(guarded.outdir), only=ONLY).findings == ()

    def test_another_construct_is_not_meant(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        Worker(stack)
        acknowledge(sqs.Queue(stack, "EmailsToo", enforce_ssl=True))
        text = refusal(guarded)
        assert f"Acknowledge with '{ID}'" in text
        assert f"{VISIBILITY} is acknowledged, and nothing of it is found here" in text

    def test_without_a_reason_the_synthesis_ends(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        acknowledge(Worker(stack).queue, reason=" ")
        assert f"ERROR {VISIBILITY} is acknowledged without a reason" in refusal(guarded)

    def test_it_ends_with_the_line_that_made_it(self, tmp_path: Path) -> None:
        """What CDK reported the last time is still there when it synthesizes into the same folder again."""
        for is_acknowledged in (True, False):
            app = cdk.App(outdir=str(tmp_path))
            cdk.Validations.of(app).add_plugins(ServerlessGuards())
            worker = Worker(cdk.Stack(app, "Shop"))
            if is_acknowledged:
                acknowledge(worker.queue)
                app.synth()
                assert len(of_rule(reported(app), "suppressedViolations")) == 1
        assert f"Acknowledge with '{ID}'" in refusal(app)

    def test_acknowledgements_of_other_tools_are_theirs(self, guarded: cdk.App) -> None:
        stack = cdk.Stack(guarded, "Shop")
        acknowledge(Worker(stack, visibility=600).queue, "AwsSolutions-SQS3")
        guarded.synth()
        assert check(Assembly.read(guarded.outdir), only=ONLY).findings == ()


class TestAllowingALoop:
    def test_is_written_down_for_one_loop_with_its_evidence(self, app: cdk.App) -> None:
        queue = sqs.Queue(cdk.Stack(app, "Shop"), "Emails")
        allow_recursion(queue, "each mail is sent once")
        allow_recursion(queue, "this one, too", loop="recursion[Shop/Emails>Shop/Send]")
        allow_recursion(queue, "and this", loop="Shop/Emails>Shop/Other")
        app.synth()
        words = recorded_beside(Path(app.outdir)).acknowledgements
        assert [(each.id, each.place, each.reason) for each in words] == [
            ("recursion", "Shop/Emails", "each mail is sent once"),
            ("recursion[Shop/Emails>Shop/Send]", "Shop/Emails", "this one, too"),
            ("recursion[Shop/Emails>Shop/Other]", "Shop/Emails", "and this"),
        ]

    def test_raises_when_there_is_no_evidence(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as caught:
            allow_recursion(stack, "  ")
        assert str(caught.value) == (
            "a loop is allowed without evidence\n"
            "  at:  Shop (allow_recursion)\n"
            "  fix: say what ends the loop: the condition in the code, the test that proves it"
        )


class TestAssertGuarded:
    def test_passes_when_nothing_hurts(self, app: cdk.App) -> None:
        Worker(cdk.Stack(app, "Shop"), visibility=600)
        assert_guarded(app, only=ONLY)

    def test_fails_with_three_lines_for_each_error(self, app: cdk.App) -> None:
        Worker(cdk.Stack(app, "Shop"))
        with pytest.raises(AssertionError) as caught:
            assert_guarded(app, only=[VISIBILITY])
        [found] = check(Assembly.read(app.outdir), only=[VISIBILITY]).errors
        assert str(caught.value) == (
            "1 error, 0 warnings, 0 unknown, 0 acknowledged in 1 stack, "
            f"{len(Assembly.read(app.outdir).resources)} resources, 1 rule\n\n{found}\n  id:  {VISIBILITY}"
        )

    def test_takes_any_part_of_an_app_and_looks_at_all_of_it(self, app: cdk.App) -> None:
        Worker(cdk.Stack(app, "Shop"))
        with pytest.raises(AssertionError, match="Shop/Emails"):
            assert_guarded(sqs.Queue(cdk.Stack(app, "Other"), "Queue"), only=[VISIBILITY])

    def test_an_app_that_guards_itself_fails_the_same_way(self, guarded: cdk.App) -> None:
        Worker(cdk.Stack(guarded, "Shop"))
        with pytest.raises(AssertionError, match="Shop/Emails"):
            assert_guarded(guarded, only=[VISIBILITY])
        with pytest.raises(RuntimeError) as caught:
            guarded.synth(force=True)
        assert f"Acknowledge with '{ID}'" in str(caught.value)

    @pytest.mark.parametrize(
        "place",
        [lambda each: each.queue, lambda each: cdk.Stage.of(each.queue), lambda each: each.queue.node.root],
        ids=["at the construct", "at the stage", "at the app"],
    )
    def test_passes_what_is_acknowledged(self, app: cdk.App, place: Callable[[Worker], Construct]) -> None:
        acknowledge(place(Worker(cdk.Stack(cdk.Stage(app, "Prod"), "Shop"))))
        assert_guarded(app, only=ONLY)

    def test_a_rule_can_be_left_out(self, app: cdk.App) -> None:
        Worker(cdk.Stack(app, "Shop"))
        assert_guarded(app, only=ONLY, skip=[VISIBILITY])

    def test_what_may_hurt_is_a_warning(self, app: cdk.App) -> None:
        acknowledge(Worker(cdk.Stack(app, "Shop"), visibility=600).queue)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            assert_guarded(app, only=ONLY)
        assert [(each.category, each.filename) for each in heard] == [(GuardWarning, __file__)]
        assert str(heard[0].message).startswith(f"{VISIBILITY} is acknowledged, and nothing of it is found here\n")

    def test_a_mistyped_rule_is_told(self, app: cdk.App) -> None:
        with pytest.raises(RuleNameError, match="did you mean"):
            assert_guarded(app, only=[f"{VISIBILITY}s"])


def test_severities_are_those_that_cdk_knows() -> None:
    assert {each.value for each in Severity} <= {"fatal", "error", "warning", "info"}
