"""A state machine, whoever made it: who may start it."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from constructs_lib.wiring.existing import check_existing
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.variables import check_takes_variable, set_variable


class KnownWorkflow(Construct):
    """Stand for a state machine: `Workflow` for one of ours, `ExistingWorkflow` for any other.

    Attributes:
        state_machine: The L2.
        express: Whether its output can be waited for.
    """

    state_machine: sfn.IStateMachine
    express: bool

    @property
    def functions(self) -> Sequence[iam.IGrantable]:
        """Every function of this app that an execution may run."""
        return ()

    @property
    def state_machine_arn(self) -> str:
        """The ARN of the state machine."""
        return self.state_machine.state_machine_arn

    @checks_kinds()
    def grant_start(self, grantee: iam.IGrantable, *, env: str | None = None, sync: bool = False) -> iam.Grant:
        """Let somebody start executions: exactly `states:StartExecution` on this workflow.

        Args:
            grantee: A function, or anything else with a role.
            env: Also set this variable of the function to the ARN of the workflow.
            sync: Allow `states:StartSyncExecution` instead, which answers with the output; for express workflows.

        Raises:
            PropError: There is no function to set the variable on, or the workflow is a standard one and `sync` asked.
        """
        refusals = Refusals(self)
        check_takes_variable(grantee, env, refusals)
        if sync and not self.express:
            refusals.refuse(
                "sync=True asks for the output of a standard workflow, which Step Functions does not wait for",
                fix="make the workflow express=True, or start it and read its result later",
            )
        principal = grantee.grant_principal
        if env is not None and any(function.grant_principal is principal for function in self.functions):
            refusals.refuse(
                f"env={env!r} on a function of the workflow itself closes a cycle: each needs the other's ARN",
                fix='leave env out, and send the ARN in the payload: "{% $states.context.StateMachine.Id %}"',
            )
        refusals.stop_if_any()
        action = "states:StartSyncExecution" if sync else "states:StartExecution"
        granted = grant_exactly(self, grantee, [action], self.state_machine_arn)
        set_variable(grantee, env, self.state_machine_arn)
        return granted


class ExistingWorkflow(KnownWorkflow):
    """Stand for a state machine that was made elsewhere; see `Workflow.from_existing`.

    Args:
        state_machine: The L2.
        express: Whether it is an express one.

    Raises:
        PropError: It is in another account or region.
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        state_machine: sfn.IStateMachine,
        express: bool = False,
    ) -> None:
        super().__init__(scope, id)
        guard(self)
        check_existing("state_machine", state_machine, state_machine.state_machine_arn, self)
        self.state_machine = state_machine
        self.express = express
