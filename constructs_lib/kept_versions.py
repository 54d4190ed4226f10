"""Versions of functions that stay for a way back by hand, and the nightly clearing away of those before them.

The numbers, and why:

- 5 versions of each function: a way back over a week of deployments, and as much code as nobody notices in the 75 GB
  that an account has for it. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
- Once a day: a version that waits a day for its end costs nothing, save snapshots, which are paid for by the hour.

No handler and no custom resource does it: what fails here fails no deployment. docs/decisions/deploys.md
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.schedule import Schedule
from constructs_lib.secure_function import SecureFunction
from constructs_lib.wiring.app_stack import app_stack_of
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.waiver import acknowledge
from constructs_lib.workflow import Workflow
from constructs_lib.workflow_steps.control import each, on
from constructs_lib.workflow_steps.retries import Retry
from constructs_lib.workflow_steps.role_statements import flat
from constructs_lib.workflow_steps.step import Step
from constructs_lib.workflow_steps.tasks import call

LONGEST_TOLD = 40  # characters of a function's path in the name of a step, which has 80
MOST_KEPT = 40  # ListVersionsByFunction answers with 50 at a time, of which some must be left to be removed

# The numbers of a function's versions, oldest first, but the last so many; $LATEST is none.
OLD = """{%% (
  $numbers := $sort([$found.Versions[Version != '$LATEST'].$number(Version)]);
  [$map(
    $filter($numbers, function($number, $at) { $at < $count($numbers) - %d }),
    function($number) { $string($number) }
  )]
) %%}"""

TRANSIENT = [Retry("Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.SdkClientException")]

VERSIONS_REASON = (
    "the number of a version is known when it is published; the function itself is not among them, since its ARN has "
    "no qualifier, https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html"
)


_KEEPERS: WeakKeyDictionary[SecureFunction, str] = WeakKeyDictionary()  # the paths of who keeps which function's


class KeptVersions(Construct):
    """Keep the last versions of functions, and remove those before them every day.

    Without it the version before goes as soon as a deployment has succeeded. With it one command goes back, without a
    deployment, until the next one:

        aws lambda update-alias --function-name <name> --name live --function-version <number>

    What an alias is on is never removed: Lambda refuses it. A version that is kept costs nothing but its part of the
    account's 75 GB, unless the function has `snap_start`: then its snapshot is paid for as long as it is there.

    Args:
        of: The functions; each has `provisioned_concurrency`, `snap_start` or `canary`, and so versions.
        count: How many of each are kept, the current one among them, 2 to 40.

    Raises:
        PropError: A function has no versions, or is of another app stack, or another keeps its versions already; the
            number is out of bounds.

    Example:
        >>> quote = SecureFunction(stack, "Offer", entry="lambda_src/greeting/greet.ts", provisioned_concurrency=1)
        >>> _ = KeptVersions(stack, "Versions", of=[quote], count=3)
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        of: Sequence[SecureFunction],
        count: int = 5,
    ) -> None:
        super().__init__(scope, id)
        refusals = Refusals(self)
        if not 2 <= count <= MOST_KEPT or cdk.Token.is_unresolved(count):  # noqa: PLR2004 - one is what there is anyway
            refusals.refuse(f"count is {count}, wanted 2 to {MOST_KEPT}", fix="leave count out for 5")
        if not of:
            refusals.refuse("of is empty: there is nothing to keep", fix="name the functions: of=[charge]")
        for function in of:
            _check(function, self, refusals)
        refusals.stop_if_any()

        of = list(dict.fromkeys(of))
        _KEEPERS.update(dict.fromkeys(of, self.node.path))
        self.workflow = Workflow(
            self,
            "Removal",
            description=f"Removes all but the last {count} versions of each function.",
            steps=[step for number, function in enumerate(of) for step in _steps(function, number, count)],
        )
        stack = cdk.Stack.of(self)
        for policy in self.workflow.identity.base_policies:
            findings = [f"AwsSolutions-IAM5[Resource::{_shown(function, stack)}:*]" for function in of]
            acknowledge(policy, VERSIONS_REASON, *findings)
        self.schedule = Schedule(self, "Nightly", expression="rate(1 day)", target=self.workflow, input={})
        for function in of:
            function.function.current_version.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)


def _steps(function: SecureFunction, number: int, count: int) -> list[Step]:
    """List the versions of a function, and remove the old ones."""
    name, arn = function.function.function_name, function.function.function_arn
    told = f"{number + 1} {function.node.path[-LONGEST_TOLD:]}"
    found = f"found{number}"
    return [
        call(
            f"List versions: {told}",
            "aws-sdk:lambda:listVersionsByFunction",
            arguments={"FunctionName": name},
            allow=[iam.PolicyStatement(actions=["lambda:ListVersionsByFunction"], resources=[arn])],
            retry=TRANSIENT,
            result=found,
        ),
        each(
            f"Each old version: {told}",
            items=OLD.replace("$found", f"${found}") % count,
            do=[
                call(
                    f"Remove version: {told}",
                    "aws-sdk:lambda:deleteFunction",
                    arguments={"FunctionName": name, "Qualifier": "{% $states.input %}"},
                    allow=[iam.PolicyStatement(actions=["lambda:DeleteFunction"], resources=[f"{arn}:*"])],
                    retry=TRANSIENT,
                    # An alias is on it, or somebody was quicker.
                    catch=[on("Lambda.ResourceConflictException", "Lambda.ResourceNotFoundException")],
                )
            ],
        ),
    ]


def _shown(function: SecureFunction, stack: cdk.Stack) -> str:
    """The ARN of a function as cdk-nag finds it in a template: that of a nested function is an output of its stack."""
    own = cdk.Stack.of(function)
    if own is stack or own.nested_stack_resource is None:
        return flat(stack.resolve(function.function.function_arn))
    output = cdk.Names.node_unique_id(resource_of(function.function, lambda_.CfnFunction).node)
    return f"<{stack.resolve(own.nested_stack_resource.logical_id)}.Outputs.{output}Arn>"


def _check(function: SecureFunction, bearer: Construct, refusals: Refusals) -> None:
    if function.alias is None:
        refusals.refuse(
            f"{function.node.path} has no versions",
            fix="give it provisioned_concurrency, snap_start or canary, or leave it out",
        )
    elif app_stack_of(function).node.path != app_stack_of(bearer).node.path:
        refusals.refuse(
            f"{function.node.path} is in another stack", fix="make a KeptVersions beside it, one for each stack"
        )
    elif function in _KEEPERS:
        refusals.refuse(
            f"{_KEEPERS[function]} keeps versions of {function.node.path} already, and removes what this one keeps",
            fix="name each function in one KeptVersions alone",
        )
