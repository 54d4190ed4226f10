"""Asynchronous calls of a function: how often and how long they are tried, and who keeps what failed.

Lambda answers an asynchronous caller before the function has run, so nobody else ever hears of a failure.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.dead_letters import DeadLetters
from constructs_lib.wiring.destination import FailureDestination, check_destination, destination_of
from constructs_lib.wiring.durations import check_duration
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.waiver import Waived, acknowledge, record_waiver

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.wiring.function_alarms import AlarmsOfFunction
    from constructs_lib.wiring.identity import Identity
    from constructs_lib.wiring.refusals import Refusals

# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
MOST_RETRIES = 2
EVENT_AGE_SECONDS = range(60, 6 * 3600 + 1)

DESTINATION_KEEPS = (
    "failed asynchronous events go to the on-failure destination, which gets the event, the error and the context "
    "where a dead-letter queue gets the event alone, "
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)
QUEUE_KEEPS = (
    "the function is hardened, and has a dead-letter queue: a destination beside it would keep every failure twice, "
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)


@dataclass(frozen=True, slots=True)
class AsynchronousCalls:
    """What a function says about its asynchronous calls; see `SecureFunction` for meaning and defaults."""

    on_failure: FailureDestination | Waived | None
    retry_attempts: int | None
    max_event_age: cdk.Duration | None

    @property
    def are_stated(self) -> bool:
        """Whether the function says anything at all."""
        return (self.on_failure, self.retry_attempts, self.max_event_age) != (None, None, None)

    def check(self, bearer: Construct, refusals: Refusals) -> None:
        """Note what Lambda would not take."""
        if self.on_failure is not None and not isinstance(self.on_failure, Waived):
            check_destination("on_failure", self.on_failure, bearer, refusals)
        retries = self.retry_attempts
        if retries is not None and not cdk.Token.is_unresolved(retries) and not 0 <= retries <= MOST_RETRIES:
            refusals.refuse(
                f"retry_attempts is {retries}, wanted 0 to {MOST_RETRIES}",
                fix="put a QueueWorker in front of the function to try more often",
            )
        check_duration(
            "max_event_age",
            self.max_event_age,
            EVENT_AGE_SECONDS,
            refusals,
            wanted="is not one Lambda takes (60 s to 6 h)",
            fix="leave max_event_age out for 6 hours, or stay within these bounds",
        )

    def always_kept(self, bearer: Construct, watched: AlarmsOfFunction) -> DeadLetters | None:
        """The queue a hardened function has from the start, whoever calls it; none where it has a place of its own."""
        if self.on_failure is None and defaults_of(bearer).hardened:
            return DeadLetters(bearer, "FailedEvents", alarms=watched.asked)
        return None

    def configure(
        self,
        bearer: Construct,
        function: lambda_.Function,
        alias: lambda_.Alias | None,
        identity: Identity,
        watched: AlarmsOfFunction,
    ) -> lambda_.CfnEventInvokeConfig:
        """Define the configuration of what is called, and a queue for failures unless there is a place for them."""
        config = lambda_.CfnEventInvokeConfig(
            bearer,
            "AsynchronousCalls",
            function_name=function.function_name,
            qualifier="$LATEST" if alias is None else alias.alias_name,
            maximum_retry_attempts=MOST_RETRIES if self.retry_attempts is None else self.retry_attempts,
            maximum_event_age_in_seconds=EVENT_AGE_SECONDS.stop - 1
            if self.max_event_age is None
            else self.max_event_age.to_seconds(),
        )
        if alias is not None:
            config.node.add_dependency(resource_of(alias, lambda_.CfnAlias))  # and on none of its triggers
        if isinstance(self.on_failure, Waived):
            record_waiver(function, "on_failure", self.on_failure, "Serverless-LambdaDLQ")
            acknowledge(config, self.on_failure.reason, "Serverless-LambdaAsyncFailureDestination")
            return config
        if resource_of(function, lambda_.CfnFunction).dead_letter_config is not None:
            watched.raise_for_lost_events(by="DeadLetterErrors")
            acknowledge(config, QUEUE_KEEPS, "Serverless-LambdaAsyncFailureDestination")
            return config
        watched.raise_for_lost_events()
        kept_in = (
            DeadLetters(bearer, "FailedEvents", alarms=watched.asked) if self.on_failure is None else self.on_failure
        )
        destination = destination_of(bearer, kept_in)
        config.destination_config = lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
            on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=destination.arn)
        )
        for statement in destination.statements:
            identity.add_to_principal_policy(statement)
        if identity.grants_policy is not None:
            # Lambda tries the permission when the destination is set.
            config.node.add_dependency(identity.grants_policy)
        acknowledge(function, DESTINATION_KEEPS, "Serverless-LambdaDLQ")
        return config
