"""Gaps of the base in topics, rules and schedules; see `test_gaps`."""

from __future__ import annotations

import json
import uuid
from typing import Any

from botocore.exceptions import ClientError

from tests.local.runtime.deployed import App


def client_of_user(app: App, service: str, *statements: dict[str, Any]) -> Any:
    """A client with the rights of a user who may do this and nothing else."""
    iam, name = app.aws.client("iam"), f"user-{uuid.uuid4()}"
    iam.create_user(UserName=name)
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="grants", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return app.aws.client(service, key["AccessKeyId"], key["SecretAccessKey"])


def denial(call: Any, **arguments: Any) -> str:
    """What the call is denied with; empty when it is not."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error)
    return ""


class TestTopicDefaultPolicy:
    def test_lets_nobody_publish_who_has_no_grant(self, stock: App, mended: App) -> None:
        def publish(app: App) -> str:
            template = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"T": {"Value": {"Ref": "T"}}}}
            topic = app.aws.deploy("Topic", template)["T"]
            return denial(client_of_user(app, "sns").publish, TopicArn=topic, Message="hi")

        assert publish(stock) == ""
        assert "no identity-based policy allows the sns:Publish action" in publish(mended)


class TestEventConditions:
    def test_lets_put_the_events_of_a_source_that_is_granted(self, stock: App, mended: App) -> None:
        def denials(app: App) -> list[bool]:
            bus = app.aws.client("events").create_event_bus(Name=f"bus-{uuid.uuid4()}")["EventBusArn"]
            condition = {"ForAllValues:StringEquals": {"events:source": ["orders", "returns"]}}
            also = {"StringEquals": {"events:detail-type": "placed"}}
            statement = {
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": bus,
                "Condition": condition | also,
            }
            events = client_of_user(app, "events", statement)

            def is_denied(*sources: str, kind: str = "placed") -> bool:
                entries = [
                    {"EventBusName": bus, "Source": each, "DetailType": kind, "Detail": "{}"} for each in sources
                ]
                return bool(denial(events.put_events, Entries=entries))

            return [
                is_denied("orders"),
                is_denied("orders", "returns"),
                is_denied("payments"),
                is_denied("orders", "payments"),
                is_denied("orders", kind="cancelled"),
            ]

        assert denials(stock) == [True, True, True, True, True]
        assert denials(mended) == [False, False, True, True, True]
