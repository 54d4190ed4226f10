"""Gaps of the base in workflows; see `test_gaps`."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.event_handlers import allow, received, seen, until
from tests.local.runtime.test_gaps_messaging import client_of_user, denial
from tests.local.runtime.workflow_bench import Bench, chain

PASS = {"Type": "Pass"}


class TestWorkflowTasks:
    def test_asks_the_role(self, stock_bench: Bench, bench: Bench) -> None:
        def error(on: Bench) -> str:
            return on.run(on.worker({"answer": 1}), role="Bare").error

        assert error(stock_bench) == ""
        assert error(bench) == "Lambda.AWSLambdaException"

    def test_fails_with_the_error_of_a_function_that_was_to_call_back(self, stock_bench: Bench, bench: Bench) -> None:
        def error(on: Bench) -> str:
            seconds = 30 if on is bench else 1  # stock waits to the end
            waiting = {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": seconds}
            return on.run(on.worker({"do": "throw"}, **waiting)).error

        assert error(stock_bench) == "States.Timeout"
        assert error(bench) == "RangeError"

    def test_gives_up_on_who_sends_no_heartbeat(self, stock_bench: Bench, bench: Bench) -> None:
        def error(on: Bench) -> str:
            waiting = {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}
            times = {"TimeoutSeconds": "{% 10 + 20 %}" if on is bench else 2, "HeartbeatSeconds": 1}
            return on.run(on.worker({}, **waiting, **times)).error

        assert error(stock_bench) == "States.Timeout"
        assert error(bench) == "States.HeartbeatTimeout"

    def test_names_a_throttled_function(self, stock_bench: Bench, bench: Bench) -> None:
        def error(on: Bench) -> str:
            functions = on.app.aws.client("lambda")
            functions.put_function_concurrency(FunctionName=on.made["Worker"], ReservedConcurrentExecutions=0)
            try:
                return on.run(on.worker({})).error
            finally:
                functions.delete_function_concurrency(FunctionName=on.made["Worker"])

        assert error(stock_bench) == "Lambda.Unknown"
        assert error(bench) == "Lambda.TooManyRequestsException"

    def test_publishes_objects_with_their_attributes(self, stock_bench: Bench, bench: Bench) -> None:
        def published(on: Bench) -> Any:
            topic, url = on.made["Topic"], on.made["Queue"]
            sns, sqs = on.app.aws.client("sns"), on.app.aws.client("sqs")
            sent = {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": on.made["QueueArn"],
            }
            policy = json.dumps({"Version": "2012-10-17", "Statement": [sent]})
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
            subscribed = sns.subscribe(
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=on.made["QueueArn"],
                Attributes={"RawMessageDelivery": "true"},
                ReturnSubscriptionArn=True,
            )
            attributes = {"kind": {"DataType": "String", "StringValue": "gift"}}
            publish = {
                "Type": "Task",
                "Resource": "arn:aws:states:::sns:publish",
                "Arguments": {"TopicArn": topic, "Message": {"a": 1}, "MessageAttributes": attributes},
            }
            ended = on.run(publish)
            messages = received(on.app, url)
            sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
            return [ended.status, *[(each["Body"], each.get("MessageAttributes")) for each in messages]]

        assert published(stock_bench) != published(bench)
        [status, (body, attributes)] = published(bench)
        assert (status, json.loads(body)) == ("SUCCEEDED", {"a": 1})
        assert attributes["kind"]["StringValue"] == "gift"


class TestWorkflowVersions:
    def test_lists_and_removes_versions(self, stock_bench: Bench, bench: Bench) -> None:
        def ended(on: Bench) -> tuple[str, list[str]]:
            functions, name = on.app.aws.client("lambda"), on.made["Worker"]
            version = functions.publish_version(FunctionName=name)["Version"]
            listed = on.run(task("listVersionsByFunction", FunctionName=name))
            removed = on.run(task("deleteFunction", FunctionName=name, Qualifier=version))
            if removed.error:
                functions.delete_function(FunctionName=name, Qualifier=version)
                return removed.error, []
            left = functions.list_versions_by_function(FunctionName=name)["Versions"]
            assert [each["Version"] for each in listed.output["Versions"]] == ["$LATEST", version]
            return removed.error, [each["Version"] for each in left]

        assert ended(stock_bench) == ("States.Runtime", [])
        assert ended(bench) == ("", ["$LATEST"])

    def test_names_what_is_not_there_and_asks_the_role(self, bench: Bench) -> None:
        name = bench.made["Worker"]
        absent = bench.run(task("deleteFunction", FunctionName=name, Qualifier="77"))
        assert absent.error == "Lambda.ResourceNotFoundException"
        whole = bench.run(task("deleteFunction", FunctionName=name))  # the role may remove versions alone
        assert "is not authorized to perform: lambda:DeleteFunction" in whole.cause


def task(operation: str, **arguments: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:lambda:{operation}", "Arguments": arguments}


class TestTaskTokenResource:
    def test_lets_end_a_task_who_is_granted_its_workflow(self, stock_bench: Bench, bench: Bench) -> None:
        def denials(on: Bench) -> list[bool]:
            mark = str(uuid.uuid4())
            waiting = {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 60}
            task = on.worker({"token": "{% $states.context.Task.Token %}", "mark": mark}, **waiting)
            machine = on.create(chain(task))
            on.start(machine)
            calls = until(
                lambda: [each for each in seen(on.app, on.made["WorkerLogs"]) if each.event.get("mark") == mark]
            )
            token = calls[0].event["token"]
            grants = [allow("states:SendTask*", arn) for arn in (f"{machine}-of-another", machine)]
            users = [client_of_user(on.app, "stepfunctions", each) for each in grants]
            told = [denial(user.send_task_heartbeat, taskToken=token) for user in users]
            told += [denial(user.send_task_success, taskToken=token, output="{}") for user in users]
            return [bool(each) for each in told]

        assert denials(stock_bench) == [True, True, True, True]
        assert denials(bench) == [True, False, True, False]


class TestWorkflowErrors:
    def test_waits_no_longer_than_the_longest_delay(self, stock_bench: Bench, bench: Bench) -> None:
        def seconds(on: Bench) -> float:
            again = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 6, "MaxAttempts": 1, "MaxDelaySeconds": 1}
            mark = str(uuid.uuid4())
            assert on.run(on.worker({"do": "throw", "mark": mark}, Retry=[again])).status == "FAILED"
            group = on.made["WorkerLogs"]
            first, second = until(
                lambda: [call.at for call in seen(on.app, group) if call.event.get("mark") == mark],
                is_right=lambda tries: len(tries) == 2,
            )
            return (second - first) / 1000

        assert seconds(bench) < 5.5 < seconds(stock_bench)

    def test_catches_no_failure_of_the_workflow_itself(self, stock_bench: Bench, bench: Bench) -> None:
        def status(on: Bench) -> str:
            unknown = {"Type": "Task", "Resource": "arn:aws:states:::nobody:knows", "Arguments": {}}
            catch = [{"ErrorEquals": ["States.ALL"], "Next": "S1"}]
            return on.run({**unknown, "Catch": catch}, PASS).status

        assert status(stock_bench) == "SUCCEEDED"
        assert status(bench) == "FAILED"

    def test_fails_with_task_failed_when_a_nested_workflow_fails(self, stock_bench: Bench, bench: Bench) -> None:
        def error(on: Bench) -> tuple[str, Any]:
            inner = on.create(chain({"Type": "Fail", "Error": "OutOfStock", "Cause": "none left"}))
            nested = {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Arguments": {"StateMachineArn": inner, "Input": {}},
            }
            ended = on.run(nested)
            return ended.error, ended.cause

        assert error(stock_bench) == ("OutOfStock", "none left")
        name, cause = error(bench)
        assert name == "States.TaskFailed"
        assert (json.loads(cause)["Status"], json.loads(cause)["Error"]) == ("FAILED", "OutOfStock")


class TestWorkflowRun:
    def test_starts_at_once(self, stock_bench: Bench, bench: Bench) -> None:
        def until_done(on: Bench) -> float:
            machine = on.create(chain(PASS))
            before = time.monotonic()
            on.end(on.start(machine))
            return time.monotonic() - before

        # Each in turn, and the fastest of them: whatever else this machine does slows both down.
        ours, stocks = zip(*((until_done(bench), until_done(stock_bench)) for _ in range(8)), strict=True)
        assert min(ours) < min(stocks)
        assert min(stocks) > 0.15

    def test_ends_in_time(self, stock_bench: Bench, bench: Bench) -> None:
        def status(on: Bench) -> str:
            machine = on.create({**chain({"Type": "Wait", "Seconds": 2}), "TimeoutSeconds": 1})
            return on.end(on.start(machine)).status

        assert status(stock_bench) == "SUCCEEDED"
        assert status(bench) == "TIMED_OUT"

    def test_puts_out_what_succeed_says(self, stock_bench: Bench, bench: Bench) -> None:
        done = {"Type": "Succeed", "Output": {"total": "{% $states.input.a + 1 %}"}}
        assert stock_bench.run(done, given={"a": 1}).output == {"a": 1}
        assert bench.run(done, given={"a": 1}).output == {"total": 2}

    def test_keeps_the_history_of_inner_states(self, stock_bench: Bench, bench: Bench) -> None:
        def entered(on: Bench) -> list[str]:
            inner = {"StartAt": "Inner", "States": {"Inner": {**PASS, "End": True}}}
            ended = on.run({"Type": "Parallel", "Branches": [inner]})
            events = on.states.get_execution_history(executionArn=ended.arn)["events"]
            return [each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each]

        assert entered(stock_bench) == ["S0"]
        assert entered(bench) == ["S0", "Inner"]


class TestWorkflowBranches:
    def test_gives_branches_arguments_and_puts_out_what_is_said(self, stock_bench: Bench, bench: Bench) -> None:
        def output(on: Bench) -> Any:
            branch = {"StartAt": "B", "States": {"B": {**PASS, "Output": "{% $states.input.n + $x %}", "End": True}}}
            return on.run(
                {**PASS, "Assign": {"x": 10}},
                {
                    "Type": "Parallel",
                    "Arguments": {"n": "{% $states.input.a %}"},
                    "Branches": [branch, branch],
                    "Assign": {"both": "{% $sum($states.result) %}"},
                    "Output": {"results": "{% $states.result %}"},
                },
                {**PASS, "Output": {"results": "{% $states.input.results %}", "both": "{% $both %}"}},
                given={"a": 1},
            ).output

        assert output(bench) == {"results": [11, 11], "both": 22}
        assert output(stock_bench) != output(bench)

    def test_gives_each_branch_a_token_of_its_own(self, bench: Bench) -> None:
        """Branches of stock overwrite each other's token, but not each time."""

        def tokens(on: Bench) -> set[str]:
            group = on.made["WorkerLogs"]
            before = len(seen(on.app, group))
            waiting = {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 30}
            task = on.worker({"token": "{% $states.context.Task.Token %}", "do": "nap"}, **waiting)
            slow = on.worker({"token": "{% $states.context.Task.Token %}"}, **waiting, Retry=[])
            branches = [{"StartAt": "T", "States": {"T": {**each, "End": True}}} for each in (task, slow)]
            machine = on.create(chain({"Type": "Parallel", "Branches": branches}))
            on.start(machine)
            found = until(lambda: seen(on.app, group)[before:], is_right=lambda each: len(each) == 2)
            return {each.event["token"] for each in found}

        assert len(tokens(bench)) == 2

    def test_reads_jsonata_in_a_distributed_map(self, stock_bench: Bench, bench: Bench) -> None:
        def output(on: Bench) -> Any:
            processor = {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Double",
                "States": {"Double": {**PASS, "Output": "{% $sum($states.input.Items) * 2 %}", "End": True}},
            }
            each = {
                "Type": "Map",
                "Items": "{% $states.input.numbers %}",
                "ItemProcessor": processor,
                "ItemBatcher": {"MaxItemsPerBatch": 2},
                "Output": {"doubled": "{% $states.result %}"},
            }
            return on.run(each, given={"numbers": [1, 2, 3]}).output

        assert output(bench) == {"doubled": [6, 6]}
        assert output(stock_bench) != {"doubled": [6, 6]}

    def test_does_not_wait_for_the_siblings_of_a_failed_branch(self, stock_bench: Bench, bench: Bench) -> None:
        def seconds(on: Bench) -> float:
            fails = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Early", "Cause": ""}}}
            waits = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 6, "End": True}}}
            before = time.monotonic()
            assert on.run({"Type": "Parallel", "Branches": [fails, waits]}).error == "Early"
            return time.monotonic() - before

        # The faster of two: the machine may stand still for once.
        assert min(seconds(bench) for _ in range(2)) < 5 < seconds(stock_bench)


class TestWorkflowLogs:
    def test_writes_what_happens_without_the_data(self, stock_bench: Bench, bench: Bench) -> None:
        def lines(on: Bench) -> list[Any]:
            destination = {"cloudWatchLogsLogGroup": {"logGroupArn": f"{on.made['LogsArn']}"}}
            logging = {"level": "ALL", "includeExecutionData": False, "destinations": [destination]}
            ended = on.run(PASS, given={"card": "4242"}, loggingConfiguration=logging)
            written = [json.loads(each) for each in on.app.aws.messages(on.made["Logs"])]
            return [each for each in written if each["execution_arn"] == ended.arn]

        assert lines(stock_bench) == []
        found = lines(bench)
        kinds = [each["type"] for each in found]
        assert kinds == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
        assert "4242" not in json.dumps(found)


class TestWorkflowSettings:
    def test_refuses_a_role_the_service_may_not_assume(self, stock_bench: Bench, bench: Bench) -> None:
        stock_bench.create(chain(PASS), role="Stranger")
        with pytest.raises(ClientError, match="Neither the global service principal"):
            bench.create(chain(PASS), role="Stranger")

    def test_refuses_a_role_that_may_not_deliver_its_logs(self, stock_bench: Bench, bench: Bench) -> None:
        def create(on: Bench) -> None:
            destination = {"cloudWatchLogsLogGroup": {"logGroupArn": on.made["LogsArn"]}}
            logging = {"level": "ALL", "destinations": [destination]}
            on.create(chain(PASS), role="Bare", loggingConfiguration=logging)

        create(stock_bench)
        with pytest.raises(ClientError, match="not authorized to access the Log Destination"):
            create(bench)

    def test_refuses_a_role_that_may_not_wait_for_another_workflow(self, stock_bench: Bench, bench: Bench) -> None:
        nested = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Arguments": {}}
        stock_bench.create(chain(nested), role="Bare")
        with pytest.raises(ClientError, match="not authorized to create managed-rule"):
            bench.create(chain(nested), role="Bare")
