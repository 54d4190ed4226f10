"""Steps that call a function, another workflow, or any other API."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn

from constructs_lib.wiring.refusals import did_you_mean
from constructs_lib.workflow_steps.allowance import allowance_problems
from constructs_lib.workflow_steps.expression import INPUT, TASK_TOKEN, Value, is_expression, strings_of
from constructs_lib.workflow_steps.json_value import shown
from constructs_lib.workflow_steps.step import HasFunctionArn, Task, TaskOptions
from constructs_lib.workflow_steps.targets import function_of, machine_of

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.wiring.receiver import HasStateMachine

# A function's own timeout does not count the start of its environment, up to 10 s; the rest is for the way.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
START_SECONDS = 15
LONGEST_FUNCTION_SECONDS = 900
SERVICE_SECONDS = 30  # other services answer within a second, or after their SDK's own retries

TOKEN_PAYLOAD: Mapping[str, Value] = {"input": INPUT, "token": f"{{% {TASK_TOKEN} %}}"}
UNDO_PAYLOAD: Mapping[str, Value] = {"input": INPUT, "result": "{% $result %}"}
WAITING = (".waitForTaskToken", ".sync", ".sync:2")  # ended by somebody else, in a time only the user can know


def step(
    name: str,
    function: HasFunctionArn,
    *,
    payload: Value = None,
    callback: bool = False,
    heartbeat: cdk.Duration | None = None,
    **options: Unpack[TaskOptions],
) -> Task:
    """Call a function.

    Args:
        name: What happens, as it will stand in the diagram.
        function: The function; the workflow may invoke this one alone, or its alias where it has one.
        payload: What it receives. Default: the workflow's input; with `callback`, that as `input`, and the `token`.
        callback: Wait until somebody ends the step with its task token: `SendTaskSuccess` or `SendTaskFailure`, see
            `Workflow.grant_callback`. Needs a `timeout`.
        heartbeat: With `callback`: how long the one who has the token may be silent.
        **options: See `TaskOptions`; the timeout is the function's own and 15 seconds.

    Example:
        >>> charge = step("Charge", greet, result="payment", payload={"order": "{% $states.input.id %}"})
    """
    default: Value = TOKEN_PAYLOAD if callback else INPUT
    sent = default if payload is None else payload
    return _function_task(name, function, sent, options, callback=callback, heartbeat=heartbeat)


def run(name: str, workflow: HasStateMachine, *, input: Value = INPUT, **options: Unpack[TaskOptions]) -> Task:  # noqa: A002 - Step Functions' name
    """Run another workflow and wait for its end; its result is that workflow's output.

    Args:
        name: What happens.
        workflow: The other workflow, a standard one.
        input: Its input. Default: this workflow's input.
        **options: See `TaskOptions`; `timeout` must be given, since only you know how long the other may take.
    """
    machine = machine_of(name, workflow)

    def statements(scope: Construct) -> list[iam.PolicyStatement]:
        stack = cdk.Stack.of(scope)
        return [
            iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine.state_machine_arn]),
            # The name of an execution is chosen at run time. What waiting takes:
            # https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
            iam.PolicyStatement(
                actions=["states:DescribeExecution", "states:StopExecution"],
                resources=[executions_of(scope, _name_of(scope, machine))],
            ),
            iam.PolicyStatement(
                actions=["events:DescribeRule", "events:PutRule", "events:PutTargets"],
                resources=[
                    stack.format_arn(
                        service="events",
                        resource="rule",
                        resource_name="StepFunctionsGetEventsForStepFunctionsExecutionRule",
                    )
                ],
            ),
        ]

    express = bool(getattr(workflow, "express", False))
    return make_task(
        name,
        "states:startExecution.sync:2",
        {"StateMachineArn": machine.state_machine_arn, "Input": input},
        options,
        service="StepFunctions",
        answer="$states.result.Output",
        statements=statements,
        usual_seconds=None,
        workflow=workflow,
        target=machine,
        problems=[
            (
                f"{name!r} waits for an express workflow, and Step Functions cannot",
                "make the other one standard, or start it without waiting: start(...)",
            )
        ]
        if express
        else [],
    )


def start(name: str, workflow: HasStateMachine, *, input: Value = INPUT, **options: Unpack[TaskOptions]) -> Task:  # noqa: A002 - likewise
    """Start another workflow and go on at once; the result says which execution it is.

    Args:
        name: What happens.
        workflow: The other workflow.
        input: Its input. Default: this workflow's input.
        **options: See `TaskOptions`.
    """
    machine = machine_of(name, workflow)
    arn = machine.state_machine_arn
    return make_task(
        name,
        "states:startExecution",
        {"StateMachineArn": arn, "Input": input},
        options,
        service="StepFunctions",
        answer="$states.result",
        statements=lambda _: [iam.PolicyStatement(actions=["states:StartExecution"], resources=[arn])],
        workflow=workflow,
        target=machine,
    )


def call(
    name: str,
    api: str,
    *,
    arguments: Mapping[str, Value],
    allow: Sequence[iam.PolicyStatement],
    **options: Unpack[TaskOptions],
) -> Task:
    """Call any other API that Step Functions can.

    Args:
        name: What happens.
        api: What follows `arn:aws:states:::` in the documentation, `aws-sdk:sesv2:sendEmail`.
        arguments: The API's arguments.
        allow: What the call takes; write exact actions and resources.
        **options: See `TaskOptions`. Retried are the errors you name: which are transient, only you know here.

    Example:
        >>> statement = iam.PolicyStatement(actions=["ses:SendEmail"], resources=[queue.queue_arn])
        >>> mail = call("Mail", "aws-sdk:sesv2:sendEmail", arguments={}, allow=[statement])
    """
    return make_task(
        name,
        str(api),
        arguments,
        options,
        service="",
        answer="$states.result",
        statements=lambda _: list(allow),
        problems=[
            *token_problems(name, arguments, callback=str(api).endswith(".waitForTaskToken")),
            *allowance_problems(name, api, allow),
        ],
    )


def _name_of(scope: Construct, machine: sfn.IStateMachine) -> str:
    """The name of a workflow; of another stack's by its export, whose name stands in what cdk-nag then finds."""
    if isinstance(machine, sfn.StateMachine):
        here, there = cdk.Stack.of(scope), cdk.Stack.of(machine)
        if here.node.path == there.node.path or here.nested or there.nested or here.region != there.region:
            return machine.state_machine_name
        return str(there.export_value(machine.state_machine_name))
    parts = cdk.Stack.of(scope).split_arn(machine.state_machine_arn, cdk.ArnFormat.COLON_RESOURCE_NAME)
    return str(parts.resource_name)


def executions_of(scope: Construct, name: str, label: str = "") -> str:
    """The executions of a workflow, or the child executions of one of its distributed steps."""
    return cdk.Stack.of(scope).format_arn(
        service="states",
        resource="execution",
        resource_name=f"{name}{label}:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def make_task(
    name: str,
    resource: str,
    arguments: Mapping[str, Value],
    options: TaskOptions,
    *,
    service: str,
    answer: str,
    statements: Callable[[Construct], Sequence[iam.PolicyStatement]],
    usual_seconds: int | None = SERVICE_SECONDS,
    problems: Sequence[tuple[str, str]] = (),
    heartbeat: cdk.Duration | None = None,
    function: HasFunctionArn | None = None,
    workflow: HasStateMachine | None = None,
    target: object = None,
) -> Task:
    """Make a step that does something; see `Task` for the arguments."""
    undo, undo_problems = _undo_of(name, options)
    return Task(
        name=name,
        resource=resource,
        arguments=arguments,
        service=service,
        answer=answer,
        statements=statements,
        usual_seconds=None if resource.endswith(WAITING) else usual_seconds,
        problems=[*problems, *undo_problems, *_unknown_options(name, options)],
        result=options.get("result"),
        retry=options.get("retry", ()),
        catch=options.get("catch", ()),
        undo=undo,
        timeout=options.get("timeout"),
        heartbeat=heartbeat,
        function=function,
        workflow=workflow,
        target=target,
    )


def _undo_of(name: str, options: TaskOptions) -> tuple[Task | None, list[tuple[str, str]]]:
    """What undoes a step, and what is wrong with it."""
    undo = options.get("undo")
    if undo is None or isinstance(undo, Task):
        return undo, []
    if isinstance(undo, type) or not hasattr(undo, "function_arn"):
        problem = f"the undo of {name!r} is {shown(undo)}, wanted a function or a step that does something"
        return None, [(problem, "pass the function, or one step: undo=delete_item(...)")]
    return _function_task(f"Undo {name}", undo, UNDO_PAYLOAD, {}), []


def _unknown_options(name: str, options: Mapping[str, object]) -> list[tuple[str, str]]:
    """Options there are none of: Python takes every keyword, and what is misspelt would be missing."""
    known = sorted(TaskOptions.__annotations__)
    return [
        (
            f"{name!r} has no option {option!r}{did_you_mean(option, known)}",
            f"what every step takes is {', '.join(known)}",
        )
        for option in options
        if option not in known
    ]


def or_null(path: str) -> str:
    """JSONata that never comes out as nothing, which Step Functions takes for an error."""
    return f"$exists({path}) ? {path} : null"


def token_problems(name: str, payload: Value, *, callback: bool) -> list[tuple[str, str]]:
    """A step that waits for a token nobody gets would wait until its timeout."""
    if not isinstance(callback, bool):
        return [(f"callback of {name!r} is {shown(callback)}, wanted True or False", "write callback=True")]
    if not callback or any(is_expression(text) and TASK_TOKEN in text for text in strings_of(payload)):
        return []
    return [
        (
            f"{name!r} waits for its task token, and does not send it to anybody",
            f'send it along: "token": "{{% {TASK_TOKEN} %}}"',
        )
    ]


def _function_task(
    name: str,
    function: HasFunctionArn,
    payload: Value,
    options: TaskOptions,
    *,
    callback: bool = False,
    heartbeat: cdk.Duration | None = None,
) -> Task:
    arn = function_of(name, function).function_arn
    return make_task(
        name,
        "lambda:invoke.waitForTaskToken" if callback else "lambda:invoke",
        {"FunctionName": arn, "Payload": payload},
        options,
        service="Lambda",
        answer="$states.result" if callback else or_null("$states.result.Payload"),
        statements=lambda _: [iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[arn])],
        usual_seconds=_function_seconds(function),
        problems=token_problems(name, payload, callback=callback),
        heartbeat=heartbeat,
        function=function,
        target=getattr(function, "function", function),
    )


def _function_seconds(function: HasFunctionArn) -> int:
    timeout = getattr(function, "timeout", None)
    if not isinstance(timeout, cdk.Duration) or timeout.is_unresolved():
        return LONGEST_FUNCTION_SECONDS + START_SECONDS
    return math.ceil(timeout.to_milliseconds() / 1000) + START_SECONDS
