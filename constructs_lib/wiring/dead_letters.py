"""Where messages go that nobody could handle: kept long enough for somebody to look, and to send them back."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.wiring.waiver import acknowledge

# The longest SQS keeps anything.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
RETENTION = cdk.Duration.days(14)
MINUTE = cdk.Duration.minutes(1)  # how often SQS reports, and as soon as an alarm can know

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

    The alarm goes off with the first message, and stays until the queue is empty. Whom it tells is yours to say:
    `dead_letters.alarm.add_alarm_action(...)`. CloudWatch bills each alarm by the month.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html

    Args:
        fifo: The dead letters of a FIFO queue must be FIFO.
        of_queue: Whether a queue moves its messages here by its redrive policy; otherwise a service delivers them.
        encryption_key: A key of your own. Default: a key that SQS manages.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        fifo: bool = False,
        of_queue: bool = False,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, id)
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
        self.alarm = cloudwatch.Alarm(
            self,
            "NotEmpty",
            metric=self.queue.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum"),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=0,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"Somebody has to look: what {scope.node.path} could not handle or get is in this queue",
        )

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue."""
        return self.queue.queue_arn

    @property
    def queue_url(self) -> str:
        """The URL of the queue."""
        return self.queue.queue_url
