"""Where messages go that nobody could handle: kept long enough for somebody to look, and to send them back."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.alarm_registry import Measured, alarms_of, stage_of
from constructs_lib.wiring.alarms import MINUTE, Thresholds, raise_alarm
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived, acknowledge, record_waiver

# The longest SQS keeps anything.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
RETENTION = cdk.Duration.days(14)
SAFEGUARD = "dead_letters_alarm"  # how the guards read that nobody wants to be told

LAST_STOP = (
    "this is a dead-letter queue: messages end here for somebody to look at, and a redrive policy of its own would "
    "move them on, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
)
NOT_OF_A_QUEUE = (
    "this is the dead-letter queue of a subscription, rule, schedule, stream or asynchronous function, not of a queue, "
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)


class DeadLetters(Construct):
    """Define a queue for what could not be delivered or handled: kept 14 days, encrypted, TLS only, with an alarm.

    The alarm goes off with the first message, and stays until the queue is empty; `Alerts` says whom it tells.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html

    Args:
        fifo: The dead letters of a FIFO queue must be FIFO.
        of_queue: Whether a queue moves its messages here by its redrive policy; otherwise a service delivers them.
        encryption_key: A key of your own. Default: that of the `Defaults`, or else a key that SQS manages.
        alarms: The argument of the construct they belong to, in which `dead_letters` is how many are too many.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        fifo: bool = False,
        of_queue: bool = False,
        encryption_key: kms.IKey | None = None,
        alarms: Mapping[str, object] | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        encryption_key = defaults_of(self).encryption_key if encryption_key is None else encryption_key
        self.queue = sqs.Queue(
            self,
            "Queue",
            fifo=True if fifo else None,
            retention_period=RETENTION,
            encryption=sqs.QueueEncryption.SQS_MANAGED if encryption_key is None else sqs.QueueEncryption.KMS,
            encryption_master_key=encryption_key,
            enforce_ssl=True,
        )
        acknowledge(self.queue, LAST_STOP, "Serverless-SQSRedrivePolicy")
        if not of_queue:
            acknowledge(self.queue, NOT_OF_A_QUEUE, "AwsSolutions-SQS3")
        self.alarm = self._raise_alarm(scope, alarms)

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue."""
        return self.queue.queue_arn

    @property
    def queue_url(self) -> str:
        """The URL of the queue."""
        return self.queue.queue_url

    def _waiting(self) -> cloudwatch.Metric:
        return self.queue.metric_approximate_number_of_messages_visible(period=MINUTE)

    def _raise_alarm(self, of: Construct, asked: Mapping[str, object] | Waived | None) -> cloudwatch.Alarm | None:
        shown = Measured(self, self.node.path, stage_of(self), "Dead letters", lambda: {"waiting": self._waiting()})
        alarms_of(self).measured.append(shown)
        settings = defaults_of(self)
        if not settings.alarms:
            record_waiver(self.queue, SAFEGUARD, Waived(settings.reason("alarms")))
            return None
        told: object = asked.get("dead_letters", 1) if isinstance(asked, Mapping) else (1 if asked is None else asked)
        if isinstance(told, Waived):
            record_waiver(self.queue, SAFEGUARD, told)
            return None
        refusals = Refusals(of)
        thresholds = Thresholds({"dead_letters": told}, {"dead_letters": 1})
        thresholds.check(refusals)
        refusals.stop_if_any()
        return raise_alarm(
            self,
            "NotEmpty",
            metric=self._waiting(),
            threshold=thresholds.of("dead_letters", self.queue) or 1,
            article="dead-letters",
            description=f"what {of.node.path} could not handle or deliver is in this queue",
        )
