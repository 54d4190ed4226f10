"""What the role of a workflow may do: exactly what its steps take."""

from __future__ import annotations

import re

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib import (
    DynamoTable,
    PropError,
    SecureFunction,
    Step,
    Workflow,
    call,
    choice,
    delete_item,
    each,
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
    update_item,
    wait,
    when,
)
from tests.constructs.workflows import ENTRY, HOUR, RULE, granted
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, statements_of, template_of


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


class TestPlaces:
    @pytest.mark.parametrize(
        ("what", "account", "region", "there"),
        [
            ("region", "111111111111", "eu-west-1", "us-east-1"),
            ("account", "222222222222", "us-east-1", "111111111111"),
        ],
    )
    def test_refuses_what_is_elsewhere(self, app: cdk.App, what: str, account: str, region: str, there: str) -> None:
        elsewhere = cdk.Stack(app, "Elsewhere", env=cdk.Environment(account="111111111111", region="us-east-1"))
        here = cdk.Stack(app, "Here", env=cdk.Environment(account=account, region=region))
        targets: dict[str, Step] = {
            "Charge/Function": step("A", SecureFunction(elsewhere, "Charge", entry=ENTRY)),
            "Other/StateMachine": start("A", Workflow(elsewhere, "Other", steps=[wait("A while", seconds=1)])),
            "Queue": send("A", sqs.Queue(elsewhere, "Queue")),
            "Topic": publish("A", sns.Topic(elsewhere, "Topic")),
            "Bus": put_event("A", events.EventBus(elsewhere, "Bus"), source="shop", detail_type="Placed"),
            "Table/Table": put_item("A", DynamoTable(elsewhere, "Table", partition_key="id").table, {"id": "1"}),
            "Bucket": each(
                "A",
                items=from_bucket(s3.Bucket(elsewhere, "Bucket"), "a.json"),
                do=[wait("W", seconds=1)],
                distributed=True,
            ),
        }
        for number, (path, task) in enumerate(targets.items()):
            with pytest.raises(PropError) as caught:
                Workflow(here, f"Fulfil{number}", steps=[task])
            assert str(caught.value) == (
                f"'A' acts on Elsewhere/{path} in the {what} {there}, "
                f"and the workflow is in {region if what == 'region' else account}\n"
                f"  at:  Here/Fulfil{number} (Workflow)\n"
                f"  fix: put a workflow into that {what}, and tell it by an event"
            )

    def test_accepts_what_another_account_may_allow_and_what_nobody_knows(self, app: cdk.App) -> None:
        here = cdk.Stack(app, "Here", env=cdk.Environment(account="222222222222", region="us-east-1"))
        arn = "arn:aws:lambda:us-east-1:111111111111:function:f"
        foreign = lambda_.Function.from_function_arn(here, "Foreign", arn)
        unknown = lambda_.Function.from_function_arn(here, "Unknown", cdk.Fn.import_value("Function"))
        assert Workflow(here, "Fulfil", steps=[step("A", foreign), step("B", unknown)])

    def test_refuses_a_queue_of_another_region_by_its_arn(self, app: cdk.App) -> None:
        here = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="us-east-1"))
        queue = sqs.Queue.from_queue_arn(here, "Queue", "arn:aws:sqs:eu-west-1:111111111111:emails")
        with pytest.raises(
            PropError, match="'A' acts on Here/Queue in the region eu-west-1, and the workflow is in us-"
        ):
            Workflow(here, "Fulfil", steps=[send("A", queue)])
