"""Rules on roles that work is done as: what is polled, and what a workflow does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, mapping, queue, ref, resource

POLLER, TASKS = "poller-may-read-its-source", "workflow-may-run-its-tasks"


def role(*statements: tuple[Any, Any], managed: tuple[str, ...] = ()) -> dict[str, Any]:
    told = [{"Effect": "Allow", "Action": action, "Resource": on} for action, on in statements]
    policy = {"PolicyName": "p", "PolicyDocument": {"Statement": told}}
    return resource("AWS::IAM::Role", Policies=[policy], ManagedPolicyArns=list(managed))


READ_QUEUE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
READ_STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
STREAM = {"Fn::GetAtt": ["Table", "StreamArn"]}


class TestPollers:
    def said(self, source: Any, given: dict[str, Any]) -> list[str]:
        resources = {
            "Queue": queue(),
            "Table": resource("AWS::DynamoDB::Table", StreamSpecification={"StreamViewType": "NEW_IMAGE"}),
            "Stream": resource("AWS::Kinesis::Stream"),
            "Send": function(Role=arn("Role")),
            "Role": given,
            "Mapping": mapping(source),
        }
        return judged(POLLER, resources)

    def test_refuses_a_role_that_may_not_read_the_queue(self) -> None:
        assert self.said("Queue", role((["sqs:ReceiveMessage"], arn("Queue")))) == [
            (
                "error: Role may not read arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue} for Send: it lacks "
                "sqs:DeleteMessage, sqs:GetQueueAttributes\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) EventSourceArn\n"
                "  fix: allow sqs:DeleteMessage, sqs:GetQueueAttributes on "
                "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue} in a policy of the role"
            )
        ]

    def test_refuses_a_role_that_may_read_another(self) -> None:
        assert len(self.said("Queue", role((READ_QUEUE, "arn:aws:sqs:eu-west-1:111122223333:other")))) == 1

    @pytest.mark.parametrize(
        ("source", "given"),
        [
            ("Queue", role((READ_QUEUE, arn("Queue")))),
            ("Queue", role(("sqs:*", "*"))),
            ("Queue", role(managed=("arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",))),
            (STREAM, role((READ_STREAM, STREAM))),
            (STREAM, role((READ_STREAM, {"Fn::Sub": "${Table.Arn}/stream/*"}))),
            ("Stream", role((["kinesis:DescribeStreamSummary", "kinesis:Get*"], arn("Stream")))),
        ],
    )
    def test_passes_one_that_may(self, source: Any, given: dict[str, Any]) -> None:
        assert self.said(source, given) == []

    def test_asks_the_same_of_a_pipe(self) -> None:
        pipe = resource("AWS::Pipes::Pipe", Source=arn("Queue"), Target="arn:aws:x", RoleArn=arn("Role"))
        resources = {"Queue": queue(), "Pipe": pipe}
        assert judged(POLLER, {**resources, "Role": role((READ_QUEUE, arn("Queue")))}) == []
        [found] = judged(POLLER, {**resources, "Role": role()})
        assert found.startswith(
            "error: Role may not read arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue} for Pipe"
        )

    @pytest.mark.parametrize("source", [STREAM, "Stream"])
    def test_refuses_streams_too(self, source: Any) -> None:
        assert len(self.said(source, role())) == 1

    def test_says_what_it_cannot_tell(self) -> None:
        managed = ("arn:aws:iam::111122223333:policy/reads-queues",)
        assert self.said("Queue", role(managed=managed)) == [
            (
                "unknown: whether Role may read arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue}\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping)\n"
                "  why: what the managed policy arn:aws:iam::111122223333:policy/reads-queues allows is not in any "
                "of the "
                "templates"
            )
        ]


class TestTasks:
    def said(self, task: dict[str, Any], given: dict[str, Any], **more: Any) -> list[str]:
        definition = {"StartAt": "Charge", "States": {"Charge": {"Type": "Task", "End": True, **task}}}
        machine = resource("AWS::StepFunctions::StateMachine", Definition=definition, RoleArn=arn("Role"))
        others = {"Send": function(), "Queue": queue(), "Table": resource("AWS::DynamoDB::Table")}
        return judged(TASKS, {"Machine": machine, "Role": given, **others, **more})

    def test_refuses_a_task_whose_function_may_not_be_invoked(self) -> None:
        assert self.said({"Resource": arn("Send")}, role()) == [
            (
                "error: task Charge needs lambda:InvokeFunction on Send, which Role does not allow\n"
                "  at:  Shop/Machine (AWS::StepFunctions::StateMachine) Definition.States.Charge\n"
                "  fix: allow lambda:InvokeFunction on Send in a policy of the role"
            )
        ]

    @pytest.mark.parametrize(
        ("task", "action", "on"),
        [
            ({"Resource": arn("Send")}, "lambda:InvokeFunction", arn("Send")),
            (
                {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": arn("Send")}},
                "lambda:InvokeFunction",
                {"Fn::Sub": "${Send.Arn}"},
            ),
            (
                {
                    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                    "Parameters": {"FunctionName": ref("Send")},
                },
                "lambda:Invoke*",
                {"Fn::Sub": "${Send.Arn}*"},
            ),
            (
                {"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": ref("Queue")}},
                "sqs:SendMessage",
                arn("Queue"),
            ),
            (
                {"Resource": "arn:aws:states:::dynamodb:putItem", "Arguments": {"TableName": ref("Table")}},
                "dynamodb:PutItem",
                arn("Table"),
            ),
            (
                {"Resource": "arn:aws:states:::aws-sdk:dynamodb:query", "Parameters": {"TableName": ref("Table")}},
                "dynamodb:Query",
                arn("Table"),
            ),
            ({"Resource": "arn:aws:states:::events:putEvents"}, "events:PutEvents", "*"),
            ({"Resource": "arn:aws:states:::aws-sdk:s3:headObject"}, "s3:GetObject", "arn:aws:s3:::pictures/*"),
            ({"Resource": "arn:aws:states:::ecs:runTask.sync"}, "ecs:RunTask", "*"),
            ({"Resource": "arn:aws:states:::aws-sdk:eventbridge:putEvents"}, "events:PutEvents", "*"),
        ],
    )
    def test_passes_a_role_that_allows_it_and_refuses_one_that_does_not(
        self, task: dict[str, Any], action: str, on: Any
    ) -> None:
        assert self.said(task, role((action, on))) == []
        [found] = self.said(task, role((action.replace(":", ":Not"), on)))
        assert found.startswith("error: task Charge needs ")
        assert len(self.said(task, role())) == 1

    def test_refuses_a_role_that_allows_it_on_another(self) -> None:
        task = {"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": ref("Queue")}}
        assert len(self.said(task, role(("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:other")))) == 1

    @pytest.mark.parametrize(
        "task",
        [
            {"Resource": "arn:aws:states:eu-west-1:111122223333:activity:pack"},
            {"Resource": "arn:aws:states:::aws-sdk:newservice:doIt"},
            {"Resource": "arn:aws:lambda:eu-west-1:111122223333:function:theirs"},
        ],
    )
    def test_asks_nothing_of_what_it_does_not_know(self, task: dict[str, Any]) -> None:
        assert self.said(task, role(("lambda:InvokeFunction", "*"))) == []

    def test_says_what_it_cannot_tell(self) -> None:
        [found] = self.said({"Resource": arn("Send")}, role(managed=("arn:aws:iam::111122223333:policy/theirs",)))
        assert found.startswith("unknown: whether Role allows lambda:InvokeFunction on Send for task Charge\n")
        states = {"A": {"Type": "Task", "Resource": arn("Send"), "End": True}}
        machine = resource(
            "AWS::StepFunctions::StateMachine", Definition={"StartAt": "A", "States": states}, RoleArn=ref("Given")
        )
        given = {"Given": {"Type": "String"}}
        assert judged(TASKS, {"Machine": machine, "Send": function()}, Parameters=given) == [
            (
                "unknown: whether the state machine may run its tasks\n"
                "  at:  Shop/Machine (AWS::StepFunctions::StateMachine)\n"
                "  why: its role is not in the templates"
            )
        ]
