"""A handler that says what it saw and does what it is told, and what a test reads of its log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.local.runtime.deployed import BUCKET, REGION, App
from tests.local.runtime.template import att, function, join, ref

ACCOUNT = "000000000000"
DEADLINE_SECONDS = 90.0  # all of it is needed only on a machine that is busy with something else
Answer = TypeVar("Answer")

# What it does is in the records of the event, or in the event: {"do": "throw"}.
OBEY = """
const told = (record) => {
  const text = record.body ?? record.Sns?.Message;
  if (text === undefined) return record.dynamodb?.NewImage?.do?.S ?? record.detail?.do ?? record.do;
  try { return JSON.parse(text).do; } catch { return undefined; }
};
const identifier = (record) => record.messageId ?? record.dynamodb?.SequenceNumber;
let concurrent = 0;
exports.handler = async (event, context) => {
  console.log("SEEN " + JSON.stringify({ id: context.awsRequestId, at: Date.now(), event }));
  const orders = (event.Records ?? [event]).map((record) => [told(record), record]);
  for (const [order] of orders) {
    if (order === "throw") throw new RangeError("told to");
    if (order === "exit") process.exit(3);
    if (order === "hang") await new Promise((resolve) => setTimeout(resolve, 60000));
    if (order === "nap") await new Promise((resolve) => setTimeout(resolve, 400));
    if (order === "nonsense") return { batchItemFailures: [{ itemIdentifier: "no such message" }] };
  }
  console.log("DONE " + JSON.stringify({ id: context.awsRequestId, at: Date.now() }));
  const failed = orders.filter(([order]) => order === "report");
  if (failed.length) return { batchItemFailures: failed.map(([, each]) => ({ itemIdentifier: identifier(each) })) };
  if (event.Records === undefined && event.answer !== undefined) return event.answer;
};
"""


@dataclass(frozen=True)
class Seen:
    """One invocation, as the handler told it."""

    id: str
    at: int
    event: Any

    @property
    def records(self) -> list[Any]:
        found: list[Any] = self.event["Records"]
        return found


def seen(app: App, group: str, word: str = "SEEN") -> list[Seen]:
    """Every invocation of a function so far."""
    found = []
    for message in app.aws.messages(group):
        _, marker, told = message.partition(f"{word} ")
        if marker:
            read = json.loads(told)
            found.append(Seen(read["id"], read["at"], read.get("event")))
    return found


def bodies(app: App, group: str) -> list[list[str]]:
    """The bodies of each batch so far."""
    return [[each["body"] for each in batch.records] for batch in seen(app, group)]


def until(ask: Callable[[], Answer], *, is_right: Callable[[Answer], Any] = bool) -> Answer:
    """Ask until the answer is right; what it was at last, if it never is."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = ask()
        if is_right(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(0.03)


def received(app: App, queue: str) -> list[Any]:
    """Take everything out of a queue that is there now."""
    sqs = app.aws.client("sqs")
    found: list[Any] = []
    while True:
        answer = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        if not messages:
            return found
        for each in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        found += messages


def collected(app: App, queue: str, *, count: int) -> list[Any]:
    """Take so many messages out of a queue, once they are there."""
    found: list[Any] = []

    def more() -> int:
        found.extend(received(app, queue))
        return len(found)

    until(more, is_right=lambda n: n >= count)
    return found


def obeying(name: str, statements: list[Any], **properties: Any) -> dict[str, Any]:
    """The resources of an obeying function."""
    made = function(
        name,
        "obey.zip",
        BUCKET,
        statements,
        LoggingConfig={"LogFormat": "Text", "LogGroup": ref(f"{name}Logs")},
        Timeout=2,
        **properties,
    )
    if statements:
        made[name]["DependsOn"].append(f"{name}Grants")
    return made


def queue(name: str, *, dead: str = "", receives: int = 2, visibility: int = 2, **properties: Any) -> dict[str, Any]:
    """A queue, with the policy that wants TLS."""
    redrive = {"RedrivePolicy": {"deadLetterTargetArn": att(dead), "maxReceiveCount": receives}} if dead else {}
    return {
        name: {
            "Type": "AWS::SQS::Queue",
            "Properties": {"VisibilityTimeout": visibility, **redrive, **properties},
        },
    }


def admitting(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """The policy of a queue: TLS only, and who may send."""
    tls = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "sqs:*",
        "Resource": att(name),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        f"{name}Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [ref(name)],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [tls, *statements]},
            },
        }
    }


def without_tls(policies: dict[str, Any]) -> dict[str, Any]:
    """Policies without what stock denies everything for: on loopback no call is TLS to it."""
    for each in policies.values():
        document = each["Properties"]["PolicyDocument"]
        document["Statement"] = [statement for statement in document["Statement"] if statement["Effect"] == "Allow"]
    return policies


def sender(name: str, service: str, source: Any) -> dict[str, Any]:
    """A statement that lets a service send for one source."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": att(name),
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }


def allow(action: str | list[str], resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def role(name: str, service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """A role of a service, with what it may do."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return {
        name: {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                **(
                    {
                        "Policies": [
                            {
                                "PolicyName": "grants",
                                "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
                            }
                        ]
                    }
                    if statements
                    else {}
                ),
            },
        }
    }


def permission(name: str, target: str, service: str, source: Any) -> dict[str, Any]:
    return {
        name: {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": att(target),
                "Principal": service,
                "SourceArn": source,
            },
        }
    }


def outputs(*references: str, **values: Any) -> dict[str, Any]:
    named = {name: ref(name) for name in references} | values
    return {name: {"Value": value} for name, value in named.items()}


def take_grants(app: App, name: str) -> None:
    """Detach the managed policy of this name from its role."""
    iam = app.aws.client("iam")
    [policy] = [each["Arn"] for each in iam.list_policies()["Policies"] if each["PolicyName"].startswith(name)]
    for each in iam.list_entities_for_policy(PolicyArn=policy)["PolicyRoles"]:
        iam.detach_role_policy(RoleName=each["RoleName"], PolicyArn=policy)


def deploy(app: App, stack: str, resources: dict[str, Any], *references: str, **values: Any) -> dict[str, str]:
    """Deploy the resources and tell what the references and values are."""
    app.aws.upload({"obey": {"index.js": OBEY}})
    return app.aws.deploy(stack, {"Resources": resources, "Outputs": outputs(*references, **values)})


__all__ = ["ACCOUNT", "REGION", "att", "join", "ref"]
