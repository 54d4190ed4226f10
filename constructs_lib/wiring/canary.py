"""A new version gets a part of the calls first, and all of them when nothing went wrong.

The numbers, and why:

- A tenth of the calls for five minutes: CodeDeploy's own shortest canary. With fewer than a few hundred calls in these
  five minutes no alarm can tell a bad version; take longer then, or let a hook call it.
  https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
- Two days at most between the first and the last call: CodeDeploy's limit.
  https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.kinds import check_fields
from constructs_lib.wiring.provisioned import is_encoded
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import acknowledge

PERCENT = range(1, 99 + 1)
MOST_MINUTES = 2880  # from the first shift of traffic to the last
MOST_ALARMS = 10 - 3  # less those of the function
# Without this flag CodeDeploy keeps alarms that are there no more.
REMOVES_ALARMS = "@aws-cdk/aws-codedeploy:removeAlarmsFromDeploymentGroup"
NEW_VERSION = "NEW_VERSION"  # the variable in which a hook finds the ARN of the version that it tests
DEPLOYMENT_SEES_FAILURE = (
    "CodeDeploy invokes this function during a deployment and waits for its answer: one that fails, or is silent for "
    "an hour, fails the deployment. "
    "https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html"
)

PREDEFINED = {
    (10, 5, False): codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
    (10, 10, False): codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES,
    (10, 15, False): codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_15_MINUTES,
    (10, 30, False): codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_30_MINUTES,
    (10, 1, True): codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_1_MINUTE,
    (10, 2, True): codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_2_MINUTES,
    (10, 3, True): codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_3_MINUTES,
    (10, 10, True): codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_10_MINUTES,
}


_TESTED_BY: WeakKeyDictionary[Construct, str] = WeakKeyDictionary()  # the path of what a hook tests


@runtime_checkable
class Hook(Protocol):
    """A function that says whether a deployment may go on: `SecureFunction`."""

    @property
    def called(self) -> lambda_.IFunction:
        """What is called."""

    @property
    def identity(self) -> Identity:
        """Its role."""

    def add_environment(self, name: str, value: str) -> None:
        """Set a variable."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Let a new version have a part of the calls first.

    CodeDeploy goes back to the version before as soon as an alarm of the function goes off, a hook says no, or the
    deployment is stopped; the stack's update then fails and is rolled back, too.

    Args:
        percent: Which part of the calls the new version gets first, 1 to 99.
        minutes: For how long, before it gets the rest; 2,880 at most.
        linear: Add that part every so many minutes, until it is all of them, instead of once.
        before: A function that is called before the first of these calls: a test of the new version, whose ARN is in
            its variable `NEW_VERSION`. It answers with `PutLifecycleEventHookExecutionStatus`; until then, for an hour
            at most, the deployment waits. It stands in the same stack, and has no alias of its own.
        after: The same, once the new version has all calls.
        alarms: What else to go back on, seven at most: alarms of an API, of a queue behind the function; of the
            function's account and region.

    Example:
        >>> from constructs_lib import Canary, SecureFunction
        >>> charge = SecureFunction(
        ...     stack, "Charge", entry="lambda_src/greeting/greet.ts", canary=Canary(percent=10, minutes=15)
        ... )
    """

    percent: int = 10
    minutes: int = 5
    linear: bool = False
    before: Hook | None = None
    after: Hook | None = None
    alarms: Sequence[cloudwatch.IAlarm] = ()

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """The functions that are asked, each once."""
        found = [each for each in (self.before, self.after) if each is not None]
        return tuple(dict.fromkeys(found))

    def check(self, bearer: Construct, refusals: Refusals) -> None:
        """Note what CodeDeploy would not take."""
        if not self._has_kinds(refusals):
            return
        if self.percent not in PERCENT:
            refusals.refuse(f"percent is {self.percent}, wanted 1 to 99", fix="leave percent out for 10")
        elif self.minutes < 1 or self._takes > MOST_MINUTES:
            refusals.refuse(
                f"the shift of calls takes {self._takes} minutes, wanted 1 to {MOST_MINUTES}",
                fix="lower minutes" + (", or raise percent" if self.linear else ""),
            )
        if len(self.alarms) > MOST_ALARMS:
            refusals.refuse(
                f"canary has {len(self.alarms)} alarms, and CodeDeploy takes {MOST_ALARMS} beside the function's own",
                fix="pass those that tell a bad version",
            )
        for at, alarm in enumerate(self.alarms):
            _check_place(f"alarms[{at}]", alarm, bearer, refusals)
        for name, hook in (("before", self.before), ("after", self.after)):
            if isinstance(hook, Construct):
                _check_hook(name, hook, bearer, refusals)

    def _has_kinds(self, refusals: Refusals) -> bool:
        """Whether every field is of its kind; what is not is noted."""
        kinds = Refusals.at(refusals.where)
        for name in ("percent", "minutes"):
            if is_encoded(getattr(self, name)):
                kinds.refuse(f"{name} of canary is not known before deployment", fix="write the number")
        for name in ("before", "after"):
            hook = getattr(self, name)
            if hook is not None and (isinstance(hook, type) or not isinstance(hook, Hook)):
                what = f"the class {hook.__name__}" if isinstance(hook, type) else f"a {type(hook).__name__}"
                kinds.refuse(f"{name} of canary is {what}, wanted a SecureFunction", fix="pass the function")
        if kinds.are_none:
            check_fields(self, kinds)
        for at, alarm in enumerate(self.alarms if isinstance(self.alarms, Sequence) else ()):
            if isinstance(alarm, cloudwatch.CompositeAlarm):
                # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
                kinds.refuse(
                    f"alarms[{at}] is composite, which may be read by those alone who may read every alarm",
                    fix="pass the alarms it is made of",
                )
        if not kinds.are_none:
            refusals.include(kinds.error().problems)
        return kinds.are_none

    @property
    def _takes(self) -> int:
        """How many minutes pass between the first shift and the last."""
        shifts = -(-100 // self.percent) - 1 if self.linear else 1
        return shifts * self.minutes


class CanaryDeployment(Construct):
    """Define how CodeDeploy moves an alias to a new version, with a role that may do that to this function alone.

    Args:
        bearer: The function's construct.
        canary: What the user said.
        alias: The alias that is moved.
        alarms: The alarms of the function.
    """

    def __init__(
        self,
        bearer: Construct,
        canary: Canary,
        alias: lambda_.Alias,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(bearer, "Deployment")
        self._bearer = bearer
        self.node.set_context(REMOVES_ALARMS, True)
        stack = cdk.Stack.of(self)
        self.application = codedeploy.LambdaApplication(self, "Application")
        asked = list(dict.fromkeys([*alarms, *canary.alarms]))  # CodeDeploy takes none twice
        self.identity = Identity(
            self,
            "Identity",
            principal=iam.ServicePrincipal("codedeploy.amazonaws.com").with_conditions(
                {
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {
                        "aws:SourceArn": stack.format_arn(
                            service="codedeploy",
                            resource="deploymentgroup",
                            resource_name=f"{self.application.application_name}/*",
                            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                        )
                    },
                }
            ),
            base=_statements(alias, canary.hooks, asked),
        )
        self.group = codedeploy.LambdaDeploymentGroup(
            self,
            "Group",
            application=self.application,
            alias=alias,
            # CDK would add a policy of AWS's that is for every function of the account.
            role=self.identity.role.without_policy_updates(),
            deployment_config=self._pace(canary),
            alarms=asked,
            auto_rollback=codedeploy.AutoRollbackConfig(failed_deployment=True, stopped_deployment=True),
        )
        self.group.node.add_dependency(self.identity)
        self._admit_hooks(canary, alias)

    def _pace(self, canary: Canary) -> codedeploy.ILambdaDeploymentConfig:
        known = PREDEFINED.get((canary.percent, canary.minutes, canary.linear))
        if known is not None:
            return known
        interval = cdk.Duration.minutes(canary.minutes)
        return codedeploy.LambdaDeploymentConfig(
            self,
            "Pace",
            traffic_routing=codedeploy.TrafficRouting.time_based_linear(interval=interval, percentage=canary.percent)
            if canary.linear
            else codedeploy.TrafficRouting.time_based_canary(interval=interval, percentage=canary.percent),
        )

    def _admit_hooks(self, canary: Canary, alias: lambda_.Alias) -> None:
        """Let the hooks call the new version and say what they found, before the alias is moved.

        What else they may do can depend on the alias, so these rights are policies of their own, for which it waits.
        """
        version = alias.version.function_arn
        for number, hook in enumerate(canary.hooks, 1):
            hook.add_environment(NEW_VERSION, version)
            acknowledge(hook.called, DEPLOYMENT_SEES_FAILURE, "Serverless-LambdaDLQ")
            if isinstance(hook, Construct):
                _TESTED_BY[hook] = self._bearer.node.path
            policy = iam.ManagedPolicy(
                self,
                f"Hook{number}",
                roles=[hook.identity.role],
                document=iam.PolicyDocument(
                    minimize=False,
                    statements=[
                        iam.PolicyStatement(
                            sid="AnswerDeployment",
                            actions=["codedeploy:PutLifecycleEventHookExecutionStatus"],
                            resources=[self.group.deployment_group_arn],
                        ),
                        iam.PolicyStatement(
                            sid="CallNewVersion", actions=["lambda:InvokeFunction"], resources=[version]
                        ),
                    ],
                ),
            )
            alias.node.add_dependency(policy)
        # By hand: the L2 would give a hook the same right in a policy for which nothing waits.
        update = alias.node.default_child
        if not isinstance(update, lambda_.CfnAlias):  # pragma: no cover - an alias is one
            raise TypeError("an alias that is none")
        update.cfn_options.update_policy = cdk.CfnUpdatePolicy(
            code_deploy_lambda_alias_update=cdk.CfnCodeDeployLambdaAliasUpdate(
                application_name=self.application.application_name,
                deployment_group_name=self.group.deployment_group_name,
                before_allow_traffic_hook=_name_of(canary.before),
                after_allow_traffic_hook=_name_of(canary.after),
            )
        )


def _check_place(name: str, alarm: cloudwatch.IAlarm, bearer: Construct, refusals: Refusals) -> None:
    """Note an alarm that is where CodeDeploy does not look; nothing of places that a deployment tells."""
    stack, imported = cdk.Stack.of(bearer), alarm.alarm_arn.split(":")[3:5]
    region, account = imported if len(imported) == len(("region", "account")) else (alarm.env.region, alarm.env.account)
    for what, there, here in (("region", region, stack.region), ("account", account, stack.account)):
        if not cdk.Token.is_unresolved(there) and not cdk.Token.is_unresolved(here) and there != here:
            refusals.refuse(
                f"{name} is in {what} {there}, and the function in {here}: CodeDeploy looks at its own alone",
                fix="pass alarms of the account and region of the function",
            )


def _check_hook(name: str, hook: Construct, bearer: Construct, refusals: Refusals) -> None:
    if hook is bearer:
        refusals.refuse(f"{name} is the function itself", fix="let another function test it")
    elif cdk.Stack.of(hook).node.path != cdk.Stack.of(bearer).node.path:
        is_nested = cdk.Stack.of(bearer).nested_stack_parent is not None
        refusals.refuse(
            f"{name} is not in the stack of the function",
            fix="put the function and its hook into one nested stack of your own"
            if is_nested
            else "put the hook beside the function",
        )
    elif isinstance(hook, Hook) and isinstance(hook.called, lambda_.Alias):
        refusals.refuse(
            f"{name} has an alias, and CodeDeploy calls hooks by the names of functions",
            fix="leave provisioned_concurrency, snap_start and canary out of the hook",
        )
    elif hook in _TESTED_BY:
        refusals.refuse(
            f"{name} tests another function already: {_TESTED_BY[hook]}",
            fix="give each function a hook of its own; two may have one entry",
        )


def _statements(
    alias: lambda_.Alias, hooks: Sequence[Hook], alarms: Sequence[cloudwatch.IAlarm]
) -> list[iam.PolicyStatement]:
    """What CodeDeploy does: what AWS's policy for it allows, but for this function alone and without buckets.

    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambdaLimited.html
    """
    function = alias.version.lambda_.function_arn
    statements = [
        iam.PolicyStatement(
            sid="MoveAlias",
            actions=["lambda:GetAlias", "lambda:UpdateAlias"],
            resources=[function, f"{function}:{alias.alias_name}"],
        ),
        # Always: a deployment that ends provisioned concurrency begins with it.
        iam.PolicyStatement(
            sid="WaitForEnvironments",
            actions=["lambda:GetProvisionedConcurrencyConfig"],
            resources=[f"{function}:{alias.alias_name}"],
        ),
    ]
    if hooks:
        statements.append(
            iam.PolicyStatement(
                sid="CallHooks",
                actions=["lambda:InvokeFunction"],
                resources=[each.called.function_arn for each in hooks],
            )
        )
    if alarms:
        statements.append(
            iam.PolicyStatement(
                sid="ReadAlarms",
                actions=["cloudwatch:DescribeAlarms"],
                resources=[each.alarm_arn for each in alarms],
            )
        )
    return statements


def _name_of(hook: Hook | None) -> str | None:
    return None if hook is None else hook.called.function_name
