"""A secret that a function of yours renews, on a schedule.

The numbers, and why:

- 30 days: what AWS's own documentation rotates by; some standards ask for 90, and nobody minds more often.
  https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
- 1 minute for each of the four steps: they wait for somebody else's service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.secure_function import FunctionProps, SecureFunction
from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.function_alarms import FunctionAlarms
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.one_rotation import OnlyRotation, check_only_one, note_rotation
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.rotation_rights import rotation_statements
from constructs_lib.wiring.secrets import check_is_found_by_its_arn, full_arn_of
from constructs_lib.wiring.waiver import Waived, acknowledge

SERVICE = "secretsmanager.amazonaws.com"
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
SHORTEST_HOURS = 4
MOST = 999  # hours or days

CALLED_AGAIN = (
    "Secrets Manager calls this function synchronously and repeats a rotation that failed; a dead-letter queue gets "
    "asynchronous events only, https://docs.aws.amazon.com/lambda/latest/dg/with-secrets-manager.html"
)


@jsii.implements(iam.IGrantable)
class SecretRotation(Construct):
    """Define a function that renews one secret, and when it does.

    The function may describe, read and write this secret and move its labels: four actions on one ARN. Secrets Manager
    may call it for this secret alone, and repeats a rotation that failed. Its handler is the four steps of a rotation;
    `rotation` of `constructs_lib.runtime`, in TypeScript of `constructs-lib-runtime/rotation`, makes them out of two
    functions, `change` and `test`. Where AWS has one for your database, CDK's own reads well enough:
    `secret.add_rotation_schedule("Rotation", hosted_rotation=...)`.

    Functions that read the secret with `with_secret` or `withSecret` go on through the rotation.

    Args:
        secret: The secret, of this stack or another, or one that was imported.
        entry: The file that holds the handler, as for `SecureFunction`.
        every: How often: 4 to 999 whole hours, or 1 to 999 whole days. Default: 30 days.
        at_once: Also rotate when this is deployed first, or changed; otherwise the first time is when it is due.
        alarms: Those of the function, as `SecureFunction` takes them; `errors` goes off at the first one, since nobody
            else is told of a rotation that failed.
        function: Whatever else `SecureFunction` takes; its timeout is a minute unless set.

    Raises:
        PropError: The interval is out of bounds, or the secret is rotated already, or in another region or account, or
            was imported by a name that looks like a complete ARN.

    Example:
        >>> rotation = SecretRotation(
        ...     stack, "Rotation", secret=secret, entry="lambda_src/greeting/greet.ts", every=cdk.Duration.days(7)
        ... )
    """

    @checks_kinds(except_for=("every", "alarms"))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        secret: secretsmanager.ISecret,
        entry: str,
        every: cdk.Duration | None = None,
        at_once: bool = True,
        alarms: FunctionAlarms | Waived | None = None,
        **function: Unpack[FunctionProps],
    ) -> None:
        super().__init__(scope, id)
        every = cdk.Duration.days(30) if every is None else every
        refusals = Refusals(self)
        interval = _expression_of(every, refusals)
        check_same_region("secret", secret, self, refusals)
        check_is_found_by_its_arn("secret", secret, refusals)
        _check_same_account(secret, self, refusals)
        check_only_one(secret, refusals)
        refusals.stop_if_any()

        self.secret = secret
        function.setdefault("timeout", cdk.Duration.minutes(1))
        first_failure: FunctionAlarms = {"errors": 1}
        if alarms is None:
            alarms = first_failure
        elif isinstance(alarms, Mapping):
            alarms = {**first_failure, **alarms}
        self.function = SecureFunction(self, "Function", entry=entry, alarms=alarms, **function)
        for statement in rotation_statements(self, secret):
            self.function.add_to_role_policy(statement)
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=self.function.called.function_arn,
            principal=SERVICE,
            source_account=cdk.Stack.of(self).account,
            source_arn=full_arn_of(secret),
        )
        self.schedule = secretsmanager.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=secret.secret_arn,
            rotation_lambda_arn=self.function.called.function_arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(schedule_expression=interval),
            rotate_immediately_on_update=at_once,
        )
        # The first rotation begins with the schedule: by then the function must be callable, and may do its work.
        self.schedule.node.add_dependency(permission)
        for policy in self.function.identity.grants_policies:
            self.schedule.node.add_dependency(policy)
        acknowledge(self.function.function, CALLED_AGAIN, "Serverless-LambdaDLQ")
        note_rotation(secret, self)
        self.node.add_validation(OnlyRotation(secret, self))

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The role of the function, which is what grants are given to."""
        return self.function.grant_principal

    def add_environment(self, name: str, value: str) -> None:
        """Set a variable of the function; see `SecureFunction.add_environment`."""
        self.function.add_environment(name, value)


def _check_same_account(secret: secretsmanager.ISecret, bearer: Construct, refusals: Refusals) -> None:
    """Note a secret of another account: that one's Secrets Manager would call, and want a role there to be assumed.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
    """
    there, here = secret.env.account, cdk.Stack.of(bearer).account
    if not (cdk.Token.is_unresolved(there) or cdk.Token.is_unresolved(here) or there == here):
        refusals.refuse(
            f"secret is of account {there}, and {bearer.node.path} of {here}, whose roles may not change it",
            fix=f"define the rotation in a stack of account {there}",
        )


def _expression_of(every: object, refusals: Refusals) -> str:
    """The interval as Secrets Manager writes it."""
    told = f"{every!r}"
    if isinstance(every, cdk.Duration):
        hours = 0 if every.is_unresolved() else every.to_milliseconds() / 3_600_000
        if hours % 24 == 0 and 1 <= hours / 24 <= MOST:
            return f"rate({int(hours / 24)} day{'s' * (hours > 24)})"  # noqa: PLR2004 - hours of a day
        if hours == int(hours) and SHORTEST_HOURS <= hours <= MOST:
            return f"rate({int(hours)} hours)"
        told = "not known before deployment" if every.is_unresolved() else f"{hours!r} hours".replace(".0 ", " ")
    refusals.refuse(
        f"every is {told}, wanted {SHORTEST_HOURS} to {MOST} whole hours, or 1 to {MOST} whole days",
        fix="write cdk.Duration.days(30)",
    )
    return ""
