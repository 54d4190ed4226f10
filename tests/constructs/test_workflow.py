"""What a workflow is in a template, and how to reach or turn off what it brings."""

from __future__ import annotations

import doctest
import json
import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

import constructs_lib
from constructs_lib import (
    DynamoTable,
    SecureFunction,
    Step,
    Waived,
    Workflow,
    each,
    from_bucket,
    put_event,
    put_item,
    send,
    step,
    wait,
)
from tests.constructs.workflows import ENTRY, HOUR, definition_of, granted
from tests.findings import findings_of
from tests.templates import resources_of, statements_of, template_of


class TestDefaults:
    def test_logs_every_event_without_data_traces_and_speaks_jsonata(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)], description="what it is for")
        template = template_of(stack)
        [machine] = resources_of(template, "AWS::StepFunctions::StateMachine").values()
        [log_group] = resources_of(template, "AWS::Logs::LogGroup")
        destination = {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": [log_group, "Arn"]}}}
        properties = machine["Properties"]
        assert properties["LoggingConfiguration"] == {
            "Level": "ALL",
            "IncludeExecutionData": False,
            "Destinations": [destination],
        }
        assert properties["TracingConfiguration"] == {"Enabled": True}
        assert properties["StateMachineType"] == "STANDARD"
        definition = definition_of(template)
        assert (definition["QueryLanguage"], definition["Comment"]) == ("JSONata", "what it is for")

    def test_keeps_logs_for_a_month_where_they_lengthen_no_policy(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        [log_group] = resources_of(template_of(stack), "AWS::Logs::LogGroup").values()
        assert log_group["Properties"] == {
            "LogGroupName": "/aws/vendedlogs/states/Shop/Fulfil",
            "RetentionInDays": 30,
        }
        assert log_group["DeletionPolicy"] == "Delete"

    def test_waits_for_everything_its_role_may_do(self, stack: cdk.Stack, function: SecureFunction) -> None:
        Workflow(stack, "Fulfil", steps=[step("Charge", function)])
        [machine] = resources_of(template_of(stack), "AWS::StepFunctions::StateMachine").values()
        waits_for = {re.sub(r"[0-9A-F]{8}$", "", name) for name in machine["DependsOn"]}
        assert waits_for == {"FulfilIdentityBase", "FulfilIdentityRole"}

    def test_leaves_nothing_else_in_the_template(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        kinds = sorted(each_["Type"] for each_ in template_of(stack)["Resources"].values())
        assert kinds == [
            *["AWS::CloudWatch::Alarm"] * 3,
            "AWS::IAM::ManagedPolicy",
            "AWS::IAM::Role",
            "AWS::Logs::LogGroup",
            "AWS::StepFunctions::StateMachine",
        ]

    def test_logical_ids_of_what_is_named_elsewhere_stay(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        template = template_of(stack)
        assert list(resources_of(template, "AWS::StepFunctions::StateMachine")) == ["FulfilStateMachine5D7C8E42"]
        assert list(resources_of(template, "AWS::Logs::LogGroup")) == ["FulfilLogs78824D78"]

    def test_a_function_has_its_own_timeout_and_the_time_to_start(self, stack: cdk.Stack) -> None:
        slow = SecureFunction(stack, "Slow", entry=ENTRY, timeout=cdk.Duration.minutes(2))
        Workflow(stack, "Fulfil", steps=[step("Slow", slow), step("Quick", slow, timeout=cdk.Duration.seconds(5))])
        states = definition_of(template_of(stack))["States"]
        assert (states["Slow"]["TimeoutSeconds"], states["Quick"]["TimeoutSeconds"]) == (135, 5)

    def test_a_timeout_may_be_a_token(self, stack: cdk.Stack, function: SecureFunction) -> None:
        seconds = cdk.CfnParameter(stack, "Seconds", type="Number", default=60).value_as_number
        workflow = Workflow(
            stack, "Fulfil", steps=[step("Charge", function, timeout=cdk.Duration.seconds(seconds))], express=True
        )
        definition = stack.resolve(workflow.state_machine.node.default_child.definition_string)  # type: ignore[union-attr]  # it is the L1
        assert '"TimeoutSeconds":' in json.dumps(definition).replace("\\", "")
        assert {"Ref": "Seconds"} in definition["Fn::Join"][1]

    def test_only_this_account_may_let_step_functions_take_the_role(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        [role] = resources_of(template_of(stack), "AWS::IAM::Role").values()
        assert role["Properties"]["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "states.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            }
        ]
        assert "Policies" not in role["Properties"]
        assert "ManagedPolicyArns" not in role["Properties"]


class TestArguments:
    def state(self, stack: cdk.Stack, task: Step) -> Any:
        Workflow(stack, "Fulfil", steps=[task])
        state = definition_of(template_of(stack))["States"][task.name]
        assert state["Resource"].startswith("arn:AWS::Partition:states:::")
        return state

    def test_attributes_are_written_as_dynamodb_does(self, stack: cdk.Stack) -> None:
        item = {
            "id": "{% $states.input.id %}",
            "n": 3,
            "yes": True,
            "none": None,
            "sum": {"N": "{% $string($states.input.n) %}"},
        }
        table = DynamoTable(stack, "Orders", partition_key="id")
        arguments = self.state(stack, put_item("put", table, item, condition="attribute_not_exists(id)"))["Arguments"]
        assert arguments["ConditionExpression"] == "attribute_not_exists(id)"
        assert arguments["Item"] == {
            "id": {"S": "{% $states.input.id %}"},
            "n": {"N": "3"},
            "yes": {"BOOL": True},
            "none": {"NULL": True},
            "sum": {"N": "{% $string($states.input.n) %}"},
        }

    def test_a_callback_sends_input_and_token_and_waits(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue")
        state = self.state(stack, send("ask", queue, callback=True, timeout=HOUR, heartbeat=cdk.Duration.minutes(5)))
        assert state["Resource"].endswith(":sqs:sendMessage.waitForTaskToken")
        assert (state["TimeoutSeconds"], state["HeartbeatSeconds"]) == (3600, 300)
        assert state["Arguments"]["MessageBody"] == {
            "input": "{% $states.input %}",
            "token": "{% $states.context.Task.Token %}",
        }

    def test_a_message_to_a_fifo_queue_has_a_group(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True)
        state = self.state(stack, send("tell", queue, group="{% $states.input.id %}", deduplication_id="one"))
        assert state["Arguments"]["MessageGroupId"] == "{% $states.input.id %}"
        assert state["Arguments"]["MessageDeduplicationId"] == "one"

    def test_an_event_has_its_source_and_type(self, stack: cdk.Stack) -> None:
        bus = events.EventBus(stack, "Bus")
        state = self.state(stack, put_event("say", bus, source="shop", detail_type="Placed", detail={"a": 1}))
        [entry] = state["Arguments"]["Entries"]
        assert (entry["Source"], entry["DetailType"], entry["Detail"]) == ("shop", "Placed", {"a": 1})

    def test_items_of_a_bucket_are_read_by_key(self, stack: cdk.Stack, function: SecureFunction) -> None:
        prices = from_bucket(s3.Bucket(stack, "Bucket"), "prices.csv", format="CSV")
        Workflow(stack, "Fulfil", steps=[each("All", items=prices, do=[step("a", function)], distributed=True)])
        state = definition_of(template_of(stack))["States"]["All"]
        assert state["ItemReader"]["ReaderConfig"] == {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
        assert state["ItemReader"]["Arguments"]["Key"] == "prices.csv"
        assert "Items" not in state


class TestEscapeHatches:
    def test_waiving_tracing_leaves_the_reason_in_the_template(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)], tracing=Waived("traced by its caller"))
        template = template_of(stack)
        [machine] = resources_of(template, "AWS::StepFunctions::StateMachine").values()
        assert machine["Metadata"]["constructs-lib:waived"]["tracing"] == "traced by its caller"
        assert "TracingConfiguration" not in machine["Properties"]
        assert not [each_ for each_ in statements_of(template) if each_.get("Sid") == "SendTraces"]
        assert findings_of(stack) == []

    def test_data_is_logged_where_asked_for(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)], log_data=True)
        [machine] = resources_of(template_of(stack), "AWS::StepFunctions::StateMachine").values()
        assert machine["Properties"]["LoggingConfiguration"]["IncludeExecutionData"] is True

    def test_every_l2_is_reachable(self, stack: cdk.Stack) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        assert isinstance(workflow.state_machine, sfn.StateMachine)
        assert isinstance(workflow.log_group, logs.LogGroup)
        assert isinstance(workflow.identity.role, iam.Role)

    def test_grants_of_any_l2_land_in_the_grants_policy(self, stack: cdk.Stack) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        sqs.Queue(stack, "Queue").grant(workflow, "sqs:SendMessage")
        assert granted(template_of(stack)) == {("sqs:SendMessage", "Queue.Arn")}

    def test_is_what_a_schedule_or_a_rule_can_start(self, stack: cdk.Stack) -> None:
        from constructs_lib.wiring.receiver import HasStateMachine  # noqa: PLC0415 - only here

        assert isinstance(Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)]), HasStateMachine)


class TestExamples:
    @pytest.mark.parametrize("name", ["Workflow", "Step", "Retry", "step", "choice", "put_item", "from_bucket", "call"])
    def test_the_example_in_the_docstring_is_true(self, stack: cdk.Stack, name: str) -> None:
        public = getattr(constructs_lib, name)
        known = {each_: getattr(constructs_lib, each_) for each_ in constructs_lib.__all__}
        known |= {
            "stack": stack,
            "iam": iam,
            "greet": SecureFunction(stack, "Greet", entry=ENTRY),
            "queue": sqs.Queue(stack, "Queue"),
            "bucket": s3.Bucket(stack, "Bucket"),
            "table": DynamoTable(stack, "Orders", partition_key="id"),
        }
        finder = doctest.DocTestFinder(recurse=False)
        [examples] = [each_ for each_ in finder.find(public, name, globs=known) if each_.examples]
        results = doctest.DocTestRunner(verbose=False).run(examples)
        assert results.attempted > 0
        assert results.failed == 0
