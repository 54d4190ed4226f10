"""One message, many receivers: each with its filter, and none of them losing what it could not take.

The numbers, and why:

- The key is the account's own, `aws/sns`: it costs no monthly fee, and every role of the account that may publish may
  use it. AWS services may not, since nobody can change its policy: a topic that alarms, buckets or rules publish to
  takes a key of its own. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
- 14 days for what could not be delivered: as for every dead letter. SNS itself tries a queue or function for 23 days.
  https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.delivery_alarms import AlarmsOfTopic, TopicAlarms
from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_topic import ExistingTopic, KnownTopic
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.topic_access import AWS_MANAGED_KEY, admit_to_topic
from constructs_lib.wiring.waiver import Waived


class Topic(KnownTopic):
    """Define a topic: encrypted, TLS only.

    Nobody may publish until you say so with `grant_publish`, and nobody receives before `subscribe`.

    Args:
        encryption_key: A key of your own; what AWS services publish to needs one. It also encrypts what a function did
            not get, and must admit SNS by itself if it was imported. Default: that of the `Defaults`, or else the
            account's `aws/sns`.
        alarms: Other thresholds than those of `TopicAlarms`, or `Waived(reason)` for none.

    Raises:
        PropError: The key is in another region.

    Example:
        >>> orders = Topic(stack, "Orders")
        >>> _ = orders.subscribe(worker, filter={"kind": ["placed"]})
        >>> _ = orders.grant_publish(greet, env="ORDERS_TOPIC")
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        encryption_key: kms.IKey | None = None,
        alarms: TopicAlarms | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        encryption_key = defaults_of(self).encryption_key if encryption_key is None else encryption_key
        refusals = Refusals(self)
        check_same_region("encryption_key", encryption_key, self, refusals)
        watched = AlarmsOfTopic(alarms)
        watched.check(refusals)
        refusals.stop_if_any()
        self.topic: sns.Topic = sns.Topic(self, "Topic", enforce_ssl=True, master_key=encryption_key)
        if encryption_key is None:
            resource_of(self.topic, sns.CfnTopic).kms_master_key_id = AWS_MANAGED_KEY
        self.alarms: Sequence[cloudwatch.IAlarm] = watched.raise_for(self, self.topic)

    @classmethod
    def from_existing(
        cls,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        topic: sns.ITopic,
    ) -> ExistingTopic:
        """Stand for a topic that was made elsewhere, to grant on it and subscribe to it as to one of this library.

        Args:
            scope: The stack, or a construct in it.
            id: Its id there.
            topic: The L2: `Topic.from_topic_arn(...)`, or `from_topic_attributes`, which also takes its key.

        Raises:
            PropError: It is in another account or region.
        """
        return ExistingTopic(scope, id, topic=topic)

    @checks_kinds()
    def admit_service(self, service: str, *, source_arn: str) -> None:
        """Let an AWS service publish, for one source alone: an alarm, a bucket, a rule.

        Args:
            service: `cloudwatch.amazonaws.com`, and so on.
            source_arn: The ARN of what it publishes for.

        Raises:
            PropError: The topic has no key of its own: the service's messages would be dropped in silence.
        """
        refusals = Refusals(self)
        if not cdk.Token.is_unresolved(service) and ".amazonaws.com" not in service:
            refusals.refuse(
                f"service is {service!r}, wanted the principal of a service",
                fix=f'write "{service or "cloudwatch"}.amazonaws.com"',
            )
        if not cdk.Token.is_unresolved(source_arn) and not source_arn.startswith("arn:"):
            refusals.refuse(f"source_arn is {source_arn!r}, which is no ARN", fix="pass the ARN: alarm.alarm_arn")
        if self.topic.master_key is None:
            refusals.refuse(
                f"{service} may not use the key aws/sns, whose policy AWS keeps: its messages would be dropped",
                fix="give the topic a key: encryption_key=kms.Key(..., enable_key_rotation=True)",
            )
        refusals.stop_if_any()
        admit_to_topic(self.topic, service, source_arn)
