"""What is of another type than it should be is refused in three lines, wherever in a recipe it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from constructs_lib import (
    DynamoTable,
    PropError,
    Retry,
    SecureFunction,
    Step,
    Workflow,
    call,
    choice,
    each,
    fail,
    from_bucket,
    get_item,
    on,
    parallel,
    publish,
    put_event,
    put_item,
    run,
    send,
    start,
    step,
    succeed,
    wait,
    when,
)
from tests.constructs.workflows import definition_of, refused, shape
from tests.templates import template_of

# Everything here is what a type checker would refuse, given by somebody who has none.
NONE: Any = None
A_WAIT: Any = wait("W", seconds=1)
PRICES: Any = "prices"
YES: Any = "yes"
ANY_JSON = "send text, numbers, true, false, null, lists and dictionaries"
SECOND = cdk.Duration.seconds(1)


@jsii.implements(cdk.IStableAnyProducer)
class Late:
    def produce(self) -> str:
        return "known at last"


class TestLists:
    @pytest.mark.parametrize(
        ("wrong", "what"),
        [
            (parallel("P", A_WAIT), "branch 1 of 'P' is a single wait, wanted a list of steps"),
            (parallel("P", NONE), "branch 1 of 'P' is None, wanted a list of steps"),
            (each("E", items=[1], do=A_WAIT), "do of 'E' is a single wait, wanted a list of steps"),
            (choice("C", when("{% true %}", then=A_WAIT)), "then of when(...) of 'C' is a single wait"),
            (choice("C", when("{% true %}"), otherwise=A_WAIT), "otherwise of 'C' is a single wait"),
            (choice("C", when("{% true %}"), otherwise=NONE), "otherwise of 'C' is None, wanted a list of steps"),
            (choice("C", A_WAIT), "the ways of 'C' holds a Wait, wanted when(...) alone"),
        ],
    )
    def test_a_step_where_a_list_belongs_and_the_other_way_round(
        self, stack: cdk.Stack, wrong: Step, what: str
    ) -> None:
        assert refused(stack, wrong).startswith(what)

    @pytest.mark.parametrize(
        ("steps", "what"),
        [
            (A_WAIT, "steps is a single wait, wanted a list of steps"),
            (None, "steps is None, wanted a list of steps"),
            ("Charge", "steps is 'Charge', wanted a list of steps"),
            ([[A_WAIT]], "steps holds a list, wanted steps alone"),
            ([step], "steps holds a function, wanted steps alone"),
            ([Retry], "steps holds the class Retry, wanted steps alone"),
            (iter([A_WAIT]), "steps is a list_iterator, wanted a list of steps"),
        ],
    )
    def test_steps_that_are_no_list_of_steps(self, stack: cdk.Stack, steps: Any, what: str) -> None:
        with pytest.raises(PropError) as caught:
            Workflow(stack, "Fulfil", steps=steps)
        assert str(caught.value) == shape(what, "write [step(...), ...]")


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "what"),
        [
            ({"retry": Retry}, "the retry of 'A' is the class Retry, wanted a list of Retry(...)"),
            ({"retry": Retry("Busy")}, "the retry of 'A' is a single retry, wanted a list of Retry(...)"),
            ({"retry": None}, "the retry of 'A' is None, wanted a list of Retry(...)"),
            ({"retry": ["Busy"]}, "the retry of 'A' holds 'Busy', wanted Retry(...) alone"),
            ({"retry": [Retry(NONE)]}, "an error of Retry(...) of 'A' is None, wanted text"),
            (
                {"catch": [on("{% $states.input.error %}")]},
                "an error of on(...) of 'A' is '{% $states.input.error %}', and names of errors are not evaluated",
            ),
            ({"catch": [on("half \ud800")]}, "a text holds half a character: '"),
            ({"catch": on("Busy")}, "the catch of 'A' is a single on, wanted a list of on(...)"),
            ({"catch": ["Busy"]}, "the catch of 'A' holds 'Busy', wanted on(...) alone"),
            ({"catch": [on(ValueError)]}, "an error of on(...) of 'A' is the class ValueError, wanted text"),  # type: ignore[arg-type]  # the point
            ({"catch": [on("Busy", do=A_WAIT)]}, "do of on(...) of 'A' is a single wait, wanted a list of steps"),
            ({"timeout": 5}, "the timeout of 'A' is 5, wanted a Duration"),
            ({"heartbeat": "5 s"}, "the heartbeat of 'A' is '5 s', wanted a Duration"),
            ({"result": 5}, "the result of 'A' is 5, wanted text"),
            ({"undo": []}, "the undo of 'A' is a list, wanted a function or a step that does something"),
            ({"undo": A_WAIT}, "the undo of 'A' is a Wait, wanted a function or a step that does something"),
        ],
    )
    def test_of_another_type(
        self, stack: cdk.Stack, function: SecureFunction, options: dict[str, Any], what: str
    ) -> None:
        text = refused(stack, step("A", function, **options), step("B", function))
        assert text.startswith(what)
        assert "\n  at:  Shop/Fulfil (Workflow)\n  fix: " in text

    def test_one_that_does_not_exist(self, stack: cdk.Stack, function: SecureFunction) -> None:
        misspelt: Any = {"timeuot": SECOND}
        assert refused(stack, step("A", function, **misspelt)) == shape(
            "'A' has no option 'timeuot': did you mean timeout?",
            "what every step takes is catch, result, retry, timeout, undo",
        )

    @pytest.mark.parametrize(
        ("make", "what"),
        [
            (lambda function: step("A", function, callback=YES, timeout=SECOND), "callback of 'A' is 'yes'"),
            (lambda _: each("A", items=[1], do=[A_WAIT], distributed=YES), "distributed of 'A' is 'yes'"),
        ],
    )
    def test_neither_true_nor_false(
        self, stack: cdk.Stack, function: SecureFunction, make: Callable[[Any], Step], what: str
    ) -> None:
        assert refused(stack, make(function)).startswith(f"{what}, wanted True or False\n")

    @pytest.mark.parametrize(
        ("props", "what"),
        [
            ({"express": "yes"}, "express is 'yes', wanted True or False"),
            ({"log_data": 1}, "log_data is 1, wanted True or False"),
            ({"description": 5}, "description is 5, wanted a string"),
            ({"log_retention": 30}, "log_retention is 30, wanted one of logs.RetentionDays"),
        ],
    )
    def test_of_the_workflow_itself(self, stack: cdk.Stack, props: dict[str, Any], what: str) -> None:
        assert refused(stack, A_WAIT, **props).startswith(f"{what}\n  at:  Shop/Fulfil (Workflow)\n")

    @pytest.mark.parametrize("grantee", [None, "function", SecureFunction])
    def test_nobody_who_could_be_granted_anything(self, stack: cdk.Stack, grantee: Any) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[A_WAIT])
        for grant in (workflow.grant_start, workflow.grant_callback):
            with pytest.raises(PropError, match=r"wanted an iam\.IGrantable"):
                grant(grantee)

    @pytest.mark.parametrize("name", [5, None, ["A"]])
    def test_a_name_that_is_no_text(self, stack: cdk.Stack, name: Any) -> None:
        assert "the name of a step is " in refused(stack, wait(name, seconds=1))

    def test_a_name_that_only_the_deployment_knows(self, stack: cdk.Stack) -> None:
        assert "is known to the deployment alone" in refused(stack, wait(stack.account, seconds=1))

    @pytest.mark.parametrize(
        ("wrong", "what"),
        [
            (choice("C", when(NONE)), "a condition of 'C' is None, wanted text"),
            (fail("F", error=NONE, cause="c"), "the error of 'F' is None, wanted text"),
            (fail("F", error="e", cause=NONE), "the cause of 'F' is None, wanted text"),
        ],
    )
    def test_text_that_is_none(self, stack: cdk.Stack, wrong: Step, what: str) -> None:
        assert refused(stack, wrong) == shape(what, "write it in quotes")


class TestTargets:
    @pytest.mark.parametrize(
        ("make", "what"),
        [
            (lambda it: step("A", it), "a function: SecureFunction"),
            (lambda it: send("A", it), "a queue: QueueWorker, or sqs.Queue"),
            (lambda it: publish("A", it), "a topic: Topic, or sns.Topic"),
            (lambda it: put_event("A", it, source="s", detail_type="d"), "a bus: EventBus, or events.EventBus"),
            (lambda it: put_item("A", it, {}), "a table: DynamoTable, or dynamodb.Table"),
            (lambda it: get_item("A", it, {}), "a table: DynamoTable, or dynamodb.Table"),
            (lambda it: run("A", it), "a Workflow"),
            (lambda it: start("A", it), "a Workflow"),
        ],
    )
    def test_something_else_is_refused_where_it_is_written(self, make: Callable[[Any], Step], what: str) -> None:
        for target, said in (("name", "'name'"), (None, "None"), (Workflow, "the class Workflow")):
            with pytest.raises(PropError) as caught:
                make(target)
            assert str(caught.value) == (
                f"{said} is no target, wanted {what}\n  at:  step 'A'\n  fix: pass the construct itself"
            )

    def test_a_bucket_that_is_none(self) -> None:
        with pytest.raises(PropError, match=r"'prices' is no target, wanted a bucket: UploadBucket, or s3\.Bucket"):
            from_bucket(PRICES, "a.json")


class TestValues:
    @pytest.mark.parametrize(
        ("value", "what", "fix"),
        [
            (
                {"in": [SECOND]},
                "payload.in[0] is a Duration, which JSON has no form for",
                "send a number: cdk.Duration.minutes(5).to_seconds()",
            ),
            (
                {"in": {"deep": {1, 2}}},
                "payload.in.deep is a set, which JSON has no form for",
                ANY_JSON,
            ),
            (
                b"bytes",
                "payload is a bytes, which JSON has no form for",
                ANY_JSON,
            ),
            (float("nan"), "payload is nan, which JSON has no form for", "send null, or text"),
            ([float("-inf")], "payload[0] is -inf, which JSON has no form for", "send null, or text"),
            ({1: 2}, "payload has the key 1", "write keys as text"),
            (
                {"id.$": "$.id"},
                "payload has the key 'id.$', which is JSONPath",
                "write 'id': \"{% $states.input... %}\"",
            ),
            (Path("file"), "payload is a PosixPath, which JSON has no form for", ANY_JSON),
            (cdk.Stack(), "payload is a Stack, which JSON has no form for", ANY_JSON),
            ("half \ud800", "payload holds half a character", "write text that can be encoded as UTF-8"),
            ({"n": 2**53}, "payload.n is 9007199254740992, which JSON rounds", "send it as text: '9007199254740992'"),
            (
                {"{% $states.input.key %}": 1},
                "payload has the key '{% $states.input.key %}', and only values are evaluated",
                "compute the whole: $merge([...])",
            ),
        ],
    )
    def test_what_json_has_no_form_for_is_refused_with_its_place(
        self, stack: cdk.Stack, function: SecureFunction, value: Any, what: str, fix: str
    ) -> None:
        assert refused(stack, step("A", function, payload=value)) == shape(f"'A': {what}", fix)

    def test_each_argument_has_the_name_that_the_user_gave_it(self, stack: cdk.Stack, function: SecureFunction) -> None:
        table = DynamoTable(stack, "Orders", partition_key="id")
        other = Workflow(stack, "Other", steps=[wait("W", seconds=1)])
        topic = sns.Topic(stack, "Topic")
        steps = [
            send("Send", sqs.Queue(stack, "Queue"), message=SECOND),
            publish("Publish", topic, message=[SECOND]),
            put_event("Put", events.EventBus(stack, "Bus"), source="s", detail_type="d", detail=SECOND),
            start("Start", other, input=SECOND),
            put_item("Save", table, {"id": {"S": SECOND}}),
            call("Call", "aws-sdk:s3:getObject", arguments={"Key": SECOND}, allow=[]),
            each("Each", items=[SECOND], do=[step("A", function)]),
            succeed("Done", output={"at": SECOND}),
        ]
        text = refused(stack, *steps)
        assert [line.partition(" is a Duration")[0] for line in text.splitlines()[::3]] == [
            "'Send': message",
            "'Publish': message[0]",
            "'Put': detail",
            "'Start': input",
            "'Save': item.id.S",
            "'Call': arguments.Key",
            "'Each': items[0]",
            "'Done': output.at",
        ]

    def test_a_number_that_the_deployment_knows_is_written_as_dynamodb_does(self, stack: cdk.Stack) -> None:
        number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
        table = DynamoTable(stack, "Orders", partition_key="id")
        Workflow(stack, "Fulfil", steps=[put_item("Save", table, {"id": "1", "n": number})])
        item = definition_of(template_of(stack))["States"]["Save"]["Arguments"]["Item"]
        assert item == {"id": {"S": "1"}, "n": {"N": "Number"}}

    def test_a_path_of_cdks_own_is_refused(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert refused(stack, step("A", function, payload={"id": sfn.JsonPath.string_at("$.id")})) == shape(
            "'A': payload.id is a JSONPath, and workflows speak JSONata",
            'write an expression: "{% $states.input... %}"',
        )

    def test_accepts_tokens_of_every_kind(self, stack: cdk.Stack, function: SecureFunction) -> None:
        kinds = {
            "text": stack.account,
            "list": cdk.Fn.split(",", "a,b"),
            "any": cdk.Fn.get_att("Other", "Arn"),
            "lazy": cdk.Lazy.any(Late()),
        }
        workflow = Workflow(stack, "Fulfil", steps=[step("A", function, payload=kinds)])
        definition = str(stack.resolve(workflow.state_machine.node.default_child.definition_string))  # type: ignore[union-attr]  # it is the L1
        assert "Fn::GetAtt" in definition
        assert "known at last" in definition

    def test_attributes_of_a_message_are_text(self, stack: cdk.Stack) -> None:
        numbers: Any = {"n": 5}
        nothing: Any = "n"
        text = refused(
            stack,
            publish("A", sns.Topic(stack, "One"), attributes=numbers),
            publish("B", sns.Topic(stack, "Two"), attributes=nothing),
        )
        assert "'A' has the attribute n 5, wanted text" in text
        assert "'B' has the attributes 'n', wanted a dictionary" in text

    def test_an_item_that_is_no_dictionary(self, stack: cdk.Stack) -> None:
        pairs: Any = [("id", 1)]
        with pytest.raises(PropError, match=r"a list is no item, wanted a dictionary\n  at:  step 'A'"):
            put_item("A", DynamoTable(stack, "Orders", partition_key="id"), pairs)
