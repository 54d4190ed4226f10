"""A state machine that reads like a recipe, and takes back what it did when it fails.

The numbers, and why:

- Every event is logged, and no data: what happened and how long it took is what a night needs, names and card numbers
  are not, and a standard workflow keeps its data 90 days by itself, for those who may read executions.
  https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
- One month of logs: as for functions.
- A timeout on every step, since Step Functions itself would wait a year: a function's own and 15 seconds, 30 seconds
  for everything else. https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
- Transient errors are retried, see `Retry`; everything else fails at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Literal

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from constructs_lib.secure_function import SecureFunction
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_workflow import ExistingWorkflow, KnownWorkflow
from constructs_lib.wiring.log_groups import log_group
from constructs_lib.wiring.policy_size import packed
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.waiver import Waived, acknowledge, check_safeguards, record_waiver
from constructs_lib.wiring.workflow_alarms import AlarmsOfWorkflow, WorkflowAlarms
from constructs_lib.workflow_steps.recipe_check import check_recipe
from constructs_lib.workflow_steps.role_statements import (
    EXECUTIONS_REASON,
    NO_RESOURCE_LEVEL,
    distributed_statements,
    execution_findings,
    log_statement,
    task_statements,
    trace_statement,
)
from constructs_lib.workflow_steps.states import build
from constructs_lib.workflow_steps.step import Step, Task, all_steps
from constructs_lib.workflow_steps.target_place import check_places

# Names of log groups have 512 characters at most; stacks' 128.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
LONGEST_PLACE = 300
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
LARGEST_DEFINITION = 1_048_576
SERVICE = "states.amazonaws.com"
ANY_RESOURCE = "*"
FINDING = "AwsSolutions-IAM5[Resource::*]"
TRACING_FINDINGS = ("AwsSolutions-SF2", "Serverless-StepFunctionStateMachineXray")

UNDONE_BY_RECIPE = "the recipe says what is caught and undone (catch=, undo=); the rest leaves nothing to take back"

WORKFLOW_SEES_FAILURE = (
    "Step Functions invokes this function synchronously: what fails is retried, caught or undone by the workflow, and "
    "stands in its history, https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html"
)


@jsii.implements(iam.IGrantable)
class Workflow(KnownWorkflow):
    """Define one state machine, its role, its policies and its log group.

    The steps run in the order they are written. The input of the workflow is the input of every step, and what a step
    answered has the name that its `result` gives it: `{% $states.input.id %}`, `{% $payment.amount %}`. Expressions are
    JSONata, and a variable that no step before sets is refused.

    However the workflow fails, by an error nobody catches or by `fail`, every step that was completed and has `undo` is
    undone, latest first, and the execution fails with the error that caused it. The step that failed is not undone: it
    says itself that it did nothing, so let it be idempotent. What undoes is tried eleven times, on any error; what is
    then left is named in the cause, and the rest is still undone. Nothing is undone when an execution is stopped by
    hand, or when data outgrows Step Functions' 256 KiB.

    The role may do exactly what the steps do: invoke these functions, put items into this table. X-Ray is active.

    Args:
        steps: The recipe, made of `step`, `choice`, `parallel`, `each`, `wait`, `succeed`, `fail`, `put_item`,
            `get_item`, `update_item`, `delete_item`, `send`, `publish`, `put_event`, `run`, `start` and `call`.
        express: Run at most five minutes, perhaps more than once, for a fraction of the price, and answer synchronously
            where asked; without waiting for others and without `undo`.
        description: Stands in the definition, and in the console.
        log_data: Also log the input and output of every step.
        log_retention: How long logs are kept. Default: what the `Defaults` say, or else one month.
        tracing: `Waived(reason)` turns X-Ray off.
        alarms: Other thresholds than those of `WorkflowAlarms`, or `Waived(reason)` for one or all of them.

    Raises:
        PropError: A step is never reached, leads nowhere, or has the name of another; an expression cannot be read, or
            reads what is not there; something waits without a timeout, is of another type, or more than Step Functions
            takes; an express workflow is asked for what only standard ones can.

    Example:
        >>> fulfil = Workflow(
        ...     stack,
        ...     "Fulfil",
        ...     steps=[
        ...         step("Charge", greet, undo=greet, result="payment"),
        ...         choice(
        ...             "In stock?",
        ...             when("{% $states.input.stock > 0 %}", then=[send("Tell the warehouse", queue)]),
        ...             otherwise=[fail("Out of stock", error="OutOfStock", cause="nothing left")],
        ...         ),
        ...     ],
        ... )
    """

    @checks_kinds(except_for=("steps",))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        steps: Sequence[Step],
        express: bool = False,
        description: str | None = None,
        log_data: bool = False,
        log_retention: logs.RetentionDays | None = None,
        tracing: Literal[True] | Waived = True,
        alarms: WorkflowAlarms | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        refusals = Refusals(self)
        check_safeguards({"tracing": tracing}, refusals)
        watched = AlarmsOfWorkflow(alarms, express=express)
        watched.check(refusals)
        definition = self._definition(steps, description, refusals, express=express)

        self.express = express
        self._tasks = [each for each in all_steps(steps) if isinstance(each, Task)]
        stack = cdk.Stack.of(self)
        self.log_group = log_group(
            self,
            "Logs",
            # Only under this prefix does a log group not lengthen the account's one resource policy for logs, which has
            # an end. https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
            name=f"/aws/vendedlogs/states/{stack.stack_name}/{self._place(stack)}",
            retention=log_retention,
        )
        allowed = task_statements(self, steps)
        base = [log_statement(), *([trace_statement()] if tracing is True else [])]
        base += [each for each in allowed if ANY_RESOURCE not in each.resources]
        self.identity = Identity(
            self,
            "Identity",
            principal=iam.ServicePrincipal(SERVICE, conditions={"StringEquals": {"aws:SourceAccount": stack.account}}),
            base=base,
            # A wildcard that a user wrote is not acknowledged together with that of the logs.
            apart=[each for each in allowed if ANY_RESOURCE in each.resources],
        )
        acknowledge(self.identity.base_policy, NO_RESOURCE_LEVEL, FINDING)
        for policy, statements in zip(self.identity.base_policies, packed(base), strict=False):
            acknowledge(policy, EXECUTIONS_REASON, *execution_findings(self, statements))
        self.state_machine: sfn.StateMachine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_string(definition),
            state_machine_type=sfn.StateMachineType.EXPRESS if express else sfn.StateMachineType.STANDARD,
            role=self.identity,
        )
        # CDK's own switches would add their permissions to the role a second time.
        cfn = resource_of(self.state_machine, sfn.CfnStateMachine)
        cfn.logging_configuration = sfn.CfnStateMachine.LoggingConfigurationProperty(
            level="ALL",
            include_execution_data=log_data,
            destinations=[
                sfn.CfnStateMachine.LogDestinationProperty(
                    cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                        log_group_arn=self.log_group.log_group_arn
                    )
                )
            ],
        )
        if tracing is True:
            cfn.tracing_configuration = sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True)
        else:
            record_waiver(self.state_machine, "tracing", tracing, *TRACING_FINDINGS)
        record_waiver(self.state_machine, "catch", Waived(UNDONE_BY_RECIPE))
        for each in all_steps(steps):
            if isinstance(each, Task) and isinstance(each.retry, Waived):
                record_waiver(self.state_machine, f"retry: {each.name}", each.retry)
        self.alarms: Sequence[cloudwatch.IAlarm] = watched.raise_for(self, self.state_machine)
        self._allow_distribution(steps)
        self._acknowledge_called_functions()

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The workflow's role, which is what grants are given to."""
        return self.identity

    @classmethod
    def from_existing(
        cls,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        state_machine: sfn.IStateMachine,
        *,
        express: bool = False,
    ) -> ExistingWorkflow:
        """Stand for a state machine that was made elsewhere, to let functions of this app start it.

        Args:
            scope: The stack, or a construct in it.
            id: Its id there.
            state_machine: The L2: `StateMachine.from_state_machine_arn(...)`.
            express: Whether it is an express one, whose output can be waited for.

        Raises:
            PropError: It is in another account or region.
        """
        return ExistingWorkflow(scope, id, state_machine=state_machine, express=express)

    @property
    def functions(self) -> tuple[SecureFunction, ...]:
        """Every function that an execution may run, each once: of all steps, of what undoes them, of workflows inside.

        Workflows inside are those that `run` and `start` name, and those inside of them. A version or an alias stands
        for its function. Not here is what `call` reaches, and what runs because of a message, an event or an item.
        """
        found = dict(self._own_functions)
        for task in self._tasks:
            inner = _workflow_of(task.workflow)
            if inner is not None:
                found |= {each.node.path: each for each in inner.functions}
        return tuple(found.values())

    @property
    def _own_functions(self) -> dict[str, SecureFunction]:
        """What the steps themselves call, by place."""
        called = [_function_of(each.function) for each in self._tasks]
        return {each.node.path: each for each in called if each is not None}

    def _definition(self, steps: Sequence[Step], description: str | None, refusals: Refusals, *, express: bool) -> str:
        """The definition as JSON, or everything wrong with the recipe."""
        try:
            check_recipe(steps, express=express, refusals=refusals)
            refusals.stop_if_any()
            check_places(self, steps, refusals)
            refusals.stop_if_any()
            definition = build(steps, comment=description, refusals=refusals)
            length = len(json.dumps(definition, ensure_ascii=False, separators=(",", ":"), default=str).encode())
            text = str(cdk.Stack.of(self).to_json_string(definition))
        except UnicodeEncodeError as error:
            around = str(error.object)[max(0, error.start - 30) : error.end]
            refusals.refuse(f"a text holds half a character: {around!r}", fix="write text that can be encoded as UTF-8")
            raise refusals.error() from None
        except RecursionError:
            refusals.refuse(
                "steps or values are nested too deeply to be written",
                fix="let an inner part be a workflow of its own: run(...)",
            )
            raise refusals.error() from None
        if length > LARGEST_DEFINITION:
            refusals.refuse(
                f"the definition has {length} bytes, wanted {LARGEST_DEFINITION} at most",
                fix="leave large values in a bucket or a table, or let parts be workflows of their own: run(...)",
            )
        refusals.stop_if_any()
        return text

    def _acknowledge_called_functions(self) -> None:
        for function in self._own_functions.values():
            acknowledge(function.function, WORKFLOW_SEES_FAILURE, "Serverless-LambdaDLQ")

    @checks_kinds()
    def grant_callback(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody end the steps that wait for their task token, and say that it is still at work.

        Args:
            grantee: A function, or anything else with a role.

        Raises:
            PropError: No step waits for a token.
        """
        refusals = Refusals(self)
        if not any(task.waits_for_token for task in self._tasks):
            refusals.refuse("no step waits for a task token", fix="add callback=True to the one that should")
        refusals.stop_if_any()
        actions = ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"]
        return grant_exactly(self, grantee, actions, self.state_machine_arn)

    def _place(self, stack: cdk.Stack) -> str:
        """The construct's place in its stack, of what may stand in the name of a log group; no other has the same."""
        place = self.node.path.removeprefix(f"{stack.node.path}/")
        plain = re.sub(r"[^A-Za-z0-9_.-]", "-", place)[:LONGEST_PLACE]
        # What had to be changed is told apart by what it was: Pay-Out, Pay/Out.
        return plain if plain == place else f"{plain}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"

    def _allow_distribution(self, steps: Sequence[Step]) -> None:
        """Distributed steps start executions of the workflow itself, so these statements must come after it."""
        statements = distributed_statements(self, self.state_machine, steps)
        for statement in statements:
            self.identity.add_to_principal_policy(statement)
        if self.identity.grants_policy is not None:
            acknowledge(self.identity.grants_policy, EXECUTIONS_REASON, *execution_findings(self, statements))


def _function_of(called: object) -> SecureFunction | None:
    """The function of this library that a step calls, whether it was given itself, its L2, a version or an alias."""
    inner = called.lambda_ if isinstance(called, lambda_.Version | lambda_.Alias) else called
    bearer = inner.node.scope if isinstance(inner, lambda_.Function) else inner
    return bearer if isinstance(bearer, SecureFunction) else None


def _workflow_of(started: object) -> Workflow | None:
    """The workflow of this library that a step starts, whether it was given itself or something around its L2."""
    machine = getattr(started, "state_machine", None)
    bearer = machine.node.scope if isinstance(machine, sfn.StateMachine) else None
    return bearer if isinstance(bearer, Workflow) else None
