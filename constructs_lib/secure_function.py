"""One Lambda function with everything a production function needs and nothing it does not.

The numbers, and why:

- 512 MiB: Lambda gives CPU in proportion to memory, and a bundled SDK loads on CPU; below this, cold starts cost more
  in time than the memory saves. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
- 10 s: long enough for a few calls to other services, short enough that a stuck one is noticed, and under every front.
- One month of logs: long enough for most post-mortems; forever, Lambda's own default, is only ever paid for.
- ARM64: a fifth cheaper for the same work. https://aws.amazon.com/lambda/pricing/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.bundling.code import BundlingOptions
from constructs_lib.defaults import defaults_of
from constructs_lib.wiring import secrets as wiring_secrets
from constructs_lib.wiring.app_stack import app_stack_of
from constructs_lib.wiring.asynchronous import AsynchronousCalls
from constructs_lib.wiring.canary import Canary
from constructs_lib.wiring.destination import FailureDestination
from constructs_lib.wiring.environment import check_size, check_variable
from constructs_lib.wiring.function_alarms import AlarmsOfFunction, FunctionAlarms
from constructs_lib.wiring.function_code import bundled, chosen_runtime
from constructs_lib.wiring.function_limits import check_limits
from constructs_lib.wiring.function_vpc import check_function_vpc, place_in_vpc
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.live_alias import LiveAlias
from constructs_lib.wiring.log_groups import log_group
from constructs_lib.wiring.mappings_wait import MappingsWait
from constructs_lib.wiring.provisioned import Provisioned
from constructs_lib.wiring.queue_access import send_statements
from constructs_lib.wiring.refusals import Refusals, check_type
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.secrets import SecretSource
from constructs_lib.wiring.tracing import FINDING, REASON, trace_statement
from constructs_lib.wiring.upload_loops import loops_of
from constructs_lib.wiring.vpc_access import connections_of
from constructs_lib.wiring.waiver import Waived, acknowledge, check_safeguards, record_waiver


class FunctionProps(TypedDict, total=False):
    """What every construct with a function of its own takes for it; see `SecureFunction` for meaning and defaults.

    What concerns asynchronous calls is not among it: an API, a queue and a stream call their functions synchronously.
    """

    handler: str
    runtime: lambda_.Runtime | None
    architecture: lambda_.Architecture | None
    memory_mib: int
    timeout: cdk.Duration | None
    environment: Mapping[str, str] | None
    secrets: Mapping[str, SecretSource] | None
    description: str | None
    include: Sequence[str]
    bundling: BundlingOptions
    log_retention: logs.RetentionDays | None
    reserved_concurrency: int | None
    vpc: ec2.IVpc | Waived | None
    tracing: Literal[True] | Waived
    recursion_stop: Literal[True] | Waived
    provisioned_concurrency: int | Provisioned | None
    snap_start: bool
    canary: Canary | None


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class SecureFunction(Construct):
    """Define one Lambda function, its role, its policies and its log group.

    The function may write its own logs and send traces; everything else is granted by name, to this function alone:
    `table.grant(function, "GetItem")`, or any L2's own `grant_...(function)`. Logs are JSON, X-Ray is active, and
    Lambda stops recursive loops that run through it.

    Args:
        entry: The file that holds the handler, TypeScript, JavaScript or Python, relative to the folder of `cdk.json`.
        handler: The exported function that Lambda calls. Default: `handler`.
        runtime: The Lambda runtime. Default: the newest of the entry's language, Node.js 24 or Python 3.14.
        architecture: Default: ARM64.
        memory_mib: Memory in MiB, 128 to 10,240; CPU grows with it.
        timeout: How long one call may take, at most 15 minutes. Default: 10 seconds.
        environment: Plain variables. Secrets are refused here, see `secrets`. `POWERTOOLS_SERVICE_NAME` is the id of
            the stack unless set here.
        secrets: Variable name to secret (Secrets Manager), `SecretField` of one, parameter (SSM) or `ParameterPath`.
            The variable says where it is, the function may read exactly that, and the value is never in the template.
            A single parameter under a key of your own also takes `key.grant_decrypt(function)`.
        description: Shown in the console.
        include: Files the bundler cannot see by following imports, as globs: relative to the entry's folder (Node), or
            to the folder of its requirements.txt (Python).
        bundling: What differs from the measured settings: `{"source_map": True}` writes a source map beside the asset,
            `{"credentials": "chain"}` keeps the SDK's whole credential chain (Node), `{"bundle_sdk": True}` bundles
            the locked boto3 instead of using the runtime's (Python).
        log_retention: How long logs are kept. Default: what the `Defaults` say, or else one month.
        reserved_concurrency: Environments set aside for, and the most ever used by, this function. Default: what the
            `Defaults` say, or else none set.
        vpc: Where it gets its network interfaces, in private or isolated subnets and a security group of its own, from
            which it reaches TLS ports. `Waived(reason)` leaves it outside, whatever the `Defaults` say. Default: what
            they say, or else in no VPC: a function needs none unless what it calls is in one.
        tracing: `Waived(reason)` turns X-Ray off.
        recursion_stop: `Waived(reason)` lets Lambda run recursive loops on; without it Lambda stops them after about 16
            rounds.
            https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
        on_failure: The queue or topic that gets asynchronous events the function failed on; `Waived(reason)` drops
            them. Default: a queue of its own, made as soon as something calls the function asynchronously.
        retry_attempts: How often a failed asynchronous call is tried again, 0 to 2. Default: twice, as Lambda does.
        max_event_age: How long an asynchronous event may wait for its call. Default: 6 hours, as Lambda does.
            https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
        provisioned_concurrency: Environments that are kept ready before the first call, paid for by the hour: a number,
            or `Provisioned(2, up_to=10)`. Default: none.
        snap_start: Start from a snapshot of the initialized function; for Python 3.12 and later.
        canary: Let a new version have a part of the calls first, and go back when an alarm goes off: `Canary()`.
            With any of these three everything calls the alias `live`; so does what you wire with `function.called`,
            `function_arn` or `grant_invoke`. docs/deploys.md
        alarms: Other thresholds than those of `FunctionAlarms`, or `Waived(reason)` for one or all of them.

    Raises:
        PropError: A limit of Lambda is exceeded, or a variable is refused.
        BundlingError: The entry does not exist; at synth, that it cannot be bundled.

    Example:
        >>> report = SecureFunction(stack, "Report", entry="lambda_src/greeting/greet.ts")
        >>> _ = queue.grant_send_messages(report)
    """

    @checks_kinds(except_for=("timeout", "on_failure", "alarms"))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        entry: str,
        handler: str = "handler",
        runtime: lambda_.Runtime | None = None,
        architecture: lambda_.Architecture | None = None,
        memory_mib: int = 512,
        timeout: cdk.Duration | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, SecretSource] | None = None,
        description: str | None = None,
        include: Sequence[str] = (),
        bundling: BundlingOptions = BundlingOptions(),  # noqa: B008 - empty, and never written to
        log_retention: logs.RetentionDays | None = None,
        reserved_concurrency: int | None = None,
        vpc: ec2.IVpc | Waived | None = None,
        tracing: Literal[True] | Waived = True,
        recursion_stop: Literal[True] | Waived = True,
        on_failure: FailureDestination | Waived | None = None,
        retry_attempts: int | None = None,
        max_event_age: cdk.Duration | None = None,
        alarms: FunctionAlarms | Waived | None = None,
        provisioned_concurrency: int | Provisioned | None = None,
        snap_start: bool = False,
        canary: Canary | None = None,
    ) -> None:
        super().__init__(scope, id)
        settings = defaults_of(self)
        vpc = settings.vpc if vpc is None else vpc
        self.reserved_concurrency = (
            settings.reserved_concurrency if reserved_concurrency is None else reserved_concurrency
        )
        live = LiveAlias(provisioned_concurrency, snap_start, canary)
        live.prepare(self)
        self._loops = loops_of(self)  # held here, so that no call is forgotten while there are functions
        self._asynchronous = AsynchronousCalls(on_failure, retry_attempts, max_event_age)
        self.timeout = cdk.Duration.seconds(10)
        environment = {} if environment is None else environment
        secrets = {} if secrets is None else secrets
        architecture = lambda_.Architecture.ARM_64 if architecture is None else architecture

        refusals = Refusals(self)
        check_type("timeout", timeout, cdk.Duration, refusals, fix="write cdk.Duration.seconds(30)")
        if isinstance(timeout, cdk.Duration):
            self.timeout = timeout
        check_limits(
            refusals,
            memory_mib=memory_mib,
            timeout=self.timeout,
            reserved_concurrency=self.reserved_concurrency,
            description=description,
        )
        check_function_vpc(vpc, self, refusals)
        self._check_more(refusals)
        self._asynchronous.check(self, refusals)
        self.watched = AlarmsOfFunction(alarms, self.timeout)
        self.watched.check(refusals)
        runtime = chosen_runtime(entry, runtime, refusals)
        live.check(self, runtime, self.reserved_concurrency, refusals)
        check_safeguards({"tracing": tracing, "recursion_stop": recursion_stop}, refusals)
        self._check_variables(refusals, environment, secrets)
        code = bundled(
            entry,
            refusals,
            handler=handler,
            runtime=runtime,
            architecture=architecture,
            include=include,
            options=bundling,
        )

        self.log_group = log_group(self, "Logs", retention=log_retention)
        always_kept = self._asynchronous.always_kept(self, self.watched)
        reads = wiring_secrets.all_read_statements(self, secrets.values())
        # What is initialized before anything else is granted may read its secrets from the start.
        base = [*(reads if live.is_wanted else ()), *(send_statements(self, always_kept.queue) if always_kept else ())]
        self.identity = self._new_identity(base, has_traces=tracing is True)

        self.function = lambda_.Function(
            self,
            "Function",
            code=code,
            handler=code.handler,
            runtime=runtime,
            architecture=architecture,
            memory_size=memory_mib,
            timeout=self.timeout,
            description=description,
            role=self.identity,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            recursive_loop=lambda_.RecursiveLoop.TERMINATE if recursion_stop is True else lambda_.RecursiveLoop.ALLOW,
            reserved_concurrent_executions=self.reserved_concurrency,
        )
        # CDK's own switches would add their permissions to the role a second time.
        if always_kept is not None:
            cfn = resource_of(self.function, lambda_.CfnFunction)
            cfn.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(target_arn=always_kept.queue_arn)
        if tracing is True:
            resource_of(self.function, lambda_.CfnFunction).tracing_config = lambda_.CfnFunction.TracingConfigProperty(
                mode="Active"
            )
        place_in_vpc(self.function, self.identity, vpc)
        self._record_waivers(tracing, recursion_stop)

        self._variables = {"POWERTOOLS_SERVICE_NAME": app_stack_of(self).node.id, **environment}
        self._variables |= {name: wiring_secrets.named_by(source) for name, source in secrets.items()}
        for name, value in self._variables.items():
            self.function.add_environment(name, value)
        for statement in reads if not live.is_wanted else ():
            self.add_to_role_policy(statement)

        self.watched.raise_for(self, self.function, self._variables["POWERTOOLS_SERVICE_NAME"])
        self.alias = live.define(self, self.function, self.watched)
        # What every trigger calls, and what callers may invoke: the alias, where there is one.
        self.called: lambda_.IFunction = self.function if self.alias is None else self.alias
        cdk.Aspects.of(self.called).add(MappingsWait(self.identity))
        self.event_invoke_config = (
            self._asynchronous.configure(self, self.function, self.alias, self.identity, self.watched)
            if self._asynchronous.are_stated
            else None
        )

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The function's role, which is what grants are given to."""
        return self.identity

    @property
    def connections(self) -> ec2.Connections:
        """What it reaches in its VPC beside TLS: `database.connections.allow_default_port_from(function)`.

        Raises:
            PropError: It is in no VPC.
        """
        return connections_of(self.function, self)

    @property
    def alarms(self) -> Sequence[cloudwatch.IAlarm]:
        """The alarms of this function, none where they are waived or turned off."""
        return self.watched.raised

    @property
    def function_arn(self) -> str:
        """The ARN that callers use: of the function, or of its alias where it has one."""
        return self.called.function_arn

    @property
    def function_name(self) -> str:
        """The name that callers use, chosen by CloudFormation; with `:live` at its end where there is an alias."""
        return self.called.function_name

    @checks_kinds(except_for=("value",))
    def add_environment(self, name: str, value: str) -> None:
        """Set a variable.

        Args:
            name: A letter, then letters, digits and underscores.
            value: Anything but a secret.

        Raises:
            PropError: The name is not free, the value is a secret, or the variable has another value already.
        """
        refusals = Refusals(self)
        check_variable(self, name, value, refusals)
        had = self._variables.get(name)
        if had is not None and had != value:
            refusals.refuse(
                f"environment variable {name} is set twice, to different values",
                fix="choose another name for one of them",
            )
        refusals.stop_if_any()
        self._variables[name] = value
        self.function.add_environment(name, value)

    def add_to_role_policy(self, statement: iam.PolicyStatement) -> None:
        """Allow what no `grant` method covers; write exact actions and resources."""
        self.identity.add_to_principal_policy(statement)

    def keep_failed_events(self) -> lambda_.CfnEventInvokeConfig:
        """Configure asynchronous calls, so that an event the function fails on is kept.

        What calls a function asynchronously calls this: topics, rules and schedules do. A second time changes nothing.
        """
        if self.event_invoke_config is None:
            self.event_invoke_config = self._asynchronous.configure(
                self, self.function, self.alias, self.identity, self.watched
            )
        return self.event_invoke_config

    @checks_kinds()
    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody call this function directly: `lambda:InvokeFunction` on `function_arn` alone."""
        return grant_exactly(self, grantee, ["lambda:InvokeFunction"], self.function_arn)

    def _new_identity(self, more: Sequence[iam.PolicyStatement], *, has_traces: bool) -> Identity:
        """The role, with what it needs before the function is there: its own logs, its traces, and a little more."""
        own_logs = iam.PolicyStatement(
            sid="WriteOwnLogs",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[self.log_group.log_group_arn],
        )
        base = [own_logs, *([trace_statement()] if has_traces else []), *more]
        identity = Identity(self, "Identity", principal=iam.ServicePrincipal("lambda.amazonaws.com"), base=base)
        if has_traces:
            acknowledge(identity.base_policy, REASON, FINDING)
        return identity

    def _record_waivers(self, tracing: Literal[True] | Waived, recursion_stop: Literal[True] | Waived) -> None:
        if isinstance(tracing, Waived):
            record_waiver(self.function, "tracing", tracing, "Serverless-LambdaTracing")
        if isinstance(recursion_stop, Waived):
            record_waiver(self.function, "recursion_stop", recursion_stop)

    def _check_more(self, refusals: Refusals) -> None:
        """Note what is wrong with the props of a kind of function; said together with everything else."""

    def _check_variables(
        self, refusals: Refusals, environment: Mapping[str, str], secrets: Mapping[str, SecretSource]
    ) -> None:
        for name, value in environment.items():
            check_variable(self, name, value, refusals)
        for name, source in secrets.items():
            check_variable(self, name, "", refusals)
            wiring_secrets.check_secret(name, source, self, refusals)
            if name in environment:
                refusals.refuse(f"{name} is in both environment and secrets", fix="leave it out of environment")
        check_size(environment, refusals)
