"""One rule of EventBridge, whoever's bus it is on: its single target, the right to reach it, and its dead letters.

24 hours and 185 tries for a delivery: EventBridge's own numbers, stated; then the event goes to the dead letters.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.wiring.dead_letters import DeadLetters
from constructs_lib.wiring.delivery import LONGEST_AGE, MOST_RETRIES
from constructs_lib.wiring.delivery_alarms import AlarmsOfDelivery, DeliveryAlarms
from constructs_lib.wiring.destination import HasQueue
from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.json_values import as_json
from constructs_lib.wiring.queue_access import admit_to_queue
from constructs_lib.wiring.receiver import HasFunction, Receiver, allow_invocation, arn_of, key_of

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_

    from constructs_lib.wiring.waiver import Waived

SERVICE = "events.amazonaws.com"
LONGEST_DESCRIPTION = 512  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html


class EventRule(Construct):
    """Define one rule, its single target and its dead letters, for `EventBus.add_rule` and `UploadBucket.on_upload`.

    The rule belongs to its target, so that the target's stack depends on that of the source and never the other way.

    Args:
        target: What gets the events.
        bus: Where they come from. Default: the account's own bus, where AWS services report.
        pattern: Which they are.
        input_path: The part of the event to deliver. Default: all of it.
        message_group: The message group, for a FIFO queue.
        retry_attempts: How often a failed delivery is tried again.
        max_event_age: How long it is tried.
        description: Shown in the console.
        alarms: What raises an alarm, as `DeliveryAlarms` says.
    """

    def __init__(
        self,
        target: Receiver,
        id: str,  # noqa: A002 - CDK's name
        *,
        pattern: Mapping[str, object],
        bus: events.IEventBus | None = None,
        input_path: str | None = None,
        message_group: str | None = None,
        retry_attempts: int = MOST_RETRIES,
        max_event_age: cdk.Duration = LONGEST_AGE,
        description: str | None = None,
        alarms: DeliveryAlarms | Waived | None = None,
    ) -> None:
        if not isinstance(target, Construct):  # pragma: no cover - what can be a target is a construct
            raise TypeError("a target outside the tree")
        super().__init__(target, id)
        # Every rule of the bus, for what the rule itself refers to: its own ARN there would close a cycle.
        stack = cdk.Stack.of(self if bus is None else bus)
        any_rule = stack.format_arn(
            service="events", resource="rule", resource_name="*" if bus is None else f"{bus.event_bus_name}/*"
        )
        watched = AlarmsOfDelivery(alarms)
        self.dead_letters = DeadLetters(self, "Undelivered", encryption_key=key_of(target), alarms=alarms)
        key = self.dead_letters.queue.encryption_master_key
        self.permission: lambda_.CfnPermission | None = None
        self.identity: Identity | None = None
        if not isinstance(target, HasQueue | HasFunction):
            self.identity = Identity(
                self,
                "Identity",
                principal=iam.ServicePrincipal(SERVICE).with_conditions(
                    {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": any_rule}}
                ),
                base=[iam.PolicyStatement(actions=["states:StartExecution"], resources=[arn_of(target)])],
            )
        self.rule = events.CfnRule(
            self,
            "Rule",
            event_bus_name=None if bus is None else bus.event_bus_name,
            event_pattern=as_json(pattern),
            description=description,
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="Target",
                    arn=arn_of(target),
                    input_path=input_path,
                    role_arn=None if self.identity is None else self.identity.role_arn,
                    sqs_parameters=None
                    if message_group is None
                    else events.CfnRule.SqsParametersProperty(message_group_id=message_group),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_retry_attempts=retry_attempts,
                        maximum_event_age_in_seconds=max_event_age.to_seconds(),
                    ),
                )
            ],
        )
        if self.identity is not None:
            self.rule.node.add_dependency(self.identity)
        self.alarms: Sequence[cloudwatch.IAlarm] = watched.raise_for_rule(self, self.rule, bus)
        key_source = _key_source(key, bus, any_rule)
        admit_to_queue(self.dead_letters.queue, SERVICE, self.rule_arn, key_source=key_source)
        if isinstance(target, HasQueue):
            admit_to_queue(target.queue, SERVICE, self.rule_arn, key_source=key_source)
        elif isinstance(target, HasFunction):
            self.permission = allow_invocation(self, target, SERVICE, self.rule_arn)

    @property
    def rule_arn(self) -> str:
        """The ARN of the rule."""
        return self.rule.attr_arn


def _key_source(key: kms.IKey | None, bus: events.IEventBus | None, any_rule: str) -> str:
    """Whom the key of a queue admits: rules of this bus; any of the account where the key is in another stack.

    That stack would depend on the one of the bus, and often does the reverse already.
    """
    if bus is None or key is None or cdk.Stack.of(key).node.path == cdk.Stack.of(bus).node.path:
        return any_rule
    return cdk.Stack.of(bus).format_arn(service="events", resource="rule", resource_name="*")
