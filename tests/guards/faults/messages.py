"""Faults of queues, streams, events and workflows."""

from __future__ import annotations

import json
from typing import Any

from tests.guards.faults.fault import Fault, add, change, drop, remove, together
from tests.guards.faults.hardened import RETRY, STATES, task
from tests.guards.faults.parts import att, made, permission, ref


def states(name: str, rule: str, **changed: Any) -> Fault:
    """The workflow has other states."""
    text = json.dumps({"StartAt": "Pay", "States": {**STATES, **changed}})
    return change(name, rule, "Fulfil", "DefinitionString", to=text)


def without(state: str, field: str) -> dict[str, Any]:
    return {state: {key: value for key, value in STATES[state].items() if key != field}}


WINDOW = "MaximumBatchingWindowInSeconds"

FAULTS = [
    change("visibility below six timeouts", "queue-visibility-covers-timeout", "Jobs", "VisibilityTimeout", to=59),
    change("visibility below one timeout", "queue-visibility-covers-timeout", "Jobs", "VisibilityTimeout", to=9),
    drop("visibility left to the default", "queue-visibility-covers-timeout", "Jobs", "VisibilityTimeout"),
    change("a slower worker", "queue-visibility-covers-timeout", "Work", "Timeout", to=11, found_at="Jobs"),
    change(
        "a batching window",
        "queue-visibility-covers-timeout",
        "WorkMapping",
        WINDOW,
        to=1,
        found_at="Jobs",
    ),
    drop("partial batch of a queue off", "batches-report-their-failures", "WorkMapping", "FunctionResponseTypes"),
    together(
        change(
            "partial batch of a stream off",
            "batches-report-their-failures",
            "FollowMapping",
            "FunctionResponseTypes",
            to=[],
        ),
        drop("and no halves", "", "FollowMapping", "BisectBatchOnFunctionError"),
    ),
    drop("no dead-letter queue", "queue-keeps-failed-messages", "Jobs", "RedrivePolicy"),
    change("one try", "queue-tries-more-than-once", "Jobs", "RedrivePolicy", "maxReceiveCount", to=1),
    change(
        "dead letters kept too short", "dead-letters-outlast-their-source", "DeadJobs", "MessageRetentionPeriod", to=60
    ),
    change(
        "messages kept longer than dead ones",
        "dead-letters-outlast-their-source",
        "DeadJobs",
        "MessageRetentionPeriod",
        to=345_599,
    ),
    remove("no alarm on dead letters of a queue", "dead-letters-raise-an-alarm", "DeadJobs", "DeadJobsAlarm"),
    remove("no alarm on failed events", "dead-letters-raise-an-alarm", "DeadEvents", "DeadEventsAlarm"),
    remove("no alarm on failed records", "dead-letters-raise-an-alarm", "DeadChanges", "DeadChangesAlarm"),
    remove("no alarm on what was not delivered", "dead-letters-raise-an-alarm", "Undelivered", "UndeliveredAlarm"),
    change(
        "an alarm on another queue",
        "dead-letters-raise-an-alarm",
        "DeadJobsAlarm",
        "Dimensions",
        0,
        "Value",
        to=att("Jobs", "QueueName"),
        found_at="DeadJobs",
    ),
    change(
        "an alarm on what is sent",
        "dead-letters-raise-an-alarm",
        "DeadJobsAlarm",
        "MetricName",
        to="NumberOfMessagesSent",
        found_at="DeadJobs",
    ),
    change(
        "a FIFO queue with standard dead letters", "dead-letters-are-of-the-same-kind", "Jobs", "FifoQueue", to=True
    ),
    change(
        "a standard queue with FIFO dead letters",
        "dead-letters-are-of-the-same-kind",
        "DeadJobs",
        "FifoQueue",
        to=True,
        found_at="Jobs",
    ),
    change(
        "FIFO dead letters of a rule",
        "dead-letters-are-of-the-same-kind",
        "Undelivered",
        "FifoQueue",
        to=True,
        found_at="Placed",
    ),
    change(
        "dead letters that let nobody in",
        "dead-letters-are-of-the-same-kind",
        "DeadJobs",
        "RedriveAllowPolicy",
        to={"redrivePermission": "denyAll"},
        found_at="Jobs",
    ),
    change("a large batch without a window", "queue-mapping-is-one-lambda-takes", "WorkMapping", "BatchSize", to=11),
    change(
        "concurrency of one",
        "queue-mapping-is-one-lambda-takes",
        "WorkMapping",
        "ScalingConfig",
        "MaximumConcurrency",
        to=1,
    ),
    together(
        change("a window for a FIFO queue", "queue-mapping-is-one-lambda-takes", "WorkMapping", WINDOW, to=5),
        change("for longer", "", "Jobs", "VisibilityTimeout", to=65),
        change("a FIFO queue", "", "Jobs", "FifoQueue", to=True),
        change("and its dead letters", "", "DeadJobs", "FifoQueue", to=True),
    ),
    change(
        "more concurrency than reserved",
        "mapping-fits-the-reserved-concurrency",
        "Work",
        "ReservedConcurrentExecutions",
        to=9,
    ),
    together(
        drop("stream retries without end", "stream-retries-end", "FollowMapping", "MaximumRetryAttempts"),
        drop("at any age", "", "FollowMapping", "MaximumRecordAgeInSeconds"),
    ),
    drop("failed records are dropped", "stream-keeps-failed-records", "FollowMapping", "DestinationConfig"),
    remove("failed events are dropped", "asynchronous-failures-are-kept", "Notify", "NotifyFailures"),
    change(
        "failures kept for another alias",
        "asynchronous-failures-are-kept",
        "NotifyFailures",
        "Qualifier",
        to="live",
        found_at="Notify",
    ),
    add(
        "an upload calls a function that keeps no failures",
        "asynchronous-failures-are-kept",
        "Review",
        UploadsPermission=permission(
            ref("Review"), "s3", "arn:aws:s3:::shop-uploads", SourceAccount=ref("AWS::AccountId")
        ),
        Uploads=made(
            "AWS::S3::Bucket",
            BucketName="shop-uploads",
            NotificationConfiguration={
                "LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": att("Review")}]
            },
        ),
    ),
    drop(
        "a rule that drops what it cannot deliver",
        "undelivered-events-are-kept",
        "Placed",
        "Targets",
        0,
        "DeadLetterConfig",
    ),
    drop(
        "a schedule that drops what it cannot deliver",
        "undelivered-events-are-kept",
        "Nightly",
        "Target",
        "DeadLetterConfig",
    ),
    drop("a topic that drops what it cannot deliver", "undelivered-events-are-kept", "NewsToNotify", "RedrivePolicy"),
    add(
        "a FIFO queue at a standard topic",
        "fifo-queue-takes-what-is-sent",
        "Ordered",
        ["delivery-is-let-in", "undelivered-events-are-kept"],
        Line=made("AWS::SQS::Queue", FifoQueue=True),
        Ordered=made("AWS::SNS::Subscription", TopicArn=ref("News"), Protocol="sqs", Endpoint=att("Line")),
    ),
    states("a task without retry", "tasks-are-tried-again", **without("Ship", "Retry")),
    states(
        "a task that retries nothing",
        "tasks-are-tried-again",
        Ship={**STATES["Ship"], "Retry": [{**RETRY[0], "MaxAttempts": 0}]},
    ),
    states("a task without catch", "task-failures-are-caught", **without("Ship", "Catch")),
    states("a task without timeout", "tasks-end-in-time", **without("Pay", "TimeoutSeconds")),
    states(
        "a task that gives up before its function",
        "tasks-outlast-their-functions",
        Ship={**STATES["Ship"], "TimeoutSeconds": 9},
    ),
    states(
        "a task in a map without retry",
        "tasks-are-tried-again",
        Ship={
            "Type": "Map",
            "End": True,
            "Catch": STATES["Ship"]["Catch"],
            "ItemProcessor": {"StartAt": "One", "States": {"One": {**task("Send", End=True), "Retry": []}}},
        },
    ),
]
