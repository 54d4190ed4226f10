from __future__ import annotations

import doctest
import json
import re
from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

import constructs_lib
from constructs_lib import (
    DynamoTable,
    PropError,
    Retry,
    SecureFunction,
    Step,
    Waived,
    Workflow,
    call,
    choice,
    delete_item,
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
    update_item,
    wait,
    when,
)
from tests.constructs.workflow_structure import problems_of
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, show, statements_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
HOUR = cdk.Duration.hours(1)
RULE = ":rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"

OWN = {
    *((f"logs:{action}", "*") for action in ("CreateLogDelivery", "DeleteLogDelivery", "GetLogDelivery")),
    *((f"logs:{action}", "*") for action in ("ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery")),
    *((f"logs:{action}", "*") for action in ("DescribeLogGroups", "DescribeResourcePolicies")),
    *((f"xray:{action}", "*") for action in ("GetSamplingRules", "GetSamplingTargets")),
    *((f"xray:{action}", "*") for action in ("PutTelemetryRecords", "PutTraceSegments")),
}


@pytest.fixture
def function(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Charge", entry=ENTRY)


def granted(template: dict[str, Any], name: str = "Fulfil") -> set[tuple[str, str]]:
    """What a workflow may do beyond its logs and traces; logical ids without their hashes."""
    permissions = permissions_of(template, f"{name}IdentityRole")
    assert permissions >= OWN
    return {(action, re.sub(r"(?<=[a-z])[0-9A-F]{8}", "", resource)) for action, resource in permissions - OWN}


def definition_of(template: dict[str, Any], name: str = "Fulfil") -> dict[str, Any]:
    [machine] = [
        each_
        for id_, each_ in resources_of(template, "AWS::StepFunctions::StateMachine").items()
        if id_.startswith(name)
    ]
    definition: dict[str, Any] = json.loads(show(machine["Properties"]["DefinitionString"]))
    assert problems_of(definition) == []
    return definition


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


class TestGrants:
    def permissions(self, stack: cdk.Stack, *steps: Step) -> set[tuple[str, str]]:
        Workflow(stack, "Fulfil", steps=steps)
        return granted(template_of(stack))

    def test_a_workflow_that_does_nothing_may_do_nothing(self, stack: cdk.Stack) -> None:
        assert self.permissions(stack, wait("A while", seconds=1)) == set()

    def test_wildcards_stand_alone_in_their_statements(self, stack: cdk.Stack, function: SecureFunction) -> None:
        Workflow(stack, "Fulfil", steps=[step("Charge", function)])
        wild = {
            each_["Sid"]: each_["Action"] for each_ in statements_of(template_of(stack)) if each_["Resource"] == "*"
        }
        assert set(wild) == {"DeliverLogs", "SendTraces"}
        assert all(action.startswith("logs:") for action in wild["DeliverLogs"])
        assert all(action.startswith("xray:") for action in wild["SendTraces"])

    def test_functions_are_invoked_by_their_unqualified_arns_wherever_they_stand(self, stack: cdk.Stack) -> None:
        one, two, three, four, five, six = (
            SecureFunction(stack, name, entry=ENTRY) for name in ("One", "Two", "Three", "Four", "Five", "Six")
        )
        assert self.permissions(
            stack,
            step("one", one, undo=two),
            choice("?", when("{% true %}", then=[step("three", three, catch=[on("Busy", do=[step("four", four)])])])),
            parallel("both", [step("five", five)], [each("all", items=[1], do=[step("six", six)])]),
        ) == {
            ("lambda:InvokeFunction", f"{name}Function.Arn") for name in ("One", "Two", "Three", "Four", "Five", "Six")
        }

    def test_a_function_called_twice_is_allowed_once(self, stack: cdk.Stack, function: SecureFunction) -> None:
        Workflow(stack, "Fulfil", steps=[step("a", function), step("b", function)])
        invoking = [each_ for each_ in statements_of(template_of(stack)) if each_["Action"] == "lambda:InvokeFunction"]
        assert len(invoking) == 1
        assert isinstance(invoking[0]["Resource"], dict)

    def test_a_version_is_granted_as_itself(self, stack: cdk.Stack, function: SecureFunction) -> None:
        version = lambda_.Version(stack, "Version", lambda_=function.function)
        assert self.permissions(stack, step("a", version)) == {("lambda:InvokeFunction", "Version")}

    @pytest.mark.parametrize("plain", [True, False])
    def test_tables_one_action_each(self, stack: cdk.Stack, *, plain: bool) -> None:
        ours = DynamoTable(stack, "Orders", partition_key="id")
        table = ours.table if plain else ours
        assert self.permissions(stack, put_item("put", table, {"id": "1"})) == {("dynamodb:PutItem", "OrdersTable.Arn")}

    def test_every_table_action_is_granted_by_its_own_name(self, stack: cdk.Stack) -> None:
        table, key = DynamoTable(stack, "Orders", partition_key="id"), {"id": "1"}
        assert self.permissions(
            stack,
            get_item("get", table, key),
            update_item("update", table, key, update="REMOVE x"),
            delete_item("delete", table, key),
        ) == {(f"dynamodb:{action}", "OrdersTable.Arn") for action in ("GetItem", "UpdateItem", "DeleteItem")}

    def test_keys_of_ones_own_are_used_through_their_services_alone(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        table = DynamoTable(stack, "Orders", partition_key="id", encryption_key=key)
        queue = sqs.Queue(stack, "Queue", encryption_master_key=key)
        topic = sns.Topic(stack, "Topic", master_key=key)
        steps = [put_item("a", table, {"id": "1"}), send("b", queue), publish("c", topic)]
        found = self.permissions(stack, *steps)
        plain = {("dynamodb:PutItem", "OrdersTable.Arn"), ("sqs:SendMessage", "Queue.Arn"), ("sns:Publish", "Topic")}
        assert {each_ for each_ in found if not each_[0].startswith("kms:")} == plain
        through = {
            (action, re.findall(r'"(\w+)\.", \{"Ref": "AWS::Region"', resource)[0])
            for action, resource in found - plain
        }
        assert through == {
            ("kms:Decrypt", "dynamodb"),
            *(("kms:Decrypt", service) for service in ("sqs", "sns")),
            *(("kms:GenerateDataKey", service) for service in ("sqs", "sns")),
        }

    def test_queues_topics_and_buses_each_take_one_action(self, stack: cdk.Stack) -> None:
        steps = [
            send("queue", sqs.Queue(stack, "Queue")),
            publish("topic", sns.Topic(stack, "Topic")),
            put_event("bus", events.EventBus(stack, "Bus"), source="shop.orders", detail_type="OrderPlaced"),
        ]
        assert self.permissions(stack, *steps) == {
            ("sqs:SendMessage", "Queue.Arn"),
            ("sns:Publish", "Topic"),
            ("events:PutEvents", 'Bus.Arn if {"StringEquals": {"events:source": "shop.orders"}}'),
        }

    def test_running_another_workflow_takes_its_executions_and_the_rule_that_reports_them(
        self, stack: cdk.Stack
    ) -> None:
        other = Workflow(stack, "Other", steps=[wait("A while", seconds=1)])
        found = self.permissions(stack, run("run", other, timeout=HOUR))
        place = "AWS::Region:AWS::AccountId"
        assert found == {
            ("states:StartExecution", "OtherStateMachine"),
            *(
                (f"states:{action}", f"arn:AWS::Partition:states:{place}:execution:OtherStateMachine.Name:*")
                for action in ("DescribeExecution", "StopExecution")
            ),
            *(
                (f"events:{action}", f"arn:AWS::Partition:events:{place}{RULE}")
                for action in ("DescribeRule", "PutRule", "PutTargets")
            ),
        }

    def test_cdk_nag_finds_nothing_where_the_other_workflow_stands_in_another_stack(self, app: cdk.App) -> None:
        one, two = cdk.Stack(app, "One"), cdk.Stack(app, "Two")
        other = Workflow(one, "Other", steps=[wait("A while", seconds=1)])
        Workflow(two, "Fulfil", steps=[run("Run", other, timeout=HOUR)])
        app.synth()
        assert findings_of(two) == []

    def test_starting_another_workflow_takes_one_action(self, stack: cdk.Stack) -> None:
        other = Workflow(stack, "Other", steps=[wait("A while", seconds=1)], express=True)
        assert self.permissions(stack, start("start", other)) == {("states:StartExecution", "OtherStateMachine")}

    def test_any_other_call_takes_what_it_says(self, stack: cdk.Stack) -> None:
        statement = iam.PolicyStatement(actions=["s3:DeleteObject"], resources=["arn:aws:s3:::a/b"])
        assert self.permissions(
            stack, call("clean", "aws-sdk:s3:deleteObject", arguments={"Bucket": "a", "Key": "b"}, allow=[statement])
        ) == {("s3:DeleteObject", "arn:aws:s3:::a/b")}

    def test_distributed_items_take_executions_of_the_workflow_itself(
        self, stack: cdk.Stack, function: SecureFunction
    ) -> None:
        bucket = s3.Bucket(stack, "Bucket")
        prices = from_bucket(bucket, "prices.csv", format="CSV")
        found = self.permissions(stack, each("Set prices", items=prices, do=[step("Set", function)], distributed=True))
        executions = "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:FulfilStateMachine.Name"
        assert found == {
            ("lambda:InvokeFunction", "ChargeFunction.Arn"),
            ("s3:GetObject", "Bucket.Arn/prices.csv"),
            ("states:StartExecution", "FulfilStateMachine"),
            ("states:DescribeExecution", f"{executions}:*"),
            ("states:StopExecution", f"{executions}:*"),
            ("states:RedriveExecution", f"{executions}/SetPrices:*"),
        }

    def test_grant_start_gives_one_action_and_the_variable(self, stack: cdk.Stack, function: SecureFunction) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        workflow.grant_start(function, env="FULFIL")
        template = template_of(stack)
        own = {action for action, _ in permissions_of(template, "ChargeIdentityRole") if action.startswith("states:")}
        assert own == {"states:StartExecution"}
        assert ("states:StartExecution", "FulfilStateMachine5D7C8E42") in permissions_of(template, "ChargeIdentityRole")
        [lambda_function] = resources_of(template, "AWS::Lambda::Function").values()
        assert lambda_function["Properties"]["Environment"]["Variables"]["FULFIL"] == {
            "Ref": "FulfilStateMachine5D7C8E42"
        }

    def test_grant_start_of_an_express_workflow_can_be_synchronous(
        self, stack: cdk.Stack, function: SecureFunction
    ) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)], express=True)
        workflow.grant_start(function, sync=True)
        permissions = permissions_of(template_of(stack), "ChargeIdentityRole")
        assert {each_ for each_ in permissions if each_[0].startswith("states:")} == {
            ("states:StartSyncExecution", "FulfilStateMachine5D7C8E42")
        }

    def test_grant_callback_lets_a_task_of_the_workflow_end_its_own_step(
        self, stack: cdk.Stack, function: SecureFunction
    ) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[step("Ask", function, callback=True, timeout=HOUR)])
        workflow.grant_callback(function)
        permissions = permissions_of(template_of(stack), "ChargeIdentityRole")
        assert {each_ for each_ in permissions if each_[0].startswith("states:")} == {
            (f"states:SendTask{end}", "FulfilStateMachine5D7C8E42") for end in ("Success", "Failure", "Heartbeat")
        }

    def test_cdk_nag_finds_nothing(self, stack: cdk.Stack) -> None:
        function = lambda_.Function.from_function_attributes(
            stack, "Function", function_arn="arn:aws:lambda:eu-west-1:123456789012:function:f", same_environment=True
        )
        other = Workflow(stack, "Other", steps=[step("a", function)])
        workflow = Workflow(
            stack,
            "Fulfil",
            steps=[
                step("b", function, undo=function),
                run("Run", other, timeout=HOUR),
                each("All", items=[1], do=[step("c", function)], distributed=True),
            ],
        )
        workflow.grant_start(other)
        assert findings_of(stack) == []


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


def refused(stack: cdk.Stack, *steps: Step, **props: Any) -> str:
    with pytest.raises(PropError) as caught:
        Workflow(stack, "Fulfil", steps=list(steps), **props)
    return str(caught.value)


def shape(what: str, fix: str) -> str:
    return f"{what}\n  at:  Shop/Fulfil (Workflow)\n  fix: {fix}"


class TestRefusals:
    def test_a_step_that_is_never_reached(self, stack: cdk.Stack) -> None:
        assert refused(stack, fail("Out", error="Out", cause="out"), wait("After", seconds=1)) == shape(
            "'After' is never reached: 'Out' always ends before it", "remove 'After', or give 'Out' a way on"
        )

    def test_a_step_after_a_choice_that_always_ends(self, stack: cdk.Stack) -> None:
        ends = choice("?", when("{% true %}", then=[succeed("Done")]), otherwise=[fail("Out", error="O", cause="o")])
        assert "'After' is never reached: '?' always ends" in refused(stack, ends, wait("After", seconds=1))

    def test_a_step_after_a_branch_that_always_fails(self, stack: cdk.Stack) -> None:
        both = parallel("Both", [fail("Out", error="O", cause="o")], [wait("W", seconds=1)])
        assert "'After' is never reached: 'Both' always ends" in refused(stack, both, wait("After", seconds=1))

    def test_what_undoes_a_step_after_which_nothing_can_fail(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert refused(stack, step("Last", function, undo=function), wait("W", seconds=1)) == shape(
            "'Undo Last' is never reached: nothing after 'Last' can fail", "leave undo out of 'Last'"
        )

    def test_two_steps_of_one_name(self, stack: cdk.Stack) -> None:
        inside = parallel("Both", [wait("W", seconds=1)], [wait("W", seconds=2)])
        assert refused(stack, inside) == shape("2 steps are called 'W'", "give each step a name of its own")

    def test_one_step_used_twice(self, stack: cdk.Stack) -> None:
        once = wait("W", seconds=1)
        assert "2 steps are called 'W'" in refused(stack, once, once)

    def test_a_step_called_like_what_undoes_another(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "2 steps are called 'Undo A'" in refused(
            stack, step("A", function, undo=function), step("Undo A", function)
        )

    @pytest.mark.parametrize("name", ["Begin", "Fail with the first error", "Both: 1: done", "X: begin", "X: done?"])
    def test_a_name_that_a_state_of_the_library_may_have(self, stack: cdk.Stack, name: str) -> None:
        assert f"{name!r} is what a state of this library may be called" in refused(stack, wait(name, seconds=1))

    @pytest.mark.parametrize("name", ["", " ", "x" * 66])
    def test_a_name_that_is_too_short_or_too_long(self, stack: cdk.Stack, name: str) -> None:
        assert f"has {len(name)} characters, wanted 1 to 60" in refused(stack, wait(name, seconds=1))

    def test_no_steps(self, stack: cdk.Stack) -> None:
        assert "steps is empty: there is nothing to do" in refused(stack)

    @pytest.mark.parametrize(
        ("dangling", "text"),
        [
            (parallel("Both", []), "branch 1 of 'Both' leads nowhere"),
            (parallel("Both"), "'Both' has no branches"),
            (choice("If?"), "'If?' has no way to go"),
            (each("All", items=[1], do=[]), "'All' does nothing with its items"),
        ],
    )
    def test_a_step_that_leads_nowhere(self, stack: cdk.Stack, dangling: Step, text: str) -> None:
        assert text in refused(stack, dangling)

    def test_an_expression_that_reads_what_no_step_sets(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert refused(
            stack, step("A", function, result="payment"), wait("W", seconds="{% $paymant.delay %}")
        ) == shape(
            "'W' reads $paymant, which no step before it sets, there is $payment: did you mean payment?",
            'name a result: step(..., result="paymant")',
        )

    def test_an_expression_that_reads_what_is_set_later(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'W' reads $late" in refused(stack, wait("W", seconds="{% $late %}"), step("A", function, result="late"))

    def test_an_expression_that_reads_what_only_one_item_has(self, stack: cdk.Stack, function: SecureFunction) -> None:
        steps = [each("All", items=[1], do=[step("A", function, result="x")]), wait("W", seconds="{% $x %}")]
        assert "'W' reads $x, which no step before it sets" in refused(stack, *steps)

    def test_a_distributed_item_that_reads_what_is_outside(self, stack: cdk.Stack, function: SecureFunction) -> None:
        inside = step("B", function, payload="{% $x %}")
        steps = [step("A", function, result="x"), each("All", items=[1], do=[inside], distributed=True)]
        assert "'B' reads $x, which no step before it sets, there is none" in refused(stack, *steps)

    @pytest.mark.parametrize(
        "text",
        [
            "{% $sum($states.input.n) %}",
            "{% $map($states.input.n, $uppercase) %}",
            "{% ($x := 1; $x + 1) %}",
            "{% $map($states.input.n, function($one, $two) { $one + $two }) %}",
            "{% '$text' & \"$text\" /* $comment */ %}",
            "{% $states.input.`$field` %}",
        ],
    )
    def test_accepts_what_is_no_variable_of_the_workflow(self, stack: cdk.Stack, text: str) -> None:
        assert Workflow(stack, "Fulfil", steps=[wait("W", seconds=text)])

    @pytest.mark.parametrize("text", ["Order {% $states.input.id %}", "{% $states.input.id", "{% 1 %} "])
    def test_a_string_that_only_looks_like_an_expression(
        self, stack: cdk.Stack, function: SecureFunction, text: str
    ) -> None:
        assert f"'A' holds {text!r}, which Step Functions would not evaluate" in refused(
            stack, step("A", function, payload={"deep": [text]})
        )

    @pytest.mark.parametrize("name", ["1st", "a-b", "undo_x", "states", "result", "a__b", ""])
    def test_a_result_with_a_name_that_is_not_free(self, stack: cdk.Stack, function: SecureFunction, name: str) -> None:
        assert f"'A' names its result {name!r}" in refused(stack, step("A", function, result=name))

    def test_a_result_that_is_set_twice(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'B' sets 'x', which is set already" in refused(
            stack, step("A", function, result="x"), step("B", function, result="x")
        )

    def test_waiting_for_others_without_a_timeout(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert refused(stack, step("Ask", function, callback=True)) == shape(
            "'Ask' waits for somebody else, for as long as a year",
            "say how long that may take: timeout=Duration.hours(1)",
        )

    def test_waiting_for_a_token_nobody_gets(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'Ask' waits for its task token, and does not send it to anybody" in refused(
            stack, step("Ask", function, payload={"a": 1}, callback=True, timeout=HOUR)
        )

    def test_a_heartbeat_as_long_as_the_timeout(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'Ask' has a heartbeat of 3600 s and a timeout of 3600 s" in refused(
            stack, step("Ask", function, callback=True, timeout=HOUR, heartbeat=HOUR)
        )

    def test_a_heartbeat_without_somebody_to_send_it(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'A' has a heartbeat, and nobody to send one" in refused(
            stack, step("A", function, heartbeat=cdk.Duration.seconds(1))
        )

    def test_a_message_to_a_fifo_queue_without_a_group(self, stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue", fifo=True)
        assert "'Tell' sends to a FIFO queue without a group" in refused(stack, send("Tell", queue))

    def test_an_event_whose_source_is_computed(self, stack: cdk.Stack) -> None:
        event = put_event("Say", events.EventBus(stack, "Bus"), source="{% $states.input.s %}", detail_type="X")
        assert "'Say' computes its source" in refused(stack, event)

    def test_an_item_whose_type_cannot_be_told(self, stack: cdk.Stack) -> None:
        table = DynamoTable(stack, "Orders", partition_key="id")
        with pytest.raises(PropError) as caught:
            put_item("Save", table, {"lines": [1, 2]})
        assert str(caught.value) == (
            "lines is [1, 2], which has no type that DynamoDB could be told\n"
            "  at:  step 'Save'\n"
            '  fix: write it as DynamoDB does: {"M": {...}}, {"L": [...]}, {"SS": [...]}'
        )

    def test_success_inside_a_branch(self, stack: cdk.Stack) -> None:
        assert "'Done' would end one branch or item, not the workflow" in refused(
            stack, parallel("Both", [succeed("Done")], [wait("W", seconds=1)])
        )

    @pytest.mark.parametrize(
        ("retry", "text"),
        [
            (Retry(), "'A' retries no error"),
            (Retry("States.ALL"), "'A' retries any error"),
            (Retry("Busy", retries=0), "'A' retries 0 times after 2 s, growing by 2"),
            (Retry("Busy", longest_wait_seconds=2), "'A' waits 2 s first and 2 s at the longest"),
        ],
    )
    def test_retries_that_make_no_sense(
        self, stack: cdk.Stack, function: SecureFunction, retry: Retry, text: str
    ) -> None:
        assert text in refused(stack, step("A", function, retry=[retry]))

    def test_catching_any_error_before_others(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'A' handles States.ALL first" in refused(
            stack, step("A", function, catch=[on("States.ALL"), on("Busy")])
        )

    @pytest.mark.parametrize("errors", [(), ("States.ALL", "Busy")])
    def test_catching_nothing_or_any_error_and_more(
        self, stack: cdk.Stack, function: SecureFunction, errors: Sequence[str]
    ) -> None:
        assert f"'A' handles {errors!r}" in refused(stack, step("A", function, catch=[on(*errors)]))

    def test_undoing_with_a_step_that_wants_more_than_to_undo(self, stack: cdk.Stack, function: SecureFunction) -> None:
        undo = step("Refund", function, result="x")
        assert "'Refund' undoes 'A', and cannot have result" in refused(
            stack, step("A", function, undo=undo), step("B", function)
        )

    def test_a_condition_that_is_no_expression(self, stack: cdk.Stack) -> None:
        assert "'If?' has the condition 'stock > 0', which is no expression" in refused(
            stack, choice("If?", when("stock > 0"))
        )

    @pytest.mark.parametrize("props", [{}, {"seconds": 1, "until": "2026-12-01T06:00:00Z"}])
    def test_a_wait_for_nothing_or_for_two_things(self, stack: cdk.Stack, props: dict[str, Any]) -> None:
        assert "'W' needs either seconds or until" in refused(stack, wait("W", **props))

    @pytest.mark.parametrize(
        ("props", "text"),
        [
            ({"max_concurrency": 41}, "has max_concurrency 41, wanted 1 to 40"),
            ({"max_concurrency": 0}, "has max_concurrency 0, wanted 1 to 40"),
            ({"max_concurrency": 10_001, "distributed": True}, "wanted 1 to 10000"),
            ({"tolerated_failure_percentage": 5}, "tolerates failures, and is not distributed"),
            ({"tolerated_failure_percentage": 101, "distributed": True}, "tolerates 101 % failures"),
            ({"items": "all"}, "has the items 'all', which is no list"),
        ],
    )
    def test_items_beyond_what_step_functions_does(self, stack: cdk.Stack, props: dict[str, Any], text: str) -> None:
        assert text in refused(stack, each("All", **{"items": [1], "do": [wait("W", seconds=1)], **props}))

    def test_items_of_a_bucket_one_by_one(self, stack: cdk.Stack) -> None:
        items = from_bucket(s3.Bucket(stack, "Bucket"), "a.json")
        assert "'All' takes items from a bucket" in refused(stack, each("All", items=items, do=[wait("W", seconds=1)]))

    def test_undoing_distributed_items(self, stack: cdk.Stack, function: SecureFunction) -> None:
        inside = [step("A", function, undo=function), step("B", function)]
        assert "'All' is distributed: its items could not be undone from here" in refused(
            stack, each("All", items=[1], do=inside, distributed=True)
        )

    def test_distributed_steps_that_could_not_be_told_apart(self, stack: cdk.Stack) -> None:
        one, two = (
            each(name, items=[1], do=[wait(f"W{name}", seconds=1)], distributed=True) for name in ("A b", "a B")
        )
        assert "2 distributed steps have the label 'AB'" in refused(stack, one, two)

    @pytest.mark.parametrize(
        "make",
        [
            lambda function, _: step("A", function, callback=True, timeout=HOUR),
            lambda _, other: run("A", other, timeout=HOUR),
            lambda function, _: step("A", function, timeout=HOUR),
            lambda *_: each("A", items=[1], do=[wait("B", seconds=1)], distributed=True),
            lambda *_: wait("A", seconds=301),
        ],
    )
    def test_what_an_express_workflow_cannot_do(self, stack: cdk.Stack, function: SecureFunction, make: Any) -> None:
        other = Workflow(stack, "Other", steps=[wait("A while", seconds=1)])
        text = refused(stack, make(function, other), express=True)
        assert "and an express workflow lives five minutes and waits for nobody" in text

    def test_undoing_in_an_express_workflow(self, stack: cdk.Stack, function: SecureFunction) -> None:
        steps = [step("A", function, undo=function), step("B", function)]
        assert "an express workflow with undo is stopped after five minutes" in refused(stack, *steps, express=True)

    def test_waiting_for_an_express_workflow(self, stack: cdk.Stack) -> None:
        other = Workflow(stack, "Other", steps=[wait("A while", seconds=1)], express=True)
        assert "'Run' waits for an express workflow" in refused(stack, run("Run", other, timeout=HOUR))

    def test_the_output_of_a_standard_workflow_asked_for_at_once(
        self, stack: cdk.Stack, function: SecureFunction
    ) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        with pytest.raises(PropError, match="sync=True asks for the output of a standard workflow"):
            workflow.grant_start(function, sync=True)

    def test_a_callback_granted_where_nobody_waits(self, stack: cdk.Stack, function: SecureFunction) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        with pytest.raises(PropError, match="no step waits for a task token"):
            workflow.grant_callback(function)

    def test_everything_wrong_is_said_at_once(self, stack: cdk.Stack) -> None:
        text = refused(stack, wait("W"), wait("W"), parallel("Both", []), tracing=False)
        assert text.count("\n  fix: ") == 5

    def test_tracing_waived_without_a_reason(self, stack: cdk.Stack) -> None:
        assert 'say why: tracing=Waived("...")' in refused(stack, wait("W", seconds=1), tracing=False)


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


class TestEscapeHatches:
    def test_waiving_tracing_leaves_the_reason_in_the_template(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)], tracing=Waived("traced by its caller"))
        template = template_of(stack)
        [machine] = resources_of(template, "AWS::StepFunctions::StateMachine").values()
        assert machine["Metadata"]["constructs-lib:waived"] == {"tracing": "traced by its caller"}
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
