"""Which errors are worth another try, and when.

The numbers, and why:

- 5 retries, after 2, 4, 8, 16 and 30 seconds at most: a throttle or an outage of a minute passes unseen. Jitter spreads
  each wait between nothing and that, so that a thousand executions that failed together do not return together.
- 10 retries for what undoes, waiting a minute at most, on *every* error: a refund that is given up is somebody's money.
"""

from __future__ import annotations

from collections.abc import Mapping

ANY_ERROR = "States.ALL"

# The lists AWS documents, by the name each service has in its errors.
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
TRANSIENT_ERRORS: Mapping[str, tuple[str, ...]] = {
    "Lambda": (
        "Lambda.AWSLambdaException",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.SdkClientException",
        "Lambda.ServiceException",
        "Lambda.TooManyRequestsException",
    ),
    "DynamoDB": (
        "DynamoDB.InternalServerErrorException",
        "DynamoDB.ProvisionedThroughputExceededException",
        "DynamoDB.RequestLimitExceededException",
        "DynamoDB.SdkClientException",
        "DynamoDB.ThrottlingException",
    ),
    "SQS": ("SQS.RequestThrottledException", "SQS.SdkClientException"),
    "SNS": ("SNS.InternalErrorException", "SNS.SdkClientException", "SNS.ThrottledException"),
    "EventBridge": ("EventBridge.InternalException", "EventBridge.SdkClientException"),
    "StepFunctions": ("StepFunctions.SdkClientException", "StepFunctions.ThrottlingException"),
}


class Retry:
    """Try a step again on these errors.

    Args:
        errors: Names of errors: what a function throws, by its class name, or `Lambda.Unknown`, `States.Timeout`.
        retries: How often, after the first try.
        first_wait_seconds: The longest wait before the first retry; each is drawn between nothing and its longest.
        backoff: By how much the longest wait grows from one retry to the next.
        longest_wait_seconds: Where it stops growing.

    Example:
        >>> charge = step("Charge", greet, retry=[Retry("CardNetworkBusy", retries=2)])
    """

    def __init__(
        self,
        *errors: str,
        retries: int = 3,
        first_wait_seconds: int = 2,
        backoff: float = 2,
        longest_wait_seconds: int = 60,
    ) -> None:
        self.errors = errors
        self.retries = retries
        self.first_wait_seconds = first_wait_seconds
        self.backoff = backoff
        self.longest_wait_seconds = longest_wait_seconds

    def retrier(self) -> dict[str, object]:
        """What Step Functions calls a retrier."""
        return {
            "ErrorEquals": list(self.errors),
            "IntervalSeconds": self.first_wait_seconds,
            "MaxAttempts": self.retries,
            "BackoffRate": self.backoff,
            "MaxDelaySeconds": self.longest_wait_seconds,
            "JitterStrategy": "FULL",
        }


HARD = Retry(ANY_ERROR, retries=10, first_wait_seconds=2, longest_wait_seconds=60)


def transient(service: str) -> list[Retry]:
    """The retry every step has: on errors of the service that pass by themselves, and on nothing else."""
    errors = TRANSIENT_ERRORS.get(service, ())
    return [Retry(*errors, retries=5, longest_wait_seconds=30)] if errors else []
