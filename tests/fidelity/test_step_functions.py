from __future__ import annotations

import json
from typing import Any

from botocore.config import Config

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, allow, eventually, refusal

STATES = "Step Functions"
GUIDE = "step-functions/latest/dg/"
API = "step-functions/latest/apireference/"
ROLE = "states"


class Machine:
    """A state machine."""

    def __init__(self, aws: Outside, states: dict[str, Any], *rights: dict[str, Any], **more: Any) -> None:
        self._client = aws.client("stepfunctions")
        start = next(iter(states))
        definition = {"StartAt": start, "States": states, **more.pop("definition", {})}
        self.arn = self._client.create_state_machine(
            name=aws.name("machine"), definition=json.dumps(definition), roleArn=aws.role(ROLE, *rights), **more
        )["stateMachineArn"]

    def start(self, value: object = None) -> str:
        told = json.dumps({} if value is None else value)
        arn: str = self._client.start_execution(stateMachineArn=self.arn, input=told)["executionArn"]
        return arn

    def run(self, value: object = None) -> dict[str, Any]:
        """The execution when it is over; its output as a value."""
        arn = self.start(value)

        def over() -> dict[str, Any]:
            described: dict[str, Any] = self._client.describe_execution(executionArn=arn)
            return {} if described["status"] == "RUNNING" else described

        described = eventually(over)
        if "output" in described:
            described["output"] = json.loads(described["output"])
        return described

    def output(self, value: object = None) -> Any:
        described = self.run(value)
        assert described["status"] == "SUCCEEDED", described
        return described["output"]

    def history(self, execution: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self._client.get_execution_history(executionArn=execution)["events"]
        return events


def passing(**more: Any) -> dict[str, Any]:
    return {"Type": "Pass", "End": True, **more}


@behaviour(
    STATES,
    "a state's input becomes its output, through paths and parameters",
    GUIDE + "concepts-input-output-filtering.html",
)
def test_paths(aws: Outside) -> None:
    state = passing(
        InputPath="$.order", Parameters={"id.$": "$.id", "kind": "x"}, ResultPath="$.made", OutputPath="$.made"
    )
    assert Machine(aws, {"One": state}).output({"order": {"id": 7}}) == {"id": 7, "kind": "x"}


@behaviour(STATES, "a choice goes where the first true rule leads, else to its default", GUIDE + "state-choice.html")
def test_choices(aws: Outside) -> None:
    rules = [
        {
            "And": [{"Variable": "$.n", "NumericGreaterThan": 1}, {"Variable": "$.n", "NumericLessThan": 5}],
            "Next": "Some",
        },
        {"Variable": "$.text", "StringMatches": "a*z", "Next": "Text"},
        {"Not": {"Variable": "$.n", "IsPresent": True}, "Next": "None"},
    ]
    states = {
        "Ask": {"Type": "Choice", "Choices": rules, "Default": "Other"},
        **{name: passing(Result=name) for name in ("Some", "Text", "None", "Other")},
    }
    machine = Machine(aws, states)
    values: list[dict[str, Any]] = [{"n": 3}, {"n": 9, "text": "abcz"}, {}, {"n": 9, "text": "q"}]
    assert [machine.output({"text": "", **each}) for each in values] == ["Some", "Text", "None", "Other"]


@behaviour(STATES, "a choice nothing is true for fails: States.NoChoiceMatched", GUIDE + "concepts-error-handling.html")
def test_no_choice(aws: Outside) -> None:
    ask = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "End"}]}
    described = Machine(aws, {"Ask": ask, "End": passing()}).run({"n": 2})
    assert (described["status"], described["error"]) == ("FAILED", "States.NoChoiceMatched")


@behaviour(STATES, "Fail ends an execution with error and cause", GUIDE + "state-fail.html")
def test_fail(aws: Outside) -> None:
    described = Machine(aws, {"No": {"Type": "Fail", "Error": "Broken", "Cause": "because"}}).run()
    assert [described[key] for key in ("status", "error", "cause")] == ["FAILED", "Broken", "because"]


@behaviour(STATES, "branches run side by side and give a list in their order", GUIDE + "state-parallel.html")
def test_parallel(aws: Outside) -> None:
    branches = [{"StartAt": name, "States": {name: passing(Result=name)}} for name in ("A", "B")]
    assert Machine(aws, {"Both": {"Type": "Parallel", "Branches": branches, "End": True}}).output() == ["A", "B"]


@behaviour(STATES, "a map runs for each item, with the item's index in the context", GUIDE + "state-map-inline.html")
def test_map(aws: Outside) -> None:
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "End": True,
        "ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"},
        "ItemProcessor": {"StartAt": "One", "States": {"One": passing()}},
    }
    assert Machine(aws, {"Each": each}).output({"items": ["a", "b"]}) == [{"i": 0, "v": "a"}, {"i": 1, "v": "b"}]


@behaviour(STATES, "intrinsic functions format, split, hash and add", GUIDE + "intrinsic-functions.html")
def test_intrinsics(aws: Outside) -> None:
    parameters = {
        "text.$": "States.Format('{} of {}', $.a, $.b)",
        "parts.$": "States.StringSplit('a,b', ',')",
        "sum.$": "States.MathAdd($.a, 1)",
        "all.$": "States.Array($.a, $.b)",
        "has.$": "States.ArrayContains($.list, 2)",
        "hash.$": "States.Hash('x', 'SHA-256')",
        "b64.$": "States.Base64Encode('x')",
        "merged.$": "States.JsonMerge($.x, $.y, false)",
    }
    output = Machine(aws, {"One": passing(Parameters=parameters)}).output(
        {"a": 1, "b": 2, "list": [1, 2], "x": {"p": 1}, "y": {"q": 2}}
    )
    assert output == {
        "text": "1 of 2",
        "parts": ["a", "b"],
        "sum": 2,
        "all": [1, 2],
        "has": True,
        "b64": "eA==",
        "merged": {"p": 1, "q": 2},
        "hash": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    }


@behaviour(STATES, "JSONata: arguments, output and variables are expressions", GUIDE + "transforming-data.html")
def test_jsonata(aws: Outside) -> None:
    states = {
        "Sum": {"Type": "Pass", "Assign": {"total": "{% $sum($states.input.prices) %}"}, "Next": "Tell"},
        "Tell": passing(Output={"total": "{% $total %}", "most": "{% $max($states.input.prices) %}"}),
    }
    machine = Machine(aws, states, definition={"QueryLanguage": "JSONata"})
    assert machine.output({"prices": [1, 5, 3]}) == {"total": 9, "most": 5}


@behaviour(
    STATES,
    "Retry tries again as often as it says, with growing pauses",
    GUIDE + "concepts-error-handling.html#error-handling-retrying-after-an-error",
)
def test_retries(aws: Outside) -> None:
    function = aws.function("class Flaky(Exception): pass\ndef handler(event, context):\n    raise Flaky('no')\n")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    retry = [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 2}]
    task = {"Type": "Task", "Resource": arn, "Retry": retry, "End": True}
    machine = Machine(aws, {"Try": task}, allow("lambda:InvokeFunction", [arn, f"{arn}:*"]))
    described = machine.run()
    assert (described["status"], described["error"]) == ("FAILED", "Flaky")
    kinds = [each["type"] for each in machine.history(described["executionArn"])]
    assert kinds.count("LambdaFunctionFailed") + kinds.count("TaskFailed") == 2


@behaviour(
    STATES,
    "Catch goes on with the error where it is told to",
    GUIDE + "concepts-error-handling.html#error-handling-fallback-states",
)
def test_catches(aws: Outside) -> None:
    function = aws.function("class Flaky(Exception): pass\ndef handler(event, context):\n    raise Flaky('no')\n")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    catch = [
        {"ErrorEquals": ["Other"], "Next": "Wrong"},
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Right"},
    ]
    states = {
        "Try": {"Type": "Task", "Resource": arn, "Catch": catch, "End": True},
        "Right": passing(),
        "Wrong": passing(),
    }
    output = Machine(aws, states, allow("lambda:InvokeFunction", arn)).output({"n": 1})
    assert (output["n"], output["error"]["Error"]) == (1, "Flaky")
    assert json.loads(output["error"]["Cause"])["errorMessage"] == "no"


@behaviour(STATES, "the optimized Lambda integration answers with Payload and status", GUIDE + "connect-lambda.html")
def test_lambda(aws: Outside) -> None:
    function = aws.function("def handler(event, context):\n    return {'got': event}\n")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "End": True,
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
    }
    right = allow("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:000000000000:function:{function}")
    output = Machine(aws, {"Call": task}, right).output({"n": 1})
    assert (output["Payload"], output["StatusCode"]) == ({"got": {"n": 1}}, 200)


@behaviour(
    STATES,
    "a task calls AWS with the role of its machine, and is denied without the right",
    GUIDE + "concept-create-iam-advanced.html",
)
def test_roles(aws: Outside) -> None:
    table = aws.name("table")
    aws.client("dynamodb").create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "End": True,
        "Parameters": {"TableName": table, "Item": {"id": {"S.$": "$.id"}}},
    }
    right = allow("dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}")
    assert Machine(aws, {"Put": task}, right).run({"id": "a"})["status"] == "SUCCEEDED"
    described = Machine(aws, {"Put": task}).run({"id": "b"})
    assert described["status"] == "FAILED"
    assert "not authorized to perform: dynamodb:PutItem" in described["cause"]


@behaviour(
    STATES, "a token is waited for until somebody sends it back", GUIDE + "connect-to-resource.html#connect-wait-token"
)
def test_tokens(aws: Outside) -> None:
    sqs, states = aws.client("sqs"), aws.client("stepfunctions")
    url = sqs.create_queue(QueueName=aws.name("asks"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "End": True,
        "Parameters": {"QueueUrl": url, "MessageBody.$": "$$.Task.Token"},
    }
    machine = Machine(aws, {"Ask": task}, allow("sqs:SendMessage", arn))
    execution = machine.start()
    token = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))[0]["Body"]
    states.send_task_success(taskToken=token, output='{"answer": 42}')
    described = eventually(
        lambda: (found := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and found
    )
    assert json.loads(described["output"]) == {"answer": 42}


@behaviour(STATES, "a task that takes longer than TimeoutSeconds fails: States.Timeout", GUIDE + "state-task.html")
def test_timeouts(aws: Outside) -> None:
    function = aws.function("import time\ndef handler(event, context):\n    time.sleep(20)\n", Timeout=30)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    task = {"Type": "Task", "Resource": arn, "TimeoutSeconds": 1, "End": True}
    described = Machine(aws, {"Slow": task}, allow("lambda:InvokeFunction", arn)).run()
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")


@behaviour(STATES, "a wait lasts as long as it says", GUIDE + "state-wait.html")
def test_waits(aws: Outside) -> None:
    described = Machine(aws, {"Wait": {"Type": "Wait", "SecondsPath": "$.s", "End": True}}).run({"s": 1})
    assert (described["stopDate"] - described["startDate"]).total_seconds() >= 1


@behaviour(
    STATES,
    "an execution of the same name and input is the same, of another input refused",
    API + "API_StartExecution.html",
)
def test_names(aws: Outside) -> None:
    machine, states = Machine(aws, {"One": passing()}), aws.client("stepfunctions")
    told = {"stateMachineArn": machine.arn, "name": "only", "input": '{"n": 1}'}
    states.start_execution(**told)
    eventually(lambda: states.list_executions(stateMachineArn=machine.arn)["executions"][0]["status"] == "SUCCEEDED")
    assert refusal(states.start_execution, **{**told, "input": '{"n": 2}'})[0] == "ExecutionAlreadyExists"


@behaviour(STATES, "a stopped execution is ABORTED", API + "API_StopExecution.html")
def test_stops(aws: Outside) -> None:
    machine, states = Machine(aws, {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}), aws.client("stepfunctions")
    execution = machine.start()
    states.stop_execution(executionArn=execution, error="Mine", cause="because")
    described = states.describe_execution(executionArn=execution)
    assert [described[key] for key in ("status", "error", "cause")] == ["ABORTED", "Mine", "because"]


@behaviour(STATES, "the history tells each state's input and output, in order", API + "API_GetExecutionHistory.html")
def test_history(aws: Outside) -> None:
    machine = Machine(aws, {"One": passing(Result={"n": 1})})
    described = machine.run()
    events = machine.history(described["executionArn"])
    assert [each["type"] for each in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert [each["id"] for each in events] == [1, 2, 3, 4]
    assert json.loads(events[2]["stateExitedEventDetails"]["output"]) == {"n": 1}


@behaviour(
    STATES,
    "the history calls a task that names a function's ARN LambdaFunctionScheduled, not TaskScheduled",
    API + "API_HistoryEvent.html",
)
def test_history_of_functions(aws: Outside) -> None:
    function = aws.function("def handler(event, context):\n    return 1\n")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    states = {"Call": {"Type": "Task", "Resource": arn, "End": True}}
    machine = Machine(aws, states, allow("lambda:InvokeFunction", arn))
    kinds = [each["type"] for each in machine.history(machine.run()["executionArn"])]
    assert "LambdaFunctionScheduled" in kinds


@behaviour(STATES, "a definition that leads nowhere is InvalidDefinition", API + "API_CreateStateMachine.html")
def test_bad_definitions(aws: Outside) -> None:
    states = aws.client("stepfunctions")
    definition = json.dumps({"StartAt": "One", "States": {"One": {"Type": "Pass", "Next": "Nowhere"}}})
    code, _ = refusal(
        states.create_state_machine, name=aws.name("machine"), definition=definition, roleArn=aws.role(ROLE)
    )
    assert code == "InvalidDefinition"


@behaviour(STATES, "an express machine answers synchronously", GUIDE + "choosing-workflow-type.html")
def test_express(aws: Outside) -> None:
    machine = Machine(aws, {"One": passing(Result={"n": 1})}, type="EXPRESS")
    states = aws.client("stepfunctions", config=Config(inject_host_prefix=False))
    answer = states.start_sync_execution(stateMachineArn=machine.arn, input="{}")
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"n": 1})


@behaviour(STATES, "a machine starts another and waits for its output", GUIDE + "connect-stepfunctions.html")
def test_nested(aws: Outside) -> None:
    inner = Machine(aws, {"One": passing(Result={"n": 1})})
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "End": True,
        "Parameters": {"StateMachineArn": inner.arn, "Input": {}},
    }
    rights = [
        allow("states:StartExecution", inner.arn),
        allow(
            ["states:DescribeExecution", "states:StopExecution"], inner.arn.replace("stateMachine", "execution") + ":*"
        ),
        allow(
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            "arn:aws:events:us-east-1:000000000000:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
        ),
    ]
    assert Machine(aws, {"Start": task}, *rights).output()["Output"] == {"n": 1}


@behaviour(
    STATES,
    "a distributed map batches items and tolerates failures up to its limit",
    GUIDE + "state-map-distributed.html",
)
def test_distributed(aws: Outside) -> None:
    each = {
        "Type": "Map",
        "End": True,
        "MaxConcurrency": 2,
        "ItemBatcher": {"MaxItemsPerBatch": 2},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "One",
            "States": {"One": passing(Parameters={"items.$": "$.Items"})},
        },
    }
    machine = Machine(aws, {"Each": each}, allow("states:StartExecution", "*"))
    assert machine.output([1, 2, 3]) == [{"items": [1, 2]}, {"items": [3]}]
