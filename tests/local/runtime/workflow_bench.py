"""Everything a workflow may use, a role that may use it and one that may not, and a way to run definitions."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from tests.local.runtime.deployed import App
from tests.local.runtime.event_handlers import allow, att, deploy, join, obeying, queue, ref, role, until

STATES = "states.amazonaws.com"
NAMES = ("Worker", "WorkerLogs", "Queue", "Topic", "Table", "Bus", "Bucket", "Logs")
LOG_DELIVERY = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
]
RULE = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"


def _here(service: str, rest: str) -> dict[str, Any]:
    return join("arn:aws:", service, ":", ref("AWS::Region"), ":", ref("AWS::AccountId"), ":", rest)


def resources() -> dict[str, Any]:
    only_orders = {"StringEquals": {"events:source": "orders"}}
    return {
        **queue("Queue"),
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "bench"}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/vendedlogs/states/bench"}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            },
        },
        **obeying("Worker", []),
        **role("Bare", STATES),
        **role("Stranger", "ec2.amazonaws.com"),
        **role(
            "Writing",
            STATES,
            allow("states:StartExecution", _here("states", "stateMachine:bench-*")),
            allow("s3:PutObject", join(att("Bucket"), "/runs/*")),
        ),
        **role(
            "Full",
            STATES,
            allow(["lambda:InvokeFunction", "lambda:ListVersionsByFunction"], att("Worker")),
            allow("lambda:DeleteFunction", join(att("Worker"), ":*")),
            allow("sqs:SendMessage", att("Queue")),
            allow("sns:Publish", ref("Topic")),
            allow(["dynamodb:PutItem", "dynamodb:GetItem"], att("Table")),
            allow("events:PutEvents", att("Bus"), Condition=only_orders),
            allow("s3:GetObject", join(att("Bucket"), "/*")),
            allow("states:StartExecution", _here("states", "stateMachine:bench-*")),
            allow(["states:DescribeExecution", "states:StopExecution"], _here("states", "execution:bench-*")),
            allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], _here("events", RULE)),
            allow(LOG_DELIVERY, "*"),
        ),
    }


@dataclass(frozen=True)
class Ended:
    """An execution that is over."""

    arn: str
    status: str
    output: Any
    error: str
    cause: str


@dataclass(frozen=True)
class Bench:
    app: App
    made: dict[str, str]

    @property
    def states(self) -> Any:
        return self.app.aws.client("stepfunctions")

    def create(self, definition: dict[str, Any], *, role: str = "Full", **settings: Any) -> str:
        whole = {"QueryLanguage": "JSONata", **definition}
        name = f"bench-{uuid.uuid4()}"
        arn: str = self.states.create_state_machine(
            name=name, definition=json.dumps(whole), roleArn=self.made[f"{role}Arn"], **settings
        )["stateMachineArn"]
        return arn

    def start(self, machine: str, given: Any = None) -> str:
        started = self.states.start_execution(stateMachineArn=machine, input=json.dumps({} if given is None else given))
        arn: str = started["executionArn"]
        return arn

    def end(self, execution: str) -> Ended:
        told = until(
            lambda: self.states.describe_execution(executionArn=execution),
            is_right=lambda answer: answer["status"] != "RUNNING",
        )
        output = json.loads(told["output"]) if told.get("output") else None
        return Ended(execution, told["status"], output, told.get("error", ""), told.get("cause", ""))

    def run(self, *states: dict[str, Any], given: Any = None, role: str = "Full", **settings: Any) -> Ended:
        """Run states one after the other."""
        return self.end(self.start(self.create(chain(*states), role=role, **settings), given))

    def worker(self, payload: Any, **more: Any) -> dict[str, Any]:
        """A task that calls the worker."""
        arguments = {"FunctionName": self.made["WorkerArn"], "Payload": payload}
        return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": arguments, **more}


def chain(*states: dict[str, Any]) -> dict[str, Any]:
    named = {f"S{n}": dict(each) for n, each in enumerate(states)}
    for n, each in enumerate(named.values()):
        if each["Type"] not in {"Succeed", "Fail"} and "Next" not in each:
            each.update({"End": True} if n == len(named) - 1 else {"Next": f"S{n + 1}"})
    return {"StartAt": "S0", "States": named}


def set_up(app: App) -> Bench:
    arns = {f"{each}Arn": att(each) for each in ("Worker", "Queue", "Bare", "Stranger", "Writing", "Full", "Logs")}
    return Bench(app, deploy(app, "Bench", resources(), *NAMES, **arns))
