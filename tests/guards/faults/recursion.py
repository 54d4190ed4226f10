"""Faults that close a circle: somebody is run by what it writes, at once or by way of others."""

from __future__ import annotations

import json
from typing import Any

from tests.guards.faults.fault import Fault, add, change, drop, let, together
from tests.guards.faults.fault import grant as granted
from tests.guards.faults.hardened import PHOTOS
from tests.guards.faults.parts import Template, allowed, att, failures_of, made, permission, ref, sub

RULE = "recursion"
STAR = ("resources-are-named", "actions-are-named")
NOTIFIED = ("NotificationConfiguration", "LambdaConfigurations", 0)
RAW = {"S3Key": {"Rules": [{"Name": "prefix", "Value": "raw/"}]}}


def may(name: str, who: str, statement: Template, *, found_at: str = "", also: tuple[str, ...] = ()) -> Fault:
    """A function or workflow may do one thing more, which runs it again."""
    one = granted(name, RULE, who, statement, also=also)
    return Fault(name, RULE, found_at or who, one.make, also)


def writes(name: str, keys: str, *others: Fault, also: tuple[str, ...] = ()) -> Fault:
    """Thumbnails go elsewhere in the bucket."""
    way = ("Policies", 0, "PolicyDocument", "Statement", 3, "Resource")
    first = change(name, RULE, "ResizeRole", *way, to=sub(f"{PHOTOS}/{keys}"), found_at="Resize", also=also)
    return together(first, *others)


def here(service: str, name: str) -> Template:
    """The ARN of what is in the same account and region."""
    return sub(f"arn:aws:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{name}")


def narrowed(kind: str, value: str) -> Fault:
    rules = [{"Name": kind, "Value": value}]
    return change("", "", "Photos", *NOTIFIED, "Filter", "S3Key", "Rules", to=rules)


def runs(name: str, **more: Any) -> Template:
    """A rule on a bus that calls a function, and keeps what it cannot deliver."""
    target = {"Arn": att(name), "DeadLetterConfig": {"Arn": att("Undelivered")}, "Id": name}
    return made("AWS::Events::Rule", Targets=[target], **more)


def lets_undelivered(source: Any) -> Fault:
    statement = allowed("sqs:SendMessage", att("Undelivered"))
    statement |= {
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    return let("", "", "UndeliveredPolicy", statement)


FAULTS = [
    writes("thumbnails beside the pictures", "incoming/*"),
    writes("thumbnails anywhere in the bucket", "*"),
    drop("an upload without a prefix", RULE, "Photos", *NOTIFIED, "Filter", found_at="Resize"),
    writes("thumbnails below the pictures", "incoming/thumbnails/*"),
    together(
        drop("an upload by its suffix alone", RULE, "Photos", *NOTIFIED, "Filter", found_at="Resize"),
        change("", "", "Photos", *NOTIFIED, "Filter", to={"S3Key": {"Rules": [{"Name": "suffix", "Value": ".jpg"}]}}),
    ),
    together(
        change(
            "uploads by way of EventBridge",
            RULE,
            "Photos",
            "NotificationConfiguration",
            to={"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
            found_at="Resize",
        ),
        add(
            "",
            "",
            None,
            Uploaded=runs(
                "Resize",
                EventPattern={
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {"bucket": {"name": ["shop-photos"]}},
                },
            ),
        ),
        change("", "", "ResizePermission", "Principal", to="events.amazonaws.com"),
        change("", "", "ResizePermission", "SourceArn", to=att("Uploaded")),
        lets_undelivered(att("Uploaded")),
    ),
    together(
        may("uploads by way of a queue", "Work", allowed("s3:PutObject", sub(f"{PHOTOS}/raw/*"))),
        change(
            "",
            "",
            "Photos",
            "NotificationConfiguration",
            "QueueConfigurations",
            to=[{"Event": "s3:ObjectCreated:*", "Filter": RAW, "Queue": att("Jobs")}],
        ),
        let(
            "",
            "",
            "JobsPolicy",
            {
                **allowed("sqs:SendMessage", att("Jobs")),
                "Principal": {"Service": "s3.amazonaws.com"},
                "Condition": {"ArnLike": {"aws:SourceArn": sub(PHOTOS)}},
            },
        ),
    ),
    together(
        may("uploads by way of a topic", "Notify", allowed("s3:PutObject", sub(f"{PHOTOS}/raw/*"))),
        change(
            "",
            "",
            "Photos",
            "NotificationConfiguration",
            "TopicConfigurations",
            to=[{"Event": "s3:ObjectCreated:Put", "Filter": RAW, "Topic": ref("News")}],
        ),
        add(
            "",
            "",
            None,
            NewsPolicy=made(
                "AWS::SNS::TopicPolicy",
                Topics=[ref("News")],
                PolicyDocument={
                    "Statement": [
                        {
                            **allowed("sns:Publish", ref("News")),
                            "Principal": {"Service": "s3.amazonaws.com"},
                            "Condition": {"ArnLike": {"aws:SourceArn": sub(PHOTOS)}},
                        }
                    ]
                },
            ),
        ),
    ),
    may("a worker that sends to its own queue", "Work", allowed("sqs:SendMessage", att("Jobs"))),
    may(
        "a worker that sends to any queue of its name",
        "Work",
        allowed("sqs:SendMessage", here("sqs", "*")),
        also=STAR,
    ),
    together(
        may("two workers that send to each other", "Follow", allowed("sqs:SendMessage", att("Jobs"))),
        granted("", "", "Work", allowed("dynamodb:PutItem", att("Orders"))),
    ),
    may("a function that writes the table it follows", "Follow", allowed("dynamodb:UpdateItem", att("Orders"))),
    together(
        may("a filter that lets through what is written", "Follow", allowed("dynamodb:UpdateItem", att("Orders"))),
        change(
            "",
            "",
            "FollowMapping",
            "FilterCriteria",
            to={"Filters": [{"Pattern": json.dumps({"eventName": ["MODIFY"]})}]},
        ),
    ),
    may("a function that puts into the stream it reads", "Count", allowed("kinesis:PutRecord", att("Clicks"))),
    may("a subscriber that publishes to its topic", "Notify", allowed("sns:Publish", ref("News"))),
    may("a target that puts events on its bus", "Notify", allowed("events:PutEvents", att("Bus"))),
    together(
        may(
            "a rule on the default bus",
            "Send",
            allowed("events:PutEvents", here("events", "event-bus/default")),
        ),
        add(
            "",
            "",
            None,
            Sent=runs("Send", EventPattern={"source": ["shop.mail"]}),
            SentPermission=permission(ref("Send"), "events", att("Sent")),
            SendFailures=failures_of("Send", "DeadEvents"),
        ),
        granted("", "", "Send", allowed("sqs:SendMessage", att("DeadEvents"))),
        lets_undelivered(att("Sent")),
    ),
    may("everything on every bucket", "Resize", allowed("s3:*", "*"), also=STAR),
    change(
        "full access to buckets",
        RULE,
        "ResizeRole",
        "ManagedPolicyArns",
        found_at="Resize",
        to=["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
        also=("policies-are-ones-own",),
    ),
]
