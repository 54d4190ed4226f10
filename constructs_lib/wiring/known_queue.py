"""A queue, whoever made it: who may send to it."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.wiring.existing import check_existing
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.queue_access import SEND, send_statements
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.variables import check_takes_variable, set_variable


class KnownQueue(Construct):
    """Stand for a queue: `QueueWorker` for one of ours and its function, `ExistingQueue` for any other.

    Attributes:
        queue: The L2.
    """

    queue: sqs.IQueue

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue."""
        return self.queue.queue_arn

    @property
    def queue_url(self) -> str:
        """The URL of the queue."""
        return self.queue.queue_url

    @checks_kinds()
    def grant_send(self, grantee: iam.IGrantable, *, env: str | None = None) -> iam.Grant:
        """Let somebody send messages, one by one or in batches: exactly `sqs:SendMessage` on the queue.

        Args:
            grantee: A function, or anything else with a role.
            env: Also set this variable of the function to the queue's URL.

        Raises:
            PropError: There is no function to set the variable on.
        """
        refusals = Refusals(self)
        check_takes_variable(grantee, env, refusals)
        refusals.stop_if_any()
        granted = grant_exactly(self, grantee, [SEND], self.queue_arn)
        for statement in send_statements(self, self.queue)[1:]:
            grantee.grant_principal.add_to_principal_policy(statement)
        set_variable(grantee, env, self.queue_url)
        return granted


class ExistingQueue(KnownQueue):
    """Stand for a queue that was made elsewhere; see `QueueWorker.from_existing`.

    Args:
        queue: The L2.

    Raises:
        PropError: It is in another account or region.
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        guard(self)
        check_existing("queue", queue, queue.queue_arn, self)
        self.queue = queue
