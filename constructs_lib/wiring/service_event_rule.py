"""One rule of EventBridge, whoever's bus it is on: its single target, the right to reach it, and its dead letters.

24 hours and 185 tries for a delivery: EventBridge's own numbers, stated; then the event goes to the dead letters.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
"""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.wiring.dead_letters import DeadLetters
from constructs_lib.wiring.delivery import LONGEST_AGE, MOST_RETRIES
from constructs_lib.wiring.destination import HasQueue
from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.queue_access import admit_to_queue
from constructs_lib.wiring.receiver import HasFunction, Receiver, allow_invocation, arn_of

SERVICE = "events.amazonaws.com"


class ServiceEventRule(Construct):
    """Define a rule on the account's default bus, where AWS services report; made by `UploadBucket.on_upload`.

    The rule belongs to its target, so that the target's stack depends on that of the source and never the other way.

    Args:
        target: What gets the events.
        pattern: Which they are.
        message_group: The message group, for a FIFO queue.
        description: Shown in the console.
    """

    def __init__(
        self,
        target: Receiver,
        id: str,  # noqa: A002 - CDK's name
        *,
        pattern: Mapping[str, object],
        message_group: str | None,
        description: str,
    ) -> None:
        if not isinstance(target, Construct):  # pragma: no cover - what can be a target is a construct
            raise TypeError("a target outside the tree")
        super().__init__(target, id)
        # Every rule of the default bus, for what the rule itself refers to: its own ARN there would close a cycle.
        stack = cdk.Stack.of(self)
        any_rule = stack.format_arn(service="events", resource="rule", resource_name="*")
        self.dead_letters = DeadLetters(self, "Undelivered")
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
            event_pattern=dict(pattern),
            description=description,
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="Target",
                    arn=arn_of(target),
                    role_arn=None if self.identity is None else self.identity.role_arn,
                    sqs_parameters=None
                    if message_group is None
                    else events.CfnRule.SqsParametersProperty(message_group_id=message_group),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_retry_attempts=MOST_RETRIES, maximum_event_age_in_seconds=LONGEST_AGE.to_seconds()
                    ),
                )
            ],
        )
        if self.identity is not None:
            self.rule.node.add_dependency(self.identity)
        admit_to_queue(self.dead_letters.queue, SERVICE, self.rule_arn)
        if isinstance(target, HasQueue):
            admit_to_queue(target.queue, SERVICE, self.rule_arn, key_source=any_rule)
        elif isinstance(target, HasFunction):
            self.permission = allow_invocation(self, target, SERVICE, self.rule_arn)

    @property
    def rule_arn(self) -> str:
        """The ARN of the rule."""
        return self.rule.attr_arn
