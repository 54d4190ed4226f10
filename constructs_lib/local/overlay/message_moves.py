"""Dead letters are sent back: `StartMessageMoveTask`, `ListMessageMoveTasks` and `CancelMessageMoveTask`.

Stock knows none of them. Sent back, a message is a new one, with an id and an age of its own.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from constructs_lib.local.overlay.authority import here, is_enforced, scope_of
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.patching import Addition, Patch
from constructs_lib.local.overlay.queue_lock import HOLDING

MOST_A_SECOND = 500
MOST_LISTED = 10
RUNNING, CANCELLING = "RUNNING", "CANCELLING"
CANCELLED, COMPLETED, FAILED = "CANCELLED", "COMPLETED", "FAILED"
UNSUPPORTED = "AWS.SimpleQueueService.UnsupportedOperation"
MISSING = "ResourceNotFoundException"
SOURCE_OF_MESSAGE = "DeadLetterQueueSourceArn"
READING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
Message = dict[str, Any]


@dataclass(slots=True)
class Task:
    """One move of the messages of a queue."""

    source: str
    destination: str
    rate: int
    to_move: int
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: int = field(default_factory=lambda: int(time.time() * 1000))
    status: str = RUNNING
    moved: int = 0
    failure: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def handle(self) -> str:
        """What cancels it."""
        told = {"taskId": self.identifier, "sourceArn": self.source}
        return base64.b64encode(json.dumps(told).encode()).decode()

    def described(self) -> dict[str, Any]:
        """What is listed of it."""
        told: dict[str, Any] = {
            "TaskHandle": self.handle if self.status == RUNNING else None,
            "Status": self.status,
            "SourceArn": self.source,
            "DestinationArn": self.destination or None,
            "MaxNumberOfMessagesPerSecond": self.rate or None,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "FailureReason": self.failure or None,
            "StartedTimestamp": self.started,
        }
        return {name: value for name, value in told.items() if value is not None}


_tasks: dict[str, list[Task]] = {}  # the newest first, by the queue they move from


def start(data: dict[str, Any], _url: str) -> dict[str, Any]:
    """Begin to move the messages of a dead-letter queue."""
    source, destination = data.get("SourceArn") or "", data.get("DestinationArn") or ""
    rate = data.get("MaxNumberOfMessagesPerSecond")
    queue = _queue(source)
    if not _is_dead_letter_queue(source):
        raise _error("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    if destination == source:
        raise _error("InvalidParameterValue", "Source queue arn and destination queue arn cannot be the same.")
    if rate is not None and not 1 <= int(rate) <= MOST_A_SECOND:
        told = f"Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: must be 1 to {MOST_A_SECOND}."
        raise _error("InvalidParameterValue", told)
    if destination and _queue(destination)["is_fifo"] != queue["is_fifo"]:
        raise _error("InvalidParameterValue", "Source and destination queues must be of the same type.")
    for action in READING:
        _authorize(action, source)
    if destination:
        _authorize("sqs:SendMessage", destination)
    with HOLDING:
        known = _tasks.setdefault(source, [])
        if any(task.status in {RUNNING, CANCELLING} for task in known):
            told = "There is already a task running. Only one active task is allowed for a source queue arn at a given"
            raise _error(UNSUPPORTED, f"{told} time.")
        task = Task(source, destination, int(rate or 0), len(queue["messages"]))
        _tasks[source] = [task, *known][:MOST_LISTED]
    threading.Thread(target=_run, args=(task, *here()), name="message-move", daemon=True).start()
    return {"TaskHandle": task.handle}


def listed(data: dict[str, Any], _url: str) -> dict[str, Any]:
    """The moves of a queue, the newest first."""
    source = data.get("SourceArn") or ""
    _queue(source)
    return {"Results": [task.described() for task in _tasks.get(source, [])[: int(data.get("MaxResults") or 1)]]}


def cancel(data: dict[str, Any], _url: str) -> dict[str, Any]:
    """Stop a move; what has been moved stays so."""
    source, identifier = _read(data.get("TaskHandle"))
    task = next((each for each in _tasks.get(source, []) if each.identifier == identifier), None)
    if task is None:
        raise _error(MISSING, "Task does not exist.")
    with HOLDING:
        if task.status != RUNNING:
            raise _error(UNSUPPORTED, "Only active tasks can be cancelled.")
        task.status = CANCELLING
    task.stopping.set()
    return {"ApproximateNumberOfMessagesMoved": task.moved}


def forget() -> None:
    """Stop every task, and forget that there was one."""
    for task in [each for tasks in _tasks.values() for each in tasks]:
        task.stopping.set()
    _tasks.clear()


def _run(task: Task, account: str, region: str) -> None:
    with scope_of(account, region):
        while not task.stopping.is_set():
            with HOLDING:
                try:
                    is_done = not _move_one(task)
                except base("services.sqs")._Err as error:
                    task.status, task.failure = FAILED, error.code
                    return
                if is_done:
                    task.status = FAILED if task.failure else COMPLETED
                    return
            task.stopping.wait(1 / task.rate if task.rate else 0)
        task.status = CANCELLED


def _move_one(task: Task) -> bool:
    """Move the next message that nobody is working on; false when there is none."""
    sqs, queue, now = base("services.sqs"), _queue(task.source), time.time()
    for message in queue["messages"]:
        if message["visible_at"] > now:
            continue
        destination = task.destination or (message.get("sys") or {}).get(SOURCE_OF_MESSAGE)
        if not destination:
            task.failure = "CouldNotDetermineMessageSource"
            return False
        target = sqs._queue_by_arn(destination)
        if target is None:
            task.failure = "AWS.SimpleQueueService.NonExistentQueue"
            return False
        sqs._HANDLERS["SendMessage"](_sent_again(message, target), target["url"])
        queue["messages"].remove(message)
        task.moved += 1
        return True
    return False


def _sent_again(message: Message, target: Message) -> dict[str, Any]:
    again: dict[str, Any] = {
        "QueueUrl": target["url"],
        "MessageBody": message["body"],
        "MessageAttributes": message.get("message_attributes") or {},
    }
    trace = (message.get("sys") or {}).get("AWSTraceHeader")
    if trace:
        again["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    if message.get("group_id"):
        again["MessageGroupId"] = message["group_id"]
    if target["is_fifo"]:
        again["MessageDeduplicationId"] = str(uuid.uuid4())
    return again


def _queue(arn: str) -> Message:
    found: Message | None = base("services.sqs")._queue_by_arn(arn) if arn else None
    if found is None:
        raise _error(MISSING, "The resource that you specified for the SourceArn parameter doesn't exist.")
    return found


def _is_dead_letter_queue(arn: str) -> bool:
    policies = (
        json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
        for _, queue in list(base("services.sqs")._queues.all_items())
    )
    return any(policy.get("deadLetterTargetArn") == arn for policy in policies)


def _authorize(action: str, arn: str) -> None:
    """Ask whether the caller may do what the move does for it."""
    if not is_enforced():
        return
    evaluator = base("core.iam_evaluator")
    denied = evaluator.enforce(evaluator._verified_key.get(), action, "sqs", here()[1], arn)
    if denied is not None:
        raise _error("AccessDenied", f"Access to the resource {arn} is denied: {action} is needed.", status=403)


def _read(handle: object) -> tuple[str, str]:
    try:
        told = json.loads(base64.b64decode(str(handle), validate=True))
        return str(told["sourceArn"]), str(told["taskId"])
    except (binascii.Error, KeyError, TypeError, ValueError) as error:
        raise _error("InvalidParameterValue", "Value for parameter TaskHandle is invalid.") from error


def _error(code: str, message: str, *, status: int = 400) -> Exception:
    error: Exception = base("services.sqs")._Err(code, message, status)
    return error


def _wrap_resource(stock: Any) -> Any:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = stock(service, method, path, headers, body, *rest)
        if service != "sqs" or not headers.get("x-amz-target", "").endswith(("MessageMoveTask", "MessageMoveTasks")):
            return found
        asked = json.loads(body)
        try:
            return str(asked.get("SourceArn") or _read(asked.get("TaskHandle"))[0])
        except base("services.sqs")._Err:
            return found

    return extract_resource_arn


PATCHES = (
    Addition("services.sqs", "_HANDLERS/StartMessageMoveTask", start),
    Addition("services.sqs", "_HANDLERS/ListMessageMoveTasks", listed),
    Addition("services.sqs", "_HANDLERS/CancelMessageMoveTask", cancel),
    Patch(
        "core.iam_actions",
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
        _wrap_resource,
    ),
)
